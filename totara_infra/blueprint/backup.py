"""AWS Backup: the vault, its lock, the role, and plans that select by tag what they back up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.blueprint.infrastructure import key_resources
from totara_infra.blueprint.resource import PlannedResource, Reference, document
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.stack import RoleHandling
from totara_infra.model.stores import (
    BACKUP_TAG,
    BackupPlan,
    PlanRule,
    RecoveryCopies,
    Vault,
    VaultLock,
)

VAULT = "backup_vault/recovery-points"
COPIES = "backup_vault/recovery-point-copies"
COPIES_KEY = "key/recovery-point-copies"
MANAGED_POLICIES = (
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "AWSBackupServiceRolePolicyForS3Backup",
    "AWSBackupServiceRolePolicyForS3Restore",
)
"""AWS keeps these in step with what AWS Backup calls; a copy of ours would fall behind."""


def backup_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """Vault, role, plans and selections, where the module owns the vault."""
    stores = scope.catalogue.stores
    if stores is None or stores.vault.owner != module.id:
        return []
    return [
        *_role(scope, module, stores.vault),
        *_vault(
            scope,
            module,
            VAULT,
            {
                "name": scope.fill(stores.vault.name),
                "kms_key_arn": Reference(f"key/{stores.vault.key_class}", "arn"),
            },
        ),
        *_copies(scope, module),
        *(r for plan in stores.plans for r in _plan(scope, module, stores.vault, plan)),
    ]


def vault_lock(scope: Scope) -> VaultLock | None:
    """The lock of the vault, where this environment has one."""
    stores = scope.catalogue.stores
    if stores is None or scope.settings.environment not in stores.vault.lock.environments:
        return None
    return stores.vault.lock


def copies(scope: Scope) -> RecoveryCopies | None:
    """The vault in the recovery region, where this environment has one."""
    stores = scope.catalogue.stores
    return stores.vault.copies if stores and stores.copied_from(scope.settings) else None


def lock_is_left_out(scope: Scope) -> bool:
    """Whether the environment has a lock that an emulated stack does without.

    No emulator knows vault locks, so a rehearsal can't prove it; and nobody wants to lock what is
    thrown away.
    """
    return scope.settings.emulated and vault_lock(scope) is not None


def plan_name(plan_id: str) -> str:
    """Logical name of a plan."""
    return f"backup_plan/{plan_id}"


def _planned(
    module: Module, kind: str, name: str, properties: dict[str, Any], **options: Any
) -> PlannedResource:
    return PlannedResource(kind, name, module.id, "backup", properties, **options)


def _role(scope: Scope, module: Module, vault: Vault) -> Iterator[PlannedResource]:
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"role/{vault.role}"
    yield _planned(
        module,
        "aws:iam/role:Role",
        name,
        {
            "name": vault.role,
            "description": "Role under which AWS Backup reads what it backs up and restores it.",
            "assume_role_policy": document(
                {
                    "Sid": "Assume",
                    "Effect": "Allow",
                    "Principal": {"Service": ["backup.amazonaws.com"]},
                    # Without a condition, as AWS's own default role: nothing says that AWS Backup
                    # names the account when it assumes a role, and a job that can't fails.
                    "Action": "sts:AssumeRole",
                }
            ),
            "tags": scope.tags(module.id),
        },
    )
    for policy in MANAGED_POLICIES:
        yield _planned(
            module,
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            f"{name}/{policy.rsplit('/', 1)[-1]}",
            {"role": Reference(name, "name"), "policy_arn": f"arn:aws:iam::aws:policy/{policy}"},
        )


def _copies(scope: Scope, module: Module) -> Iterator[PlannedResource]:
    second = copies(scope)
    if second is None:
        return
    region, name = scope.settings.disaster_recovery_region, scope.fill(second.name)
    yield from key_resources(
        scope, module, COPIES_KEY, "backup", f"alias/{name}", second.why, region=region
    )
    key = Reference(COPIES_KEY, "arn")
    place = {"name": name, "kms_key_arn": key, "region": region}
    yield from _vault(scope, module, COPIES, place)


def _vault(
    scope: Scope, module: Module, vault: str, properties: dict[str, Any]
) -> Iterator[PlannedResource]:
    yield _planned(
        module,
        "aws:backup/vault:Vault",
        vault,
        {
            **properties,
            # A vault with recovery points in it is deleted by nobody who has not emptied it.
            "force_destroy": scope.settings.emulated,
            "tags": scope.tags(module.id),
        },
        protect=scope.settings.protect,
    )
    lock = vault_lock(scope)
    if lock is not None and not scope.settings.emulated:
        yield _planned(
            module,
            "aws:backup/vaultLockConfiguration:VaultLockConfiguration",
            f"{vault}/lock",
            {
                "backup_vault_name": Reference(vault, "name"),
                "min_retention_days": lock.minimum_retention_days,
                "max_retention_days": lock.maximum_retention_days,
                "changeable_for_days": lock.changeable_for_days,
                **({"region": properties["region"]} if "region" in properties else {}),
            },
            protect=scope.settings.protect,
        )


def _plan(
    scope: Scope, module: Module, vault: Vault, plan: BackupPlan
) -> Iterator[PlannedResource]:
    name, created = plan_name(plan.id), scope.settings.roles is RoleHandling.CREATE
    yield _planned(
        module,
        "aws:backup/plan:Plan",
        name,
        {
            "name": f"bank-{scope.env}-{plan.id}",
            "rules": [_rule(scope, rule) for rule in plan.rules_in(scope.settings.environment)],
            "tags": scope.tags(module.id),
        },
    )
    role = f"role/{vault.role}"
    yield _planned(
        module,
        "aws:backup/selection:Selection",
        f"{name}/selection",
        {
            "name": f"tagged-{plan.id}",
            "plan_id": Reference(name, "id"),
            "iam_role_arn": Reference(role, "arn") if created else scope.role_arn(vault.role),
            "selection_tags": [{"type": "STRINGEQUALS", "key": BACKUP_TAG, "value": plan.id}],
        },
        # AWS Backup tries the role when a selection is made.
        waits_for=tuple(f"{role}/{p.rsplit('/', 1)[-1]}" for p in MANAGED_POLICIES)
        if created
        else (),
    )


def _rule(scope: Scope, rule: PlanRule) -> dict[str, Any]:
    lifecycle = {"delete_after": rule.days_kept(scope.settings.environment)}
    if rule.cold_storage_after_days is not None:
        lifecycle["cold_storage_after"] = rule.cold_storage_after_days
    copied: dict[str, Any] = {}
    if rule.copy_to_recovery_region and copies(scope) is not None:
        destination = {"destination_vault_arn": Reference(COPIES, "arn"), "lifecycle": lifecycle}
        copied["copy_actions"] = [destination]
    return {
        **copied,
        "rule_name": rule.name,
        "target_vault_name": Reference(VAULT, "name"),
        "schedule": rule.schedule,
        "start_window": rule.start_window_minutes,
        "completion_window": rule.completion_window_minutes,
        "enable_continuous_backup": rule.continuous,
        "lifecycle": lifecycle,
    }
