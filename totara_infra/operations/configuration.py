"""The configuration that an environment really has: AppConfig's deployments, parameters' values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.app_config import deployment_parameter
from totara_infra.model.stack import StackSettings
from totara_infra.operations.live import Live

TAKEN_BACK = ("ROLLING_BACK", "ROLLED_BACK", "REVERTED")
"""States of a deployment after which the version before it is live."""
_CAUSES = ("ROLLBACK_STARTED", "REVERT_COMPLETED")
"""Events of a deployment that say who or what took it back."""
_NAMES_A_CALL = 10
"""Names that GetParameters takes."""


@dataclass(frozen=True)
class Deployed:
    """What readers of a profile get.

    Attributes:
        defaults: key -> value for every tenant without a value of its own.
        tenants: client id -> key -> value.
    """

    defaults: Mapping[str, Any]
    tenants: Mapping[str, Mapping[str, Any]]

    def value(self, key: str, client_id: str | None) -> Any:
        """A tenant's value over the default; None where there is neither."""
        own = self.tenants.get(client_id, {}) if client_id is not None else {}
        return own.get(key, self.defaults.get(key))


def deployed_profile(live: Live, env: str, application: str, profile: str) -> Deployed | None:
    """What a profile serves now, as AppConfig's data plane gives it to any reader.

    Returns:
        None where the profile, or a first deployment of it, does not exist yet.

    Raises:
        ClientError: AWS refuses for another reason.
    """
    client = live.client("appconfigdata")
    try:
        session = client.start_configuration_session(
            ApplicationIdentifier=application,
            EnvironmentIdentifier=env,
            ConfigurationProfileIdentifier=profile,
        )
        answer = client.get_latest_configuration(
            ConfigurationToken=session["InitialConfigurationToken"]
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    text = answer["Configuration"].read()
    if not text:
        return None
    content = json.loads(text)
    return Deployed(content.get("defaults", {}), content.get("tenants", {}))


def parameter_values(live: Live, names: Sequence[str]) -> dict[str, str]:
    """Values of parameters by name; one that does not exist is left out."""
    client = live.client("ssm")
    found: dict[str, str] = {}
    for start in range(0, len(names), _NAMES_A_CALL):
        answer = client.get_parameters(Names=list(names[start : start + _NAMES_A_CALL]))
        found |= {p["Name"]: p["Value"] for p in answer["Parameters"]}
    return found


def taken_back_text(application: str, deployment: Mapping[str, Any]) -> str:
    """What happened to a deployment that was taken back, and the way on.

    Args:
        application: its name.
        deployment: as `GetDeployment` describes it.
    """
    profile, number = deployment["ConfigurationName"], deployment["DeploymentNumber"]
    causes = [e for e in deployment.get("EventLog", []) if e["EventType"] in _CAUSES]
    cause = f" {causes[0]['Description'].rstrip('.')}." if causes else ""
    resource = deployment_name(application, profile)
    return (
        f"AppConfig {application}/{profile}, deployment {number}, was taken back "
        f"({deployment['State']}): the version before it is live.{cause} Every update stops here "
        "until that is mended. See what fired, then correct the setting in the catalogue or in "
        "the tenant's file, or undo its change, and run the update again: it rolls out a new "
        "version. To roll out this same version once more, when the setting was not to blame: "
        f"pulumi up --replace '**{resource}'"
    )


def deployment_name(application: str, profile: str) -> str:
    """Logical name of a profile's deployment in the program."""
    return f"app_config/{application}/{profile}/deployment"


def roll_out_again(settings: StackSettings, place: str) -> str:
    """How the declared version of a profile gets live again.

    Args:
        settings: of the stack.
        place: `APPLICATION/PROFILE`.
    """
    return (
        f"Roll the declared version out again: `pulumi up -s {settings.stack} --replace "
        f"'**::app_config/{place}/content' --replace '**::app_config/{place}/deployment'`"
    )


def passed_by(live: Live, blueprint: Blueprint) -> Iterator[str]:
    """Deployments taken back after they were complete, of content that the stack still has.

    The engine sees no change in them and would pass them by.

    Yields:
        A text for people for each.
    """
    planned = planned_content(blueprint)
    paths = {deployment_parameter(blueprint.scope.env, *key): key for key in planned}
    client = live.client("appconfig")
    for path, value in sorted(parameter_values(live, sorted(paths)).items()):
        application_id, environment_id, number = value.split("/")
        try:
            deployment = client.get_deployment(
                ApplicationId=application_id,
                EnvironmentId=environment_id,
                DeploymentNumber=int(float(number)),
            )
            if deployment["State"] not in TAKEN_BACK:
                continue
            version = client.get_hosted_configuration_version(
                ApplicationId=application_id,
                ConfigurationProfileId=deployment["ConfigurationProfileId"],
                VersionNumber=int(deployment["ConfigurationVersion"]),
            )
        except ClientError as error:
            # Removed by hand: the engine's own read of it says so better.
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                continue
            raise
        if json.loads(version["Content"].read()) == planned[paths[path]]:
            yield taken_back_text(paths[path][0], deployment)


def served_otherwise(live: Live, blueprint: Blueprint) -> list[str]:
    """Profiles whose readers get something else than the blueprint says, as APPLICATION/PROFILE.

    Raises:
        ClientError: AWS refuses.
    """
    found = []
    for (application, profile), content in planned_content(blueprint).items():
        served = deployed_profile(live, blueprint.scope.env, application, profile)
        if served is None or {"defaults": served.defaults, "tenants": served.tenants} != content:
            found.append(f"{application}/{profile}")
    return found


def planned_content(blueprint: Blueprint) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """Application and profile -> the content that the blueprint gives it."""
    found = {}
    for resource in blueprint.resources.values():
        if resource.shape == "HostedConfigurationVersion":
            _, application, profile, _ = resource.name.split("/")
            found[application, profile] = json.loads(resource.properties["content"])
    return found
