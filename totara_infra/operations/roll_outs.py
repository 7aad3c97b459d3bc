"""AppConfig's roll-outs, of which an application does one at a time: waiting for their end."""

from __future__ import annotations

import time
from typing import Any

from totara_infra.model.stack import StackSettings
from totara_infra.operations.configuration import taken_back_text
from totara_infra.operations.live import Live

POLL_SECONDS = 0.5
LONG_POLL_SECONDS = 5.0
"""Between looks at a roll-out that takes minutes by its strategy."""
MARGIN_SECONDS = 120
ENDED = ("COMPLETE", "ROLLED_BACK", "REVERTED")
"""States in which the next roll-out of the application can begin."""


class RollOutError(Exception):
    """A roll-out that did not come to its end; the text says why and how to go on."""


def minutes_of(settings: StackSettings) -> int:
    """How long a roll-out takes by the stack's strategy."""
    return settings.roll_out_minutes + settings.roll_out_bake_minutes


def wait_until_complete(live: Live, application_id: str, environment_id: str, number: int) -> None:
    """Wait until a roll-out is complete.

    Raises:
        RollOutError: it was taken back, or takes longer than its strategy allows.
    """
    deployment = wait_until_ended(live, application_id, environment_id, number)
    if deployment["State"] != "COMPLETE":
        name = live.client("appconfig").get_application(ApplicationId=application_id)["Name"]
        raise RollOutError(taken_back_text(name, deployment))


def wait_until_ended(
    live: Live, application_id: str, environment_id: str, number: int
) -> dict[str, Any]:
    """Wait until a roll-out is complete or is taken back.

    Returns:
        the deployment, as `GetDeployment` describes it then.

    Raises:
        RollOutError: it takes longer than its strategy allows.
    """
    minutes = minutes_of(live.settings)
    end = time.monotonic() + minutes * 60 + MARGIN_SECONDS
    client = live.client("appconfig")
    while True:
        deployment: dict[str, Any] = client.get_deployment(
            ApplicationId=application_id,
            EnvironmentId=environment_id,
            DeploymentNumber=number,
        )
        state = deployment["State"]
        if state in ENDED:
            return deployment
        if time.monotonic() > end:
            raise RollOutError(
                f"AppConfig {deployment['ConfigurationName']}, deployment {number}, is {state} "
                f"after {minutes} minutes and {MARGIN_SECONDS} s: longer than its strategy "
                "takes. Look at it in AppConfig, then run the same again, which goes on waiting."
            )
        time.sleep(LONG_POLL_SECONDS if minutes else POLL_SECONDS)


def running(live: Live, application_id: str, environment_id: str) -> dict[str, Any] | None:
    """The roll-out that an application is doing, as `GetDeployment` describes it, or None."""
    client = live.client("appconfig")
    where = {"ApplicationId": application_id, "EnvironmentId": environment_id}
    pages = client.get_paginator("list_deployments").paginate(**where)
    for number in (
        d["DeploymentNumber"] for p in pages for d in p["Items"] if d["State"] not in ENDED
    ):
        found: dict[str, Any] = client.get_deployment(**where, DeploymentNumber=number)
        return found
    return None
