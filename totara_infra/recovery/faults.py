"""Faults that a drill injects on an emulator. Doing one twice does what doing it once does."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping

from botocore.exceptions import ClientError

from totara_infra.recovery.scene import Scene

Fault = Callable[[Scene], None]
_BROKEN = "def handler(event, context):\n    raise RuntimeError('broken by a drill')\n"


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


FAULTS: Mapping[str, Fault] = {
    "trigger-code-broken": broken_code,
    "trigger-throttled": throttled,
    "router-permission-gone": permission_gone,
}
"""Name in the catalogue -> what injects it."""
