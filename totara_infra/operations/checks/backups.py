"""Checks of backups: vault and plans as declared, stores tagged for them, nothing overdue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from totara_infra.blueprint.backup import lock_is_left_out
from totara_infra.model.stores import BACKUP_TAG, BackupPlan, StoreCatalogue
from totara_infra.operations.backup.schedule import export_place, newest_export
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed, put_back, skipped
from totara_infra.operations.drift.reading import tags_from, unless_gone

SERVICES = {"bucket": "S3", "table": "DynamoDB"}
"""What AWS Backup calls the services whose stores it backs up, by kind of store."""
LATE = timedelta(hours=1)
"""Schedulers of CI start late when many want to start at once."""


@dataclass(frozen=True)
class _Selected:
    """A store that AWS Backup must find by its tag.

    Attributes:
        name: as it is called in AWS.
        owner: module that makes it, or whose pipeline does.
        plan: id of the plan.
    """

    kind: str
    name: str
    owner: str
    plan: str


@dataclass(frozen=True)
class _There:
    """A store that is there: its ARN, tags and when it was made."""

    arn: str
    tags: dict[str, str]
    made: datetime


def check(inspection: Inspection) -> Iterator[Result]:
    """Vault, lock, plans, selections, tags, and the age of the newest recovery points."""
    yield from inspection.compared(titles.BACKUPS)
    stores = inspection.blueprint.scope.catalogue.stores
    if stores is None:
        return
    # A store goes up in the phase of its module, which is often a later one than the vault's.
    vaults = inspection.covers(stores.vault.owner)
    if vaults and lock_is_left_out(inspection.blueprint.scope):
        vault = inspection.blueprint.scope.fill(stores.vault.name)
        why = "No emulator knows vault locks: this one is proved on AWS only, not in a rehearsal."
        yield skipped("vault lock", vault, why)
    buckets = _buckets(inspection)
    there: dict[_Selected, _There] = {}
    for selected in _selected(inspection, stores):
        found = (
            _bucket(inspection, selected.name, buckets)
            if selected.kind == "bucket"
            else _table(inspection, selected.name)
        )
        yield _tagged(inspection, selected, found)
        if found is not None:
            there[selected] = found
    yield from _ages(inspection, stores, there, buckets, vaults=vaults)


def _selected(inspection: Inspection, stores: StoreCatalogue) -> Iterator[_Selected]:
    scope = inspection.blueprint.scope
    for module_id in inspection.blueprint.sequence.module:
        if not inspection.covers(module_id):
            continue
        for resource in scope.catalogue.modules[module_id].resources:
            kind, name = str(getattr(resource, "kind", "")), str(getattr(resource, "name", ""))
            plan = stores.plan_of.get(f"{kind}:{name}")
            if plan is not None and kind in SERVICES:
                yield _Selected(kind, scope.fill(name), module_id, plan)


def _table(inspection: Inspection, name: str) -> _There | None:
    client = inspection.client("dynamodb")
    answer = unless_gone(client.describe_table, "ResourceNotFoundException", TableName=name)
    if answer is None:
        return None
    table = answer["Table"]
    tags = client.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    return _There(table["TableArn"], tags_from(tags), table["CreationDateTime"])


def _buckets(inspection: Inspection) -> dict[str, datetime]:
    """Name -> when it was made."""
    pages = inspection.client("s3").get_paginator("list_buckets").paginate()
    return {b["Name"]: b["CreationDate"] for page in pages for b in page.get("Buckets", [])}


def _bucket(inspection: Inspection, name: str, buckets: dict[str, datetime]) -> _There | None:
    if name not in buckets:
        return None
    call = inspection.client("s3").get_bucket_tagging
    tags = unless_gone(call, "NoSuchTagSet", "NoSuchBucket", Bucket=name)
    return _There(f"arn:aws:s3:::{name}", tags_from((tags or {}).get("TagSet")), buckets[name])


def _tagged(inspection: Inspection, selected: _Selected, found: _There | None) -> Result:
    subject, wanted = f"{selected.kind} {selected.name}", f"{BACKUP_TAG} = {selected.plan}"
    if found is None and selected.kind == "table":
        why = f"{selected.owner}'s own pipeline makes it, and has not yet."
        return skipped("backup tag", subject, why)
    value = found.tags.get(BACKUP_TAG) if found is not None else None
    if value == selected.plan:
        return passed("backup tag", subject)
    fix = (
        f"Have {selected.owner}'s own pipeline tag it: AWS Backup finds by this tag what it is to "
        "back up."
        if selected.kind == "table"
        else f"Run {put_back(inspection.settings)}."
    )
    shown = "nothing" if value is None else f"{BACKUP_TAG} = {value}"
    return failed("backup tag", subject, wanted, shown, fix)


def _ages(
    inspection: Inspection,
    stores: StoreCatalogue,
    there: dict[_Selected, _There],
    buckets: dict[str, datetime],
    *,
    vaults: bool,
) -> Iterator[Result]:
    """Whether AWS Backup and the exports keep to their schedules.

    Args:
        inspection: the environment, or a part of it.
        stores: the catalogue of stores.
        there: stores of that part that are there.
        buckets: every bucket, with when it was made.
        vaults: the part includes the vaults, and with them what is said once.
    """
    vault = inspection.blueprint.scope.fill(stores.vault.name)
    export = export_place(stores, inspection.settings)
    why = ""
    if inspection.settings.emulated:
        why = "Nothing is scheduled on an emulator, and it keeps no recovery points."
    elif not inspection.extent.gates:
        why = "While the phase goes up, none can be due."
    if why:
        if vaults:
            yield skipped("recovery point", vault, why)
            yield skipped("export", export or inspection.settings.stack, why)
        return
    yield from _recovery_points(inspection, stores, vault, there)
    if not vaults:
        return
    yield from _services(inspection, vault)
    if export is None:
        why = "Exports of this environment are made by hand."
        yield skipped("export", inspection.settings.stack, why)
    else:
        yield _export(inspection, stores, export, buckets)


def _services(inspection: Inspection, vault: str) -> Iterator[Result]:
    """A service that the account has not switched on is passed over without a word."""
    answer = inspection.client("backup").describe_region_settings()
    chosen = answer.get("ResourceTypeOptInPreference", {})
    for service in sorted(SERVICES.values()):
        subject = f"{service} in {inspection.settings.region}"
        if chosen.get(service):
            yield passed("backup service", subject)
        else:
            yield failed(
                "backup service",
                subject,
                "switched on in AWS Backup",
                "off",
                f"Nothing of it comes into {vault}. Run aws backup update-region-settings "
                f"--resource-type-opt-in-preference {service}=true",
            )


def _recovery_points(
    inspection: Inspection,
    stores: StoreCatalogue,
    vault: str,
    there: dict[_Selected, _There],
) -> Iterator[Result]:
    newest: dict[str, datetime] = {}
    pages = inspection.client("backup").get_paginator("list_recovery_points_by_backup_vault")
    for page in pages.paginate(BackupVaultName=vault):
        for point in page["RecoveryPoints"]:
            arn, made = point["ResourceArn"], point["CreationDate"]
            # A continuous one stays available while it grows.
            if point["Status"] in ("COMPLETED", "AVAILABLE"):
                newest[arn] = max(made, newest.get(arn, made))
    plans = {plan.id: plan for plan in stores.plans}
    for selected, found in there.items():
        limit = _longest(plans[selected.plan], inspection)
        yield _age(
            "recovery point",
            f"{selected.kind} {selected.name}",
            newest.get(found.arn),
            found.made,
            limit,
            "Look at the failed jobs of AWS Backup; most often the role lacks a right, or a key's "
            "policy keeps it out.",
        )


def _longest(plan: BackupPlan, inspection: Inspection) -> timedelta:
    """Time after which the plan's most frequent rule must have a new recovery point."""
    environment = inspection.settings.environment
    rule = min(plan.rules_in(environment), key=lambda rule: rule.interval_hours)
    windows = rule.start_window_minutes + rule.completion_window_minutes
    return timedelta(hours=rule.interval_hours, minutes=windows)


def _export(
    inspection: Inspection, stores: StoreCatalogue, place: str, buckets: dict[str, datetime]
) -> Result:
    words, made = inspection.settings.command_words, buckets.get(place.removeprefix("s3://"))
    if made is None:
        fix = f"Run {put_back(inspection.settings)}."
        return failed("export", place, "a bucket for exports", "nothing", fix)
    return _age(
        "export",
        place,
        newest_export(inspection.live, place, inspection.settings.stack),
        made,
        timedelta(hours=stores.exports.interval_hours) + LATE,
        f"Run `totara backup run {words}`, and see why the schedule did not.",
    )


def _age(
    name: str, subject: str, newest: datetime | None, made: datetime, limit: timedelta, fix: str
) -> Result:
    now = datetime.now(UTC)
    if newest is None and now - made <= limit:
        due = f"{made + limit:%Y-%m-%d %H:%M} UTC"
        return skipped(name, subject, f"It is new; the first one is due by {due}.")
    if newest is not None and now - newest <= limit:
        return passed(name, subject)
    hours = limit.total_seconds() / 3600
    shown = "none" if newest is None else f"the newest of {newest:%Y-%m-%d %H:%M} UTC"
    return failed(name, subject, f"one of the last {hours:g} hours", shown, fix)
