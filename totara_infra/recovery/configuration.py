"""State and configuration: what shows that they are lost or altered, and a drill's faults."""

from __future__ import annotations

import json
import time
from typing import Any

from totara_infra.blueprint import PlannedResource
from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.delivery.runbooks import Finding
from totara_infra.delivery.state.standing import Condition
from totara_infra.delivery.state.status import state_status
from totara_infra.local import stack_state
from totara_infra.operations.configuration import planned_content, served_otherwise
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign, drifted, sign_of

_ROLL_OUT_SECONDS = 30.0
_REPLACED: dict[str, Any] = {"defaults": {}, "tenants": {}}
"""Settings as an accident would roll them out."""


def state_sound(scene: Scene) -> Sign:
    """The engine's state is there, whole, and nobody left it unfinished."""
    status = state_status(scene.stack)
    if status.condition is Condition.ABSENT:
        return Sign(True, status.sentence())
    return sign_of([f.rstrip(".") for f in status.faults()], status.sentence())


def parameters_as_declared(scene: Scene) -> Sign:
    """Parameters that the program makes have their declared values."""
    # What a module has written beside them is its own affair.
    well = "Every parameter has its declared value."
    return drifted(scene, frozenset({PARAMETER}), well, undeclared=False)


def settings_as_declared(scene: Scene) -> Sign:
    """AppConfig gives readers what the catalogue says."""
    places = served_otherwise(scene.live, scene.blueprint)
    faults = [f"{place} serves something else" for place in places]
    return sign_of(faults, "Every profile serves what the catalogue says.")


def state_usable(scene: Scene) -> Finding:
    """Whether an update could run on the state."""
    sign = state_sound(scene)
    return Finding(sign.raised is False, sign.found)


def configuration_sound(scene: Scene) -> Finding:
    """Whether parameters have their values, and AppConfig serves what is declared."""
    signs = [parameters_as_declared(scene), settings_as_declared(scene)]
    bad = [s for s in signs if s.raised is not False]
    return Finding(not bad, " ".join(s.found for s in bad or signs))


def _module_parameter(scene: Scene) -> str:
    return f"/bank/{scene.blueprint.scope.env}/recovery-drill/endpoint"


def write_module_parameter(scene: Scene) -> None:
    """Write a parameter as a module's own pipeline would."""
    scene.live.client("ssm").put_parameter(
        Name=_module_parameter(scene),
        Value="https://module.example.test",
        Type="String",
        Overwrite=True,
    )


def remove_module_parameter(scene: Scene) -> None:
    """Take that parameter away again."""
    scene.live.client("ssm").delete_parameters(Names=[_module_parameter(scene)])


def module_parameter_gone(scene: Scene) -> None:
    """What a module's pipeline has written is lost."""
    remove_module_parameter(scene)


def state_cut_off(scene: Scene) -> None:
    """The state file loses its second half.

    Raises:
        DrillError: the state is elsewhere than in the project's own backend.
    """
    path = stack_state.state_file(scene.stack) if stack_state.own_backend() else None
    if path is None:
        raise DrillError(
            f"The state of {scene.stack} is in a backend of your own, which no drill damages.\n"
            "    fix: drill without PULUMI_BACKEND_URL"
        )
    content = path.read_bytes()
    # Cut once: a state that is cut off already is not whole JSON.
    try:
        json.loads(content)
    except ValueError:
        return
    path.write_bytes(content[: len(content) // 2])


def parameter_altered(scene: Scene) -> None:
    """A declared value is overwritten by hand."""
    chosen = next(
        r for r in scene.blueprint.resources.values() if r.type == PARAMETER and _plain(r)
    )
    scene.live.client("ssm").put_parameter(
        Name=chosen.properties["name"], Value="999", Type="String", Overwrite=True
    )


def _plain(resource: PlannedResource) -> bool:
    value = resource.properties.get("insecure_value")
    return isinstance(value, str) and value.isdigit()


def settings_replaced(scene: Scene) -> None:
    """Somebody rolls out settings in which nothing is left.

    Raises:
        DrillError: the roll-out does not end.
    """
    application, profile = next(
        place
        for place, content in planned_content(scene.blueprint).items()
        if place[1] == "runtime" and content["defaults"]
    )
    client, env = scene.live.client("appconfig"), scene.blueprint.scope.env
    application_id = _named(client, "list_applications", application)
    where = {
        "ApplicationId": application_id,
        "ConfigurationProfileId": _named(
            client, "list_configuration_profiles", profile, ApplicationId=application_id
        ),
    }
    version = client.create_hosted_configuration_version(
        **where, Content=json.dumps(_REPLACED).encode(), ContentType="application/json"
    )["VersionNumber"]
    strategy = next(
        r for r in scene.blueprint.resources.values() if r.shape == "DeploymentStrategy"
    )
    environment = {
        "ApplicationId": application_id,
        "EnvironmentId": _named(client, "list_environments", env, ApplicationId=application_id),
    }
    number = client.start_deployment(
        **where,
        EnvironmentId=environment["EnvironmentId"],
        DeploymentStrategyId=_named(
            client, "list_deployment_strategies", strategy.properties["name"]
        ),
        ConfigurationVersion=str(version),
    )["DeploymentNumber"]
    deadline = time.monotonic() + _ROLL_OUT_SECONDS
    while client.get_deployment(**environment, DeploymentNumber=number)["State"] != "COMPLETE":
        if time.monotonic() > deadline:
            raise DrillError(f"The roll-out of {application}/{profile} does not end.")
        time.sleep(0.2)


def _named(client: Any, call: str, name: str, **request: str) -> str:
    pages = client.get_paginator(call).paginate(**request)
    return next(str(i["Id"]) for page in pages for i in page["Items"] if i["Name"] == name)
