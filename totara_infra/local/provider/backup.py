"""Vaults, plans and selections of AWS Backup. Locks are not served: the emulator has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    REGION,
    REGION_REPLACES,
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
_API = "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_"


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    found = aws.client("backup").list_tags(ResourceArn=arn).get("Tags", {})
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def _retag(aws: Aws, arn: str, new: Properties, old: Properties) -> None:
    client = aws.client("backup")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceArn=arn, Tags=tags),
        lambda keys: client.untag_resource(ResourceArn=arn, TagKeyList=keys),
    )


# --- vault ------------------------------------------------------------------------------------


def _vault_arn(aws: Aws, name: str) -> str:
    return aws.arn("backup", f"backup-vault:{name}")


def _create_vault(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("backup"), inputs["name"]
    key = {"EncryptionKeyArn": inputs["kmsKeyArn"]} if "kmsKeyArn" in inputs else {}
    try:
        client.create_backup_vault(
            BackupVaultName=name, BackupVaultTags=inputs.get("tagsAll") or {}, **key
        )
    except client.exceptions.AlreadyExistsException as error:
        raise AlreadyExists(f"the backup vault {name}", name) from error
    return Made(name)


def _read_vault(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    describe = aws.client("backup").describe_backup_vault
    # AWS says so too of a vault that is not there, so as not to tell who has which.
    answer = unless_gone(describe, GONE, "AccessDeniedException", BackupVaultName=identifier)
    if answer is None:
        return None
    inputs: Properties = {"name": answer["BackupVaultName"]}
    if answer.get("EncryptionKeyArn"):
        inputs["kmsKeyArn"] = answer["EncryptionKeyArn"]
    inputs["tags"] = _tags(aws, answer["BackupVaultArn"])
    points = answer.get("NumberOfRecoveryPoints", 0)
    return Live(inputs, {"arn": answer["BackupVaultArn"], "recoveryPoints": points})


def _update_vault(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    _retag(aws, _vault_arn(aws, identifier), new, old)


def _delete_vault(aws: Aws, identifier: str, recorded: Recorded) -> None:
    client = aws.client("backup")
    if recorded.inputs.get("forceDestroy"):
        list_points = client.get_paginator("list_recovery_points_by_backup_vault").paginate
        for page in list_points(BackupVaultName=identifier):
            for point in page["RecoveryPoints"]:
                client.delete_recovery_point(
                    BackupVaultName=identifier, RecoveryPointArn=point["RecoveryPointArn"]
                )
    unless_gone(client.delete_backup_vault, GONE, BackupVaultName=identifier)


# --- plan -------------------------------------------------------------------------------------

PLAN = "aws:backup/plan:Plan"
_PLAN_RENAMES = {
    "name": "BackupPlanName",
    "targetVaultName": "TargetBackupVaultName",
    "schedule": "ScheduleExpression",
    "startWindow": "StartWindowMinutes",
    "completionWindow": "CompletionWindowMinutes",
    "coldStorageAfter": "MoveToColdStorageAfterDays",
    "deleteAfter": "DeleteAfterDays",
    "destinationVaultArn": "DestinationBackupVaultArn",
}
_PLAN_NAMES = words("name rules advancedBackupSettings")


def _plan_request(inputs: Properties) -> dict[str, Any]:
    return to_api(inputs, _PLAN_NAMES, _PLAN_RENAMES)


def _create_plan(aws: Aws, inputs: Properties) -> Made:
    client = aws.client("backup")
    for page in client.get_paginator("list_backup_plans").paginate():
        for plan in page["BackupPlansList"]:
            # AWS takes a second plan of that name, and then both would run.
            if plan["BackupPlanName"] == inputs["name"]:
                raise AlreadyExists(f"the backup plan {inputs['name']}", plan["BackupPlanId"])
    made = client.create_backup_plan(
        BackupPlan=_plan_request(inputs), BackupPlanTags=inputs.get("tagsAll") or {}
    )
    return Made(made["BackupPlanId"])


def _read_plan(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("backup").get_backup_plan, GONE, BackupPlanId=identifier)
    if answer is None or answer.get("DeletionDate"):
        return None
    shape = {name: schemas()[PLAN].inputs[name] for name in _PLAN_NAMES}
    inputs = from_api(answer["BackupPlan"], shape, _PLAN_RENAMES)
    outputs = {"arn": answer["BackupPlanArn"], "version": answer["VersionId"]}
    return Live(inputs | {"tags": _tags(aws, answer["BackupPlanArn"])}, outputs)


def _update_plan(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    answer = aws.client("backup").update_backup_plan(
        BackupPlanId=identifier, BackupPlan=_plan_request(new)
    )
    _retag(aws, answer["BackupPlanArn"], new, old)


def _delete_plan(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("backup").delete_backup_plan, GONE, BackupPlanId=identifier)


# --- selection --------------------------------------------------------------------------------

SELECTION = "aws:backup/selection:Selection"
_SELECTION_NAMES = words("name iamRoleArn selectionTags resources notResources")
_SELECTION_RENAMES = {"name": "SelectionName", "selectionTags": "ListOfTags"}
_CONDITION = {"type": "ConditionType", "key": "ConditionKey", "value": "ConditionValue"}


def _selection_id(identifier: str, recorded: Recorded) -> dict[str, str]:
    """What AWS knows it by: an import names the plan too, the state has it among the inputs."""
    plan, _, selection = identifier.rpartition("|")
    return {"BackupPlanId": plan or recorded.inputs["planId"], "SelectionId": selection}


def _create_selection(aws: Aws, inputs: Properties) -> Made:
    request = to_api(inputs, _SELECTION_NAMES, _SELECTION_RENAMES | _CONDITION)
    made = aws.client("backup").create_backup_selection(
        BackupPlanId=inputs["planId"], BackupSelection=request
    )
    return Made(made["SelectionId"])


def _read_selection(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    where = _selection_id(identifier, recorded)
    answer = unless_gone(
        aws.client("backup").get_backup_selection, GONE, "InvalidParameterValueException", **where
    )
    if answer is None:
        return None
    found: Mapping[str, Any] = answer["BackupSelection"]
    inputs: Properties = {
        "planId": where["BackupPlanId"],
        "name": found["SelectionName"],
        "iamRoleArn": found["IamRoleArn"],
    }
    if tags := found.get("ListOfTags"):
        inputs["selectionTags"] = [
            {name: tag[member] for name, member in _CONDITION.items()} for tag in tags
        ]
    for name, member in (("resources", "Resources"), ("notResources", "NotResources")):
        if found.get(member):
            inputs[name] = found[member]
    return Live(inputs, id=where["SelectionId"])


def _delete_selection(aws: Aws, identifier: str, recorded: Recorded) -> None:
    delete, where = (
        aws.client("backup").delete_backup_selection,
        _selection_id(identifier, recorded),
    )
    unless_gone(delete, GONE, "InvalidParameterValueException", **where)


TYPES = (
    ResourceType(
        token="aws:backup/vault:Vault",
        serves=words("name kmsKeyArn forceDestroy region tags"),
        create=_create_vault,
        read=_read_vault,
        update=_update_vault,
        delete=_delete_vault,
        replaces={
            "name": "backup DeleteBackupVault identifies by BackupVaultName",
            "kmsKeyArn": f"{_API}CreateBackupVault.html: only a new vault takes a key",
            **REGION_REPLACES,
        },
        defaults={"forceDestroy": False},
        unreadable=words("forceDestroy"),
        computed=words("kmsKeyArn"),
        name="name",
        unique=("name", REGION),
        outputs=("arn", "recoveryPoints"),
        volatile=words("recoveryPoints"),
        predict=lambda aws, inputs: {"arn": _vault_arn(aws, inputs["name"])},
    ),
    ResourceType(
        token=PLAN,
        serves=_PLAN_NAMES | {"tags"},
        create=_create_plan,
        read=_read_plan,
        update=_update_plan,
        delete=_delete_plan,
        replaces={"name": "terraform-provider-aws internal/service/backup/plan.go: name ForceNew"},
        sets=words("rules"),
        name="name",
        outputs=("arn", "version"),
        volatile=words("version"),
    ),
    ResourceType(
        token=SELECTION,
        serves=_SELECTION_NAMES | {"planId"},
        create=_create_selection,
        read=_read_selection,
        delete=_delete_selection,
        replaces=dict.fromkeys(
            sorted(_SELECTION_NAMES | {"planId"}),
            f"{_API}Operations_AWS_Backup.html: a selection is made and deleted, never changed",
        ),
        sets=words("selectionTags resources notResources"),
        name="name",
        unique=("planId", "name"),
    ),
)
