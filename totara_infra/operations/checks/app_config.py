"""Check of AppConfig: what is deployed is the catalogue's, and readers get it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint.app_config import deployment_parameter
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed, put_back
from totara_infra.operations.configuration import (
    deployed_profile,
    parameter_values,
    planned_content,
    roll_out_again,
)

_NAMED = 5
"""Keys that differ and are named."""


def check(inspection: Inspection) -> Iterator[Result]:
    """Applications, profiles and validators are as declared; the declared content is live."""
    looked_at = {
        tuple(r.name.split("/")[1:3]) for r in inspection.of_shape("HostedConfigurationVersion")
    }
    content = {k: v for k, v in planned_content(inspection.blueprint).items() if k in looked_at}
    env = inspection.blueprint.scope.env
    paths = {key: deployment_parameter(env, *key) for key in content}
    numbers = parameter_values(inspection.live, sorted(paths.values()))

    def look(key: tuple[str, str]) -> list[Result]:
        wanted = _of_tenant(content[key], inspection.extent.tenant)
        return [
            _deployed(inspection, key, wanted, numbers.get(paths[key])),
            _served(inspection, key, wanted),
        ]

    for results in inspection.each(look, list(content)):
        yield from results
    yield from inspection.compared(titles.APP_CONFIG)


def _of_tenant(content: Mapping[str, Any], tenant: str | None) -> dict[str, Any]:
    """The part of a profile that one tenant gets."""
    tenants = content.get("tenants", {})
    return {
        "defaults": content.get("defaults", {}),
        "tenants": {c: values for c, values in tenants.items() if tenant in (None, c)},
    }


def _deployed(
    inspection: Inspection, key: tuple[str, str], wanted: Mapping[str, Any], ids: str | None
) -> Result:
    """The last deployment that the stack waited for is complete, and of the declared version."""
    title, place = "deployed version", "/".join(key)
    fix = roll_out_again(inspection.settings, place)
    if ids is None:
        back = f"Run {put_back(inspection.settings)}."
        return failed(title, place, "a deployment that completed", "nothing", back)
    application_id, environment_id, number = ids.split("/")
    client = inspection.client("appconfig")
    try:
        deployment = client.get_deployment(
            ApplicationId=application_id,
            EnvironmentId=environment_id,
            DeploymentNumber=int(float(number)),
        )
        if deployment["State"] != "COMPLETE":
            return failed(title, place, "COMPLETE", deployment["State"], fix)
        version = client.get_hosted_configuration_version(
            ApplicationId=application_id,
            ConfigurationProfileId=deployment["ConfigurationProfileId"],
            VersionNumber=int(deployment["ConfigurationVersion"]),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return failed(title, place, "a deployment that completed", "it is gone", fix)
    found = _of_tenant(json.loads(version["Content"].read()), inspection.extent.tenant)
    if found == wanted:
        return passed(title, place)
    number = deployment["ConfigurationVersion"]
    return failed(title, place, *_differing(wanted, found, f"version {number} with "), fix)


def _served(inspection: Inspection, key: tuple[str, str], wanted: Mapping[str, Any]) -> Result:
    """What readers get from the data plane now."""
    title, place = "served configuration", "/".join(key)
    fix = roll_out_again(inspection.settings, place)
    served = deployed_profile(inspection.live, inspection.blueprint.scope.env, *key)
    if served is None:
        return failed(title, place, "a deployed configuration", "nothing", fix)
    whole = {"defaults": dict(served.defaults), "tenants": dict(served.tenants)}
    found = _of_tenant(whole, inspection.extent.tenant)
    if found == wanted:
        return passed(title, place)
    return failed(title, place, *_differing(wanted, found), fix)


def _differing(
    wanted: Mapping[str, Any], found: Mapping[str, Any], prefix: str = ""
) -> tuple[str, str]:
    """Expected and found, of the keys that differ."""
    left, right = _flat(wanted), _flat(found)
    keys = [k for k in sorted({*left, *right}) if left.get(k) != right.get(k)]
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""

    def text(values: Mapping[str, Any]) -> str:
        named = keys[:_NAMED]
        parts = [f"{k} = {json.dumps(values[k])}" if k in values else f"no {k}" for k in named]
        return "; ".join(parts) + more

    return text(left), prefix + text(right)


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """Key -> value for all, and `key[client_id]` -> value of one tenant."""
    flat = dict(content["defaults"])
    for client_id, values in content["tenants"].items():
        flat |= {f"{key}[{client_id}]": value for key, value in values.items()}
    return flat
