"""Functions: what shows that they fail, and how a drill makes them fail."""

from __future__ import annotations

import io
import json
import zipfile

from botocore.exceptions import ClientError

from totara_infra.blueprint import PlannedResource
from totara_infra.delivery.runbooks import Finding
from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks.inspection import inspect
from totara_infra.operations.checks.sign_in import tokens
from totara_infra.operations.drift.functions import FUNCTION, PERMISSION
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign, drifted, listed, sign_of

_GONE = "ResourceNotFoundException"
_BROKEN = "def handler(event, context):\n    raise RuntimeError('broken by a drill')\n"


def _functions(scene: Scene) -> list[PlannedResource]:
    return [r for r in scene.blueprint.resources.values() if r.type == FUNCTION]


def functions_answer(scene: Scene) -> Sign:
    """Each function is there, active, and may run."""
    client, faults = scene.live.client("lambda"), []
    for resource in _functions(scene):
        name = resource.properties["name"]
        try:
            found = client.get_function(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
            faults.append(f"{name} is gone")
            continue
        configuration = found["Configuration"]
        if configuration.get("State", "Active") != "Active":
            faults.append(f"{name} is {configuration['State']}")
        if configuration.get("LastUpdateStatus") == "Failed":
            faults.append(f"the last update of {name} failed")
        if found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
            faults.append(f"{name} is throttled to nothing")
    return sign_of(faults, "All functions are active.")


def functions_as_declared(scene: Scene) -> Sign:
    """Code, configuration and permissions are those of the catalogue."""
    well = "Code, configuration and permissions are as declared."
    return drifted(scene, frozenset({FUNCTION, PERMISSION}), well)


def sign_in(scene: Scene) -> Sign:
    """A user that is made for it gets tokens, from both pools."""
    with inspect(scene.live, scene.blueprint) as inspection:
        results = tokens(inspection)
    failed = [r for r in results if r.outcome is Outcome.FAILED]
    if not failed and all(r.outcome is Outcome.SKIPPED for r in results):
        why = dict.fromkeys(r.fix.rstrip(".") for r in results)
        return Sign(None, f"{listed(why)}.", applies=False)
    return sign_of([f"{r.subject}: {r.found}" for r in failed], "Probe users get their tokens.")


def alarms_of_functions(scene: Scene) -> Sign:
    """CloudWatch's alarms on errors and throttles of functions."""
    names = [
        str(r.properties["name"])
        for r in scene.blueprint.resources.values()
        if r.shape == "MetricAlarm" and r.properties.get("namespace") == "AWS/Lambda"
    ]
    if not names:
        return Sign(None, "The catalogue declares no alarm on functions.", applies=False)
    pages = scene.live.client("cloudwatch").get_paginator("describe_alarms").paginate()
    ringing = [
        str(a["AlarmName"])
        for page in pages
        for a in page["MetricAlarms"]
        if a["AlarmName"] in names and a["StateValue"] == "ALARM"
    ]
    return sign_of([f"{name} is in ALARM" for name in ringing], f"{len(names)} alarms, none rings.")


def _name(scene: Scene, resource: str) -> str:
    return str(scene.blueprint.resources[resource].properties["name"])


def broken_code(scene: Scene) -> None:
    """The trigger of the customers' pool gets code that fails."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("pre_token_generation.py", _BROKEN)
    scene.live.client("lambda").update_function_code(
        FunctionName=_name(scene, "trigger/customers"), ZipFile=archive.getvalue()
    )


def throttled(scene: Scene) -> None:
    """The trigger of the staff's pool may not run any more."""
    scene.live.client("lambda").put_function_concurrency(
        FunctionName=_name(scene, "trigger/staff"), ReservedConcurrentExecutions=0
    )


def permission_gone(scene: Scene) -> None:
    """Nobody may call the function that routes alarms."""
    client, name = scene.live.client("lambda"), _name(scene, "function/alarm-router")
    try:
        policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return
        raise
    for statement in policy["Statement"]:
        client.remove_permission(FunctionName=name, StatementId=statement["Sid"])


def sound(scene: Scene) -> Finding:
    """Whether functions are active, with declared code, configuration and permissions."""
    signs = [functions_answer(scene), functions_as_declared(scene)]
    bad = [s for s in signs if s.raised is not False]
    return Finding(not bad, " ".join(s.found for s in bad or signs))
