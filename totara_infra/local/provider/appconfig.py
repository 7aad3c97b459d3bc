"""AppConfig: applications, environments, profiles, hosted versions, strategies and deployments.

Ids are those of Pulumi's plugin: `ENVIRONMENT:APPLICATION`, `PROFILE:APPLICATION`,
`APPLICATION/PROFILE/VERSION`, `APPLICATION/ENVIRONMENT/NUMBER`. AWS can't delete a deployment: deleting one
forgets it, after stopping it where it still runs. As in AWS, a second deployment while one is running in
the environment is refused with a conflict; the program queues them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    unless_gone,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"
RUNNING = ("VALIDATING", "DEPLOYING", "BAKING", "ROLLING_BACK")


def _arn(aws: Aws, path: str) -> str:
    return aws.arn("appconfig", path)


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    answer = aws.client("appconfig").list_tags_for_resource(ResourceArn=arn)
    return dict(answer.get("Tags") or {})


def _retag(aws: Aws, arn: str, new: Properties, old: Properties) -> None:
    client = aws.client("appconfig")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceArn=arn, Tags=tags),
        # MiniStack removes one key of a request only.
        lambda keys: [client.untag_resource(ResourceArn=arn, TagKeys=[key]) for key in keys],
    )


def _live(aws: Aws, token: str, answer: Any, arn: str | None, outputs: Properties) -> Live:
    inputs = from_api(answer, schemas()[token].inputs, {"tags": ""})
    if arn is None:
        return Live(inputs, outputs)
    return Live(inputs | {"tags": _tags(aws, arn)}, {"arn": arn, **outputs})


# --- application -------------------------------------------------------------------------------------

APPLICATION = "aws:appconfig/application:Application"


def _create_application(aws: Aws, inputs: Properties) -> Made:
    answer = aws.client("appconfig").create_application(
        **to_api(inputs, ("name", "description")), Tags=inputs.get("tagsAll") or {}
    )
    return Made(answer["Id"])


def _read_application(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_application, GONE, ApplicationId=identifier)
    if answer is None:
        return None
    return _live(aws, APPLICATION, answer, _arn(aws, f"application/{identifier}"), {})


def _update_application(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    aws.client("appconfig").update_application(
        ApplicationId=identifier, Name=new["name"], Description=new.get("description", "")
    )
    _retag(aws, _arn(aws, f"application/{identifier}"), new, old)


def _delete_application(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_application, GONE, ApplicationId=identifier)


# --- environment -------------------------------------------------------------------------------------

ENVIRONMENT = "aws:appconfig/environment:Environment"


def _environment(identifier: str) -> dict[str, str]:
    environment, _, application = identifier.partition(":")
    return {"ApplicationId": application, "EnvironmentId": environment}


def _environment_arn(aws: Aws, identifier: str) -> str:
    environment, _, application = identifier.partition(":")
    return _arn(aws, f"application/{application}/environment/{environment}")


def _create_environment(aws: Aws, inputs: Properties) -> Made:
    names = ("applicationId", "name", "description", "monitors")
    answer = aws.client("appconfig").create_environment(
        **to_api(inputs, names), Tags=inputs.get("tagsAll") or {}
    )
    return Made(f"{answer['Id']}:{inputs['applicationId']}")


def _read_environment(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_environment, GONE, **_environment(identifier))
    if answer is None:
        return None
    outputs = {"environmentId": answer["Id"], "state": answer["State"]}
    return _live(aws, ENVIRONMENT, answer, _environment_arn(aws, identifier), outputs)


def _update_environment(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    aws.client("appconfig").update_environment(
        **_environment(identifier),
        **to_api({"description": "", "monitors": [], **new}, ("name", "description", "monitors")),
    )
    _retag(aws, _environment_arn(aws, identifier), new, old)


def _delete_environment(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_environment, GONE, **_environment(identifier))


# --- configuration profile ---------------------------------------------------------------------------

PROFILE = "aws:appconfig/configurationProfile:ConfigurationProfile"


def _profile(identifier: str) -> dict[str, str]:
    profile, _, application = identifier.partition(":")
    return {"ApplicationId": application, "ConfigurationProfileId": profile}


def _profile_arn(aws: Aws, identifier: str) -> str:
    profile, _, application = identifier.partition(":")
    return _arn(aws, f"application/{application}/configurationprofile/{profile}")


def _create_profile(aws: Aws, inputs: Properties) -> Made:
    names = words(
        "applicationId name locationUri description retrievalRoleArn kmsKeyIdentifier type validators"
    )
    answer = aws.client("appconfig").create_configuration_profile(
        **to_api(inputs, names), Tags=inputs.get("tagsAll") or {}
    )
    return Made(f"{answer['Id']}:{inputs['applicationId']}")


def _read_profile(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_configuration_profile, GONE, **_profile(identifier))
    if answer is None:
        return None
    outputs = {"configurationProfileId": answer["Id"]}
    return _live(aws, PROFILE, answer, _profile_arn(aws, identifier), outputs)


def _update_profile(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    names = ("name", "description", "retrievalRoleArn", "kmsKeyIdentifier", "validators")
    emptied: Properties = {"description": "", "validators": []}
    emptied |= {name: "" for name in ("kmsKeyIdentifier", "retrievalRoleArn") if name in old}
    aws.client("appconfig").update_configuration_profile(
        **_profile(identifier), **to_api(emptied | new, names)
    )
    _retag(aws, _profile_arn(aws, identifier), new, old)


def _delete_profile(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_configuration_profile, GONE, **_profile(identifier))


# --- hosted configuration version --------------------------------------------------------------------

HOSTED = "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion"


def _hosted(identifier: str) -> dict[str, Any]:
    application, profile, version = identifier.split("/")
    return {
        "ApplicationId": application,
        "ConfigurationProfileId": profile,
        "VersionNumber": int(version),
    }


def _create_hosted(aws: Aws, inputs: Properties) -> Made:
    names = (
        "applicationId",
        "configurationProfileId",
        "contentType",
        "description",
        "versionLabel",
    )
    answer = aws.client("appconfig").create_hosted_configuration_version(
        **to_api(inputs, names), Content=str(inputs["content"]).encode()
    )
    path = f"{inputs['applicationId']}/{inputs['configurationProfileId']}"
    return Made(f"{path}/{answer['VersionNumber']}")


def _read_hosted(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_hosted_configuration_version, GONE, **_hosted(identifier))
    if answer is None:
        return None
    content = answer["Content"].read().decode()
    inputs = from_api(answer, schemas()[HOSTED].inputs) | {"content": content}
    application, profile, version = identifier.split("/")
    path = f"application/{application}/configurationprofile/{profile}"
    arn = _arn(aws, f"{path}/hostedconfigurationversion/{version}")
    return Live(inputs, {"arn": arn, "versionNumber": int(version)})


def _delete_hosted(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    unless_gone(client.delete_hosted_configuration_version, GONE, **_hosted(identifier))


# --- deployment strategy -----------------------------------------------------------------------------

STRATEGY = "aws:appconfig/deploymentStrategy:DeploymentStrategy"
_STRATEGY_NAMES = words(
    "description deploymentDurationInMinutes finalBakeTimeInMinutes growthFactor growthType"
)


def _create_strategy(aws: Aws, inputs: Properties) -> Made:
    answer = aws.client("appconfig").create_deployment_strategy(
        **to_api(inputs, _STRATEGY_NAMES | {"name", "replicateTo"}),
        Tags=inputs.get("tagsAll") or {},
    )
    return Made(answer["Id"])


def _read_strategy(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_deployment_strategy, GONE, DeploymentStrategyId=identifier)
    if answer is None:
        return None
    live = _live(aws, STRATEGY, answer, _arn(aws, f"deploymentstrategy/{identifier}"), {})
    # A share of traffic is a float in the API (50.0) and mostly a whole number in programs.
    factor = live.inputs["growthFactor"]
    live.inputs["growthFactor"] = int(factor) if float(factor).is_integer() else factor
    return live


def _update_strategy(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    emptied = {"description": "", "finalBakeTimeInMinutes": 0, "growthType": "LINEAR"}
    aws.client("appconfig").update_deployment_strategy(
        DeploymentStrategyId=identifier, **to_api(emptied | new, _STRATEGY_NAMES)
    )
    _retag(aws, _arn(aws, f"deploymentstrategy/{identifier}"), new, old)


def _delete_strategy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    unless_gone(client.delete_deployment_strategy, GONE, DeploymentStrategyId=identifier)


# --- deployment --------------------------------------------------------------------------------------

DEPLOYMENT = "aws:appconfig/deployment:Deployment"
_DEPLOYMENT_NAMES = words(
    "applicationId environmentId configurationProfileId configurationVersion deploymentStrategyId"
    " description kmsKeyIdentifier"
)


def _deployment(identifier: str) -> dict[str, Any]:
    application, environment, number = identifier.split("/")
    return {
        "ApplicationId": application,
        "EnvironmentId": environment,
        "DeploymentNumber": int(number),
    }


def _deployment_arn(aws: Aws, identifier: str) -> str:
    application, environment, number = identifier.split("/")
    return _arn(aws, f"application/{application}/environment/{environment}/deployment/{number}")


def _create_deployment(aws: Aws, inputs: Properties) -> Made:
    request = to_api(inputs, _DEPLOYMENT_NAMES)
    # Programs pass the version number of a hosted version, an integer; the API wants a string.
    request["ConfigurationVersion"] = str(request["ConfigurationVersion"])
    answer = aws.client("appconfig").start_deployment(**request, Tags=inputs.get("tagsAll") or {})
    path = f"{inputs['applicationId']}/{inputs['environmentId']}"
    return Made(f"{path}/{answer['DeploymentNumber']}")


def _tag_deployment(aws: Aws, identifier: str, inputs: Properties) -> None:
    # MiniStack drops the tags that StartDeployment takes; on AWS this says the same again.
    _retag(aws, _deployment_arn(aws, identifier), inputs, {})


def _read_deployment(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_deployment, GONE, **_deployment(identifier))
    if answer is None:
        return None
    outputs = {"deploymentNumber": answer["DeploymentNumber"], "state": answer["State"]}
    if answer.get("KmsKeyArn"):
        outputs["kmsKeyArn"] = answer["KmsKeyArn"]
    return _live(aws, DEPLOYMENT, answer, _deployment_arn(aws, identifier), outputs)


def _update_deployment(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    _retag(aws, _deployment_arn(aws, identifier), new, old)


def _delete_deployment(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_deployment, GONE, **_deployment(identifier))
    if answer is not None and answer["State"] in RUNNING:
        # It may have ended in between, which is as good.
        unless_gone(client.stop_deployment, GONE, "BadRequestException", **_deployment(identifier))


def _no_change(operation: str, names: str) -> dict[str, str]:
    members: Callable[[str], str] = lambda name: name[:1].upper() + name[1:]  # noqa: E731
    return {name: f"appconfig {operation} takes no {members(name)}" for name in names.split()}


_NO_VERSION_UPDATE = (
    "https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html lists no update of"
    " a hosted configuration version"
)
_NO_DEPLOYMENT_UPDATE = (
    "https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html lists no update of"
    " a deployment"
)

TYPES = (
    ResourceType(
        token=APPLICATION,
        serves=words("name description tags"),
        create=_create_application,
        read=_read_application,
        update=_update_application,
        delete=_delete_application,
        name="name",
        outputs=("arn",),
    ),
    ResourceType(
        token=ENVIRONMENT,
        serves=words("applicationId name description monitors tags"),
        create=_create_environment,
        read=_read_environment,
        update=_update_environment,
        delete=_delete_environment,
        replaces={"applicationId": "appconfig UpdateEnvironment identifies by ApplicationId"},
        sets=words("monitors"),
        name="name",
        outputs=("arn", "environmentId", "state"),
        volatile=words("state"),
    ),
    ResourceType(
        token=PROFILE,
        serves=words(
            "applicationId name locationUri description retrievalRoleArn kmsKeyIdentifier type"
            " validators tags"
        ),
        create=_create_profile,
        read=_read_profile,
        update=_update_profile,
        delete=_delete_profile,
        replaces={
            "applicationId": "appconfig UpdateConfigurationProfile identifies by ApplicationId",
            **_no_change("UpdateConfigurationProfile", "locationUri type"),
        },
        defaults={"type": "AWS.Freeform"},
        sets=words("validators"),
        name="name",
        outputs=("arn", "configurationProfileId"),
    ),
    ResourceType(
        token=HOSTED,
        serves=words(
            "applicationId configurationProfileId content contentType description versionLabel"
        ),
        create=_create_hosted,
        read=_read_hosted,
        delete=_delete_hosted,
        replaces=dict.fromkeys(
            words(
                "applicationId configurationProfileId content contentType description versionLabel"
            ),
            _NO_VERSION_UPDATE,
        ),
        json_values=words("content"),
        outputs=("arn", "versionNumber"),
    ),
    ResourceType(
        token=STRATEGY,
        serves=_STRATEGY_NAMES | words("name replicateTo tags"),
        create=_create_strategy,
        read=_read_strategy,
        update=_update_strategy,
        delete=_delete_strategy,
        replaces=_no_change("UpdateDeploymentStrategy", "name replicateTo"),
        defaults={"finalBakeTimeInMinutes": 0, "growthType": "LINEAR", "replicateTo": "NONE"},
        name="name",
        outputs=("arn",),
    ),
    ResourceType(
        token=DEPLOYMENT,
        serves=_DEPLOYMENT_NAMES | {"tags"},
        create=_create_deployment,
        finish=_tag_deployment,
        read=_read_deployment,
        update=_update_deployment,
        delete=_delete_deployment,
        replaces=dict.fromkeys(_DEPLOYMENT_NAMES, _NO_DEPLOYMENT_UPDATE),
        outputs=("arn", "deploymentNumber", "state", "kmsKeyArn"),
        volatile=words("state"),
    ),
)
