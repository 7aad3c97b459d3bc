"""Cold and warm time of the sign-in trigger, without the network."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from unittest.mock import patch

from totara_infra.blueprint.blueprint import plan
from totara_infra.blueprint.sign_in_trigger import trigger_variables
from totara_infra.local.project import project_root
from totara_infra.model.stack import read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.resolver import load_catalogue
from totara_infra.trigger import pre_token_generation as trigger

COLD_RUNS = 5
WARM_RUNS = 2000
TENANTS = 500
_COLD = (
    "import time; start = time.perf_counter(); import pre_token_generation; "
    "print(time.perf_counter() - start)"
)


def measure() -> dict[str, float]:
    """Measure the trigger on this machine.

    Returns:
        `trigger cold start, s`: import of the function with the client of the AWS SDK made, median
        of a few new interpreters; `trigger warm call, ms`: one decision with the licences of 500
        tenants known; `trigger warm poll, ms`: the same when the profile has just come anew.
    """
    root = project_root()
    settings = read_stack(root, "local")
    blueprint = plan(load_catalogue().catalogue, settings, load_tenants(root, settings.tenants))
    variables = trigger_variables(blueprint.scope, "customers") | {"AWS_REGION": settings.region}
    warm, poll = _warm(variables)
    return {
        "trigger cold start, s": _cold(variables),
        "trigger warm call, ms": warm * 1000,
        "trigger warm poll, ms": poll * 1000,
    }


def _cold(variables: dict[str, str]) -> float:
    folder = project_root() / "totara_infra" / "trigger"
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", _COLD],
                cwd=folder,
                env={**os.environ, **variables, "PYTHONPATH": str(folder)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for _ in range(COLD_RUNS)
    ]
    return statistics.median(times)


def _warm(variables: dict[str, str]) -> tuple[float, float]:
    licence = {"deployment.status": "live", "deployment.jurisdiction": "NZ+AU"}
    content = json.dumps(
        {"defaults": {}, "tenants": {f"client-{n}": licence for n in range(TENANTS)}}
    )
    person = "00000000-0000-4000-8000-000000000000"
    event = {
        "triggerSource": "TokenGeneration_Authentication",
        "callerContext": {"clientId": "measured"},
        "request": {
            "userAttributes": {
                "custom:tenant_id": "client-42",
                "custom:jurisdiction": "NZ",
                "custom:party_id": person,
                "custom:user_id": person,
            },
            "groupConfiguration": {"groupsToOverride": ["customers"]},
        },
        "response": {},
    }

    def median(poll_seconds: float, runs: int) -> float:
        source = trigger.LicenceSource(lambda: trigger.read_licences(content), poll_seconds, 900)
        times = []
        with patch.dict(os.environ, variables), patch.object(trigger, "_source", source):
            trigger.handler(event, None)
            for _ in range(runs):
                start = time.perf_counter()
                trigger.handler(event, None)
                times.append(time.perf_counter() - start)
        return statistics.median(times)

    return median(3600, WARM_RUNS), median(0, WARM_RUNS // 20)


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name}: {value:.3f}")
