"""AppConfig's deployment strategies and deployments.

A deployment's id is `APPLICATION/ENVIRONMENT/NUMBER`. AWS can't delete a deployment: deleting one
forgets it, after stopping it where it still runs. As in AWS, a second deployment while one is
running in the environment is refused with a conflict; the program queues them.
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
from totara_infra.local.provider.shapes import to_api
from totara_infra.local.provider.values import Properties

RUNNING = ("VALIDATING", "DEPLOYING", "BAKING", "ROLLING_BACK")


# --- deployment strategy ----------------------------------------------------------------------

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
    live = live_with_tags(
        aws, STRATEGY, answer, appconfig_arn(aws, f"deploymentstrategy/{identifier}"), {}
    )
    # A share of traffic is a float in the API (50.0) and mostly a whole number in programs.
    factor = live.inputs["growthFactor"]
    live.inputs["growthFactor"] = int(factor) if float(factor).is_integer() else factor
    return live


def _update_strategy(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    emptied = {"description": "", "finalBakeTimeInMinutes": 0, "growthType": "LINEAR"}
    aws.client("appconfig").update_deployment_strategy(
        DeploymentStrategyId=identifier, **to_api(emptied | new, _STRATEGY_NAMES)
    )
    retag(aws, appconfig_arn(aws, f"deploymentstrategy/{identifier}"), new, old)


def _delete_strategy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    unless_gone(client.delete_deployment_strategy, GONE, DeploymentStrategyId=identifier)


# --- deployment -------------------------------------------------------------------------------

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
    return appconfig_arn(
        aws, f"application/{application}/environment/{environment}/deployment/{number}"
    )


def _create_deployment(aws: Aws, inputs: Properties) -> Made:
    request = to_api(inputs, _DEPLOYMENT_NAMES)
    # Programs pass the version number of a hosted version, an integer; the API wants a string.
    request["ConfigurationVersion"] = str(request["ConfigurationVersion"])
    answer = aws.client("appconfig").start_deployment(**request, Tags=inputs.get("tagsAll") or {})
    path = f"{inputs['applicationId']}/{inputs['environmentId']}"
    return Made(f"{path}/{answer['DeploymentNumber']}")


def _tag_deployment(aws: Aws, identifier: str, inputs: Properties) -> None:
    # MiniStack drops the tags that StartDeployment takes; on AWS this says the same again.
    retag(aws, _deployment_arn(aws, identifier), inputs, {})


def _read_deployment(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_deployment, GONE, **_deployment(identifier))
    if answer is None:
        return None
    outputs = {"deploymentNumber": answer["DeploymentNumber"], "state": answer["State"]}
    if answer.get("KmsKeyArn"):
        outputs["kmsKeyArn"] = answer["KmsKeyArn"]
    return live_with_tags(aws, DEPLOYMENT, answer, _deployment_arn(aws, identifier), outputs)


def _update_deployment(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    retag(aws, _deployment_arn(aws, identifier), new, old)


def _delete_deployment(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("appconfig")
    answer = unless_gone(client.get_deployment, GONE, **_deployment(identifier))
    if answer is not None and answer["State"] in RUNNING:
        # It may have ended in between, which is as good.
        unless_gone(client.stop_deployment, GONE, "BadRequestException", **_deployment(identifier))


_NO_DEPLOYMENT_UPDATE = (
    "https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations.html lists no"
    " update of a deployment"
)

TYPES = (
    ResourceType(
        token=STRATEGY,
        serves=_STRATEGY_NAMES | words("name replicateTo tags"),
        create=_create_strategy,
        read=_read_strategy,
        update=_update_strategy,
        delete=_delete_strategy,
        replaces=not_in_update("UpdateDeploymentStrategy", "name replicateTo"),
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
