"""AppConfig: applications, environments, profiles and hosted versions.

Ids are those of Pulumi's plugin: `ENVIRONMENT:APPLICATION`, `PROFILE:APPLICATION`,
`APPLICATION/PROFILE/VERSION`. MiniStack does not run validators when content is uploaded.
"""

from __future__ import annotations

from typing import Any

from totara_infra.local.provider.appconfig_api import (
    GONE,
    appconfig_arn,
    live_with_tags,
    not_in_update,
    retag,
)
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    unless_gone,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

# --- application ------------------------------------------------------------------------------

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
    return live_with_tags(
        aws, APPLICATION, answer, appconfig_arn(aws, f"application/{identifier}"), {}
    )


def _update_application(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    aws.client("appconfig").update_application(
        ApplicationId=identifier, Name=new["name"], Description=new.get("description", "")
    )
    retag(aws, appconfig_arn(aws, f"application/{identifier}"), new, old)


def _delete_application(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_application, GONE, ApplicationId=identifier)


# --- environment ------------------------------------------------------------------------------

ENVIRONMENT = "aws:appconfig/environment:Environment"


def _environment(identifier: str) -> dict[str, str]:
    environment, _, application = identifier.partition(":")
    return {"ApplicationId": application, "EnvironmentId": environment}


def _environment_arn(aws: Aws, identifier: str) -> str:
    environment, _, application = identifier.partition(":")
    return appconfig_arn(aws, f"application/{application}/environment/{environment}")


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
    return live_with_tags(aws, ENVIRONMENT, answer, _environment_arn(aws, identifier), outputs)


def _update_environment(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    aws.client("appconfig").update_environment(
        **_environment(identifier),
        **to_api({"description": "", "monitors": [], **new}, ("name", "description", "monitors")),
    )
    retag(aws, _environment_arn(aws, identifier), new, old)


def _delete_environment(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_environment, GONE, **_environment(identifier))


# --- configuration profile --------------------------------------------------------------------

PROFILE = "aws:appconfig/configurationProfile:ConfigurationProfile"


def _profile(identifier: str) -> dict[str, str]:
    profile, _, application = identifier.partition(":")
    return {"ApplicationId": application, "ConfigurationProfileId": profile}


def _profile_arn(aws: Aws, identifier: str) -> str:
    profile, _, application = identifier.partition(":")
    return appconfig_arn(aws, f"application/{application}/configurationprofile/{profile}")


def _create_profile(aws: Aws, inputs: Properties) -> Made:
    names = words(
        "applicationId name locationUri description retrievalRoleArn kmsKeyIdentifier type"
        " validators"
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
    return live_with_tags(aws, PROFILE, answer, _profile_arn(aws, identifier), outputs)


def _update_profile(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    names = ("name", "description", "retrievalRoleArn", "kmsKeyIdentifier", "validators")
    emptied: Properties = {"description": "", "validators": []}
    emptied |= {name: "" for name in ("kmsKeyIdentifier", "retrievalRoleArn") if name in old}
    aws.client("appconfig").update_configuration_profile(
        **_profile(identifier), **to_api(emptied | new, names)
    )
    retag(aws, _profile_arn(aws, identifier), new, old)


def _delete_profile(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("appconfig").delete_configuration_profile, GONE, **_profile(identifier))


# --- hosted configuration version -------------------------------------------------------------

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
    arn = appconfig_arn(aws, f"{path}/hostedconfigurationversion/{version}")
    return Live(inputs, {"arn": arn, "versionNumber": int(version)})


def _delete_hosted(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    unless_gone(client.delete_hosted_configuration_version, GONE, **_hosted(identifier))


_NO_VERSION_UPDATE = (
    "https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html lists no"
    " update of a hosted configuration version"
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
            **not_in_update("UpdateConfigurationProfile", "locationUri type"),
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
)
