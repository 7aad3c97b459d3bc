"""A configuration that is taken back stops the update, and every later one, until it is mended."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml

from tests.appconfig.conftest import Copy
from tests.command import PULUMI

pytestmark = pytest.mark.engine
KEY = "payments.hold.delay-window"
APPLICATION, PROFILE = "bank-payments", "runtime"


def override(copy: Copy, value: int) -> None:
    text = (copy.folder / "stacks" / "acorn.yaml").read_text(encoding="utf-8")
    # Beside those of the file: only one profile has something to roll out.
    copy.edit("stacks/acorn.yaml", overrides={**yaml.safe_load(text)["overrides"], KEY: value})


def served(copy: Copy) -> Any:
    """What a reader that comes now gets for acorn."""
    client = copy.client("appconfigdata")
    token = client.start_configuration_session(
        ApplicationIdentifier=APPLICATION,
        EnvironmentIdentifier="local",
        ConfigurationProfileIdentifier=PROFILE,
    )["InitialConfigurationToken"]
    content = client.get_latest_configuration(ConfigurationToken=token)["Configuration"].read()
    values = json.loads(content)
    return values["tenants"]["acorn"].get(KEY, values["defaults"][KEY])


def place(copy: Copy) -> dict[str, str]:
    client = copy.client("appconfig")
    application = next(
        a["Id"] for a in client.list_applications()["Items"] if a["Name"] == APPLICATION
    )
    environment = client.list_environments(ApplicationId=application)["Items"][0]["Id"]
    return {"ApplicationId": application, "EnvironmentId": environment}


def latest(copy: Copy) -> dict[str, Any]:
    found = copy.client("appconfig").list_deployments(**place(copy))["Items"]
    return max(found, key=lambda d: d["DeploymentNumber"])


def rolling_out(copy: Copy, process: Any) -> int:
    """Number of the deployment that is under way."""
    end = time.monotonic() + 200
    while time.monotonic() < end and process.poll() is None:
        deployment = latest(copy)
        if deployment["State"] == "DEPLOYING":
            return int(deployment["DeploymentNumber"])
        time.sleep(0.2)
    pytest.fail(f"no roll-out began: {process.communicate()[0]}")


def stops(copy: Copy) -> str:
    """The update that goes on from here stops again, for the same reason."""
    code, output = copy.run("up", "local")
    assert code == 1, output
    return output


def test_a_person_takes_a_roll_out_back_and_a_completed_one(up: Copy) -> None:
    up.edit("Pulumi.local.yaml", roll_out_minutes=1)
    override(up, 36)
    process = up.start("up", "local")
    number = rolling_out(up, process)
    client = up.client("appconfig")
    client.stop_deployment(**place(up), DeploymentNumber=number)
    output = process.communicate(timeout=200)[0]
    assert process.returncode == 1 and "was taken back (ROLLED_BACK)" in output
    assert "was taken back (ROLLED_BACK)" in stops(up)
    # The setting was not to blame: the same version once more, as the message says.
    up.edit("Pulumi.local.yaml", roll_out_minutes=0)
    resource = f"**app_config/{APPLICATION}/{PROFILE}/deployment"
    assert resource in output
    arguments = ("up", "--stack", "local", "--yes", "--skip-preview", "--replace", resource)
    code, output = up.run(*arguments, program=PULUMI)
    assert code == 0, output
    assert served(up) == 36
    # Taken back after it was complete: nothing in the files differs, and yet it does not pass.
    number = latest(up)["DeploymentNumber"]
    client.stop_deployment(**place(up), DeploymentNumber=number, AllowRevert=True)
    assert served(up) == 24
    output = stops(up)
    assert f"deployment {number}, was taken back (REVERTED)" in output
    override(up, 48)
    up.up()
    assert served(up) == 48


def test_an_alarm_takes_a_roll_out_back(up: Copy) -> None:
    up.edit("Pulumi.local.yaml", roll_out_minutes=1)
    override(up, 36)
    process = up.start("up", "local")
    number = rolling_out(up, process)
    up.client("cloudwatch").put_metric_data(
        Namespace="AWS/Lambda", MetricData=[{"MetricName": "Errors", "Value": 50, "Unit": "Count"}]
    )
    output = process.communicate(timeout=200)[0]
    assert process.returncode == 1, output
    for text in (
        f"{APPLICATION}/{PROFILE}, deployment {number}, was taken back (ROLLED_BACK)",
        "alarm:bank-local-roll-out",
        "the version before it is live",
        "run the update again",
    ):
        assert text in output
    assert served(up) == 24
    again = stops(up)
    assert f"deployment {number}, was taken back (ROLLED_BACK)" in again
    assert served(up) == 24
    # The way back: the setting as it was.
    up.restore()
    up.up()
    assert latest(up)["State"] == "COMPLETE" and latest(up)["DeploymentNumber"] == number + 1
    assert served(up) == 24
    watching = up.client("cloudwatch").describe_alarms(AlarmNames=["bank-local-roll-out"])
    assert watching["MetricAlarms"] == []


def test_only_what_takes_time_is_watched() -> None:
    from tests.environments import blueprint_of
    from totara_infra.model.vocabulary import Environment

    for environment in Environment:
        blueprint = blueprint_of(environment)
        alarms = [r for r in blueprint.steps["roll-out"] if r.shape == "MetricAlarm"]
        watched = [
            r
            for r in blueprint.resources.values()
            if r.shape == "Environment" and r.properties.get("monitors")
        ]
        in_prod = environment is Environment.PROD
        assert (len(alarms), len(watched)) == ((1, 8) if in_prod else (0, 0))
        assert all(a.properties["treat_missing_data"] == "notBreaching" for a in alarms)
