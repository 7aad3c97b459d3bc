"""Vaults, locks, plans and selections of AWS Backup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    own_tags,
    unless_gone,
    words,
)

VAULT = "aws:backup/vault:Vault"
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
_GONE = "ResourceNotFoundException"
# AWS says so too of a vault that is not there.
_NO_VAULT = (_GONE, "AccessDeniedException")
_MEMBERS = {
    "RuleName": "rule_name",
    "TargetBackupVaultName": "target_vault_name",
    "ScheduleExpression": "schedule",
    "StartWindowMinutes": "start_window",
    "CompletionWindowMinutes": "completion_window",
    "EnableContinuousBackup": "enable_continuous_backup",
}
_LIFECYCLE = {"MoveToColdStorageAfterDays": "cold_storage_after", "DeleteAfterDays": "delete_after"}


def _pages(client: Any, call: str, items: str, **request: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(call).paginate(**request):
        yield from page[items]


def _vaults(reading: Reading) -> dict[str, dict[str, Any]]:
    """Name -> vault: those of ours in the words of AWS, of others what the list says."""

    def read() -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for region in reading.regions(VAULT):
            client = reading.client("backup", region)
            for vault in _pages(client, "list_backup_vaults", "BackupVaultList"):
                name = vault["BackupVaultName"]
                ours = name in reading.planned(VAULT)
                call = client.describe_backup_vault
                known = unless_gone(call, *_NO_VAULT, BackupVaultName=name) if ours else None
                found[name] = {**vault, **(known or {}), "region": region}
        return found

    return reading.once("backup-vaults", read)


def _read_vaults(reading: Reading) -> Iterator[Thing]:
    for name, vault in _vaults(reading).items():
        arn, region = vault["BackupVaultArn"], vault["region"]
        tags = own_tags(reading.client("backup", region).list_tags(ResourceArn=arn).get("Tags"))
        yield Thing(
            name,
            {
                "name": name,
                "kms_key_arn": vault.get("EncryptionKeyArn"),
                "tags": tags,
                "region": region,
            },
            {"id": name, "name": name, "arn": arn},
            reading.tagged(tags),
        )


def _read_locks(reading: Reading) -> Iterator[Thing]:
    for name in reading.planned(VAULT):
        vault = _vaults(reading).get(name, {})
        if vault.get("Locked"):
            yield Thing(
                name,
                {
                    "backup_vault_name": name,
                    "min_retention_days": vault.get("MinRetentionDays"),
                    "max_retention_days": vault.get("MaxRetentionDays"),
                    "region": vault["region"],
                },
                {"id": name},
                "it locks a vault of ours",
            )


def _plans(reading: Reading) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        return list(_pages(reading.client("backup"), "list_backup_plans", "BackupPlansList"))

    return reading.once("backup-plans", read)


def _read_plans(reading: Reading) -> Iterator[Thing]:
    client = reading.client("backup")

    def read(listed: Mapping[str, Any]) -> Thing | None:
        answer = unless_gone(client.get_backup_plan, _GONE, BackupPlanId=listed["BackupPlanId"])
        if answer is None:
            return None
        plan, arn = answer["BackupPlan"], answer["BackupPlanArn"]
        tags = own_tags(client.list_tags(ResourceArn=arn).get("Tags"))
        return Thing(
            plan["BackupPlanName"],
            {
                "name": plan["BackupPlanName"],
                "rules": [_rule(rule) for rule in plan["Rules"]],
                "tags": tags,
            },
            {"id": listed["BackupPlanId"], "arn": arn, "name": plan["BackupPlanName"]},
            reading.tagged(tags),
        )

    yield from (thing for thing in reading.each(read, _plans(reading)) if thing is not None)


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: rule[member] for member, name in _MEMBERS.items() if member in rule}
    lifecycle = rule.get("Lifecycle") or {}
    found["lifecycle"] = {name: lifecycle[m] for m, name in _LIFECYCLE.items() if m in lifecycle}
    if rule.get("CopyActions"):
        found["copy_actions"] = [
            {
                "destination_vault_arn": copy["DestinationBackupVaultArn"],
                "lifecycle": {
                    name: copy["Lifecycle"][m]
                    for m, name in _LIFECYCLE.items()
                    if m in (copy.get("Lifecycle") or {})
                },
            }
            for copy in rule["CopyActions"]
        ]
    return found


def _read_selections(reading: Reading) -> Iterator[Thing]:
    client = reading.client("backup")
    for plan in _plans(reading):
        name, where = plan["BackupPlanName"], {"BackupPlanId": plan["BackupPlanId"]}
        if name not in reading.planned(PLAN):
            continue
        for listed in _pages(client, "list_backup_selections", "BackupSelectionsList", **where):
            answer = client.get_backup_selection(**where, SelectionId=listed["SelectionId"])
            found = answer["BackupSelection"]
            yield Thing(
                f"{name}/{found['SelectionName']}",
                {
                    "name": found["SelectionName"],
                    "plan_id": where["BackupPlanId"],
                    "iam_role_arn": found["IamRoleArn"],
                    "selection_tags": [
                        {
                            "type": tag["ConditionType"],
                            "key": tag["ConditionKey"],
                            "value": tag["ConditionValue"],
                        }
                        for tag in found.get("ListOfTags") or []
                    ],
                },
                {"id": listed["SelectionId"]},
                f"it decides what plan {name} backs up",
            )


READERS = (
    TypeReader(
        VAULT,
        _read_vaults,
        words("name kms_key_arn tags region"),
        unreadable={"force_destroy": "is an argument of the deletion"},
        if_missing="What was in it is lost here; see the recovery region's vault.",
    ),
    TypeReader(
        LOCK,
        _read_locks,
        words("backup_vault_name min_retention_days max_retention_days region"),
        key=("backup_vault_name",),
        unreadable={"changeable_for_days": "becomes a date when the lock is set"},
    ),
    TypeReader(
        PLAN,
        _read_plans,
        words("name rules tags"),
        keyed={"rules": "rule_name"},
    ),
    TypeReader(
        SELECTION,
        _read_selections,
        words("name plan_id iam_role_arn selection_tags"),
        key=("plan_id", "name"),
        keyed={"selection_tags": "key"},
    ),
)
