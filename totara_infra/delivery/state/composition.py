"""From what the engine plans and what is live to a state, as an update would have left it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from totara_infra.blueprint import Archive
from totara_infra.delivery.state.scratch import Preview
from totara_infra.local.project import project_root
from totara_infra.model.documents import read_document
from totara_infra.model.stack import StackSettings
from totara_infra.operations.drift.outputs import UnknownOutputError, resolved
from totara_infra.operations.drift.reading import Thing, snake
from totara_infra.operations.live_resources import LiveResources, Match
from totara_infra.platform import emulated_credentials

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is known only after an update (`sdk/go/common/resource`)."""
HIDDEN = "[secret]"
"""How a preview shows a secret value."""
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_PROVIDER = "pulumi:providers:aws"

_LEFT_OUT = object()


def compose(planned: Preview, live: LiveResources, settings: StackSettings) -> dict[str, Any]:
    """A deployment for `pulumi stack import`, complete but for what AWS shows of each resource.

    Everything that an update decides (parents, providers, dependencies, protection, hooks) is taken
    from the engine's own plan of the program on an empty state. What an update learns is filled
    in: ids, and inputs that come from other resources. Outputs are the inputs as far as they are
    known; a refresh reads the rest.

    Args:
        planned: of the program on an empty state.
        live: what is there.
        settings: of the stack.
    """
    provider_id = str(uuid.uuid4())
    things = live.things
    absent: set[str] = set()
    resources = []
    for state in planned.resources:
        resource = dict(state)
        name = resource["urn"].split("::", 3)[3]
        if resource["type"] == _PROVIDER:
            resource["id"] = provider_id
            resource["inputs"] = _provider_inputs(resource["inputs"], settings)
            outputs = {k: v for k, v in resource["inputs"].items() if k != "__internal"}
            resource["outputs"] = outputs
        elif resource["custom"]:
            match = live.found.get(name)
            if match is None:
                absent.add(resource["urn"])
                continue
            resource["id"] = match.identifier
            inputs = _filled(resource["inputs"], match.resource.properties, things)
            resource["inputs"] = {k: v for k, v in inputs.items() if k not in _other_files(match)}
            resource["outputs"] = dict(resource["inputs"])
        if "provider" in resource:
            resource["provider"] = resource["provider"].replace(UNKNOWN, provider_id)
        resources.append(_without(resource, absent))
    return deployment(resources, secrets_provider(settings.stack))


def deployment(
    resources: list[dict[str, Any]], provider: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Resources in the form that `pulumi stack import` takes.

    Args:
        resources: each after those that it needs.
        provider: of secrets, see `secrets_provider`.
    """
    content: dict[str, Any] = {
        "manifest": {"time": "0001-01-01T00:00:00Z", "magic": "", "version": ""},
        "resources": resources,
    }
    if provider is not None:
        content["secrets_providers"] = dict(provider)
    # Hooks are a feature of the fourth version; an engine that lacks it must not take this state.
    hooked = any("resourceHooks" in resource for resource in resources)
    version = {"version": 4, "features": ["hooks"]} if hooked else {"version": 3}
    return {**version, "deployment": content}


def with_outputs(
    found: Mapping[str, Any], outputs: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A deployment in which the components have their outputs, as an update registers them.

    Args:
        found: a deployment.
        outputs: URN -> outputs.
    """
    resources = [
        {**resource, "outputs": dict(outputs[resource["urn"]])}
        if not resource["custom"] and resource["urn"] in outputs
        else resource
        for resource in found["deployment"]["resources"]
    ]
    return {**found, "deployment": {**found["deployment"], "resources": resources}}


def secrets_provider(stack: str) -> dict[str, Any] | None:
    """What encrypts the secret values of a stack's state, as its file says; None for a default.

    Args:
        stack: the engine's name of it.
    """
    root = project_root()
    content = read_document(root / f"Pulumi.{stack}.yaml", root).data
    if not isinstance(content, dict):
        return None
    url = content.get("secretsprovider")
    if url and url not in ("passphrase", "default"):
        return {"type": "cloud", "state": {"url": url, "encryptedkey": content["encryptedkey"]}}
    if "encryptionsalt" in content:
        return {"type": "passphrase", "state": {"salt": content["encryptionsalt"]}}
    return None


def _other_files(match: Match) -> set[str]:
    """Archives of which other files are live: no plugin reads files back, so none is recorded."""
    return {
        name
        for name, value in match.resource.properties.items()
        if isinstance(value, Archive) and resolved(value, {}) != match.thing.properties.get(name)
    }


def secret(value: Any) -> dict[str, str]:
    """A value as a state marks it to be encrypted; the engine does so when it takes the state."""
    return {_SIGNATURE: _SECRET, "plaintext": json.dumps(value)}


def _provider_inputs(inputs: Mapping[str, Any], settings: StackSettings) -> dict[str, Any]:
    """A provider's arguments with those that the preview hides: keys of an emulator, no others."""
    known = emulated_credentials(settings)
    wire = {"accessKey": known.get("access_key"), "secretKey": known.get("secret_key")}
    return {
        name: secret(wire[name]) if value == HIDDEN else value
        for name, value in inputs.items()
        if value != HIDDEN or wire.get(name)
    }


def _filled(
    inputs: Mapping[str, Any], properties: Mapping[str, Any], things: Mapping[str, Thing]
) -> dict[str, Any]:
    filled = _fill(inputs, properties, things)
    found: dict[str, Any] = {} if filled is _LEFT_OUT else filled
    return found


def _fill(value: Any, declared: Any, things: Mapping[str, Thing]) -> Any:
    """A value of the plan with live outputs in place of what it does not know.

    What leads to something that is not there is left out: the next update sets it.
    """
    if value in (UNKNOWN, HIDDEN):
        return _looked_up(declared, things, hidden=value == HIDDEN)
    if isinstance(value, Mapping):
        # Marked objects, such as archives, are known as a whole.
        if _SIGNATURE in value or not isinstance(declared, Mapping):
            return value
        return dict(_members(value, declared, things))
    if isinstance(value, list) and isinstance(declared, list | tuple):
        items = [_fill(v, d, things) for v, d in zip(value, declared, strict=True)]
        return [item for item in items if item is not _LEFT_OUT]
    return value


def _looked_up(declared: Any, things: Mapping[str, Thing], *, hidden: bool) -> Any:
    if declared is None:
        return _LEFT_OUT
    try:
        found = resolved(declared, things)
    except UnknownOutputError:
        return _LEFT_OUT
    return secret(found) if hidden else found


def _members(
    value: Mapping[str, Any], declared: Mapping[str, Any], things: Mapping[str, Thing]
) -> Iterator[tuple[str, Any]]:
    # Free keys, such as names of environment variables, stand as they are on both sides.
    by_wire_name = {snake(name): item for name, item in declared.items()} | dict(declared)
    for name, item in value.items():
        filled = _fill(item, by_wire_name.get(name, by_wire_name.get(snake(name))), things)
        if filled is not _LEFT_OUT:
            yield name, filled


def _without(resource: dict[str, Any], absent: set[str]) -> dict[str, Any]:
    """A resource that depends on nothing that the state lacks; the next update adds it again."""
    if not absent:
        return resource
    result = dict(resource)
    if "dependencies" in result:
        result["dependencies"] = [urn for urn in result["dependencies"] if urn not in absent]
    if "propertyDependencies" in result:
        result["propertyDependencies"] = {
            name: [urn for urn in urns or [] if urn not in absent]
            for name, urns in result["propertyDependencies"].items()
        }
    return result
