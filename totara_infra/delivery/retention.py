"""What stays of a closed client, for how long, and the refusal to delete it before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.app_config import ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE
from totara_infra.delivery.new_tenant import membership
from totara_infra.delivery.stacks import live_context
from totara_infra.local.project import project_root
from totara_infra.model.databases import read_databases
from totara_infra.model.declarations import Bucket, EncryptionKey, LogGroup, Parameter
from totara_infra.model.documents import read_document
from totara_infra.model.naming import placeholders
from totara_infra.model.problems import ProblemsError, TotaraError, UsageError
from totara_infra.model.provisioning import Retention, read_provisioning
from totara_infra.model.stack import REHEARSAL_SUFFIX
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import read_tenant, tenant_file
from totara_infra.model.vocabulary import Environment, Outcome, Source, TenantStatus
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import inspect
from totara_infra.operations.configuration import deployed_profile, parameter_values
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained


class RetentionError(TotaraError):
    """An update would drop what must still be kept."""

    exit_code = 1


@dataclass(frozen=True)
class Kept:
    """Something that stays of a client.

    Attributes:
        kind: what it is, for people.
        name: its name in this stack.
        protection: what keeps it from being deleted.
        module: who declares it.
    """

    kind: str
    name: str
    protection: str
    module: str


@dataclass(frozen=True)
class RetentionReport:
    """What stays of a client, held against the live environment.

    Attributes:
        tenant: the client.
        ends: first day on which it may go; None where the client is not closed.
        kept: everything.
        missing: what is not there, or not as declared.
    """

    tenant: Tenant
    ends: date | None
    kept: Sequence[Kept]
    missing: Sequence[str]


def kept_of(blueprint: Blueprint, client_id: str) -> Iterator[Kept]:
    """What stays of a client by the catalogue: archives, audit logs, keys, its own values, books.

    Args:
        blueprint: of the stack.
        client_id: of the client.
    """
    scope = blueprint.scope
    for module in scope.catalogue.modules.values():
        if module.id not in scope.active:
            continue
        for resource in module.resources:
            if resource.source is not Source.RESOURCE:
                continue
            if isinstance(resource, Bucket):
                yield Kept("bucket", scope.fill(resource.name), _protection(resource), module.id)
            elif isinstance(resource, LogGroup) and resource.delete_denied:
                days = resource.retention_days or scope.settings.log_retention_days
                said = f"deletion is denied to every role, events stay {days} days"
                yield Kept("audit log", scope.fill(resource.name), said, module.id)
            elif isinstance(resource, EncryptionKey):
                name = f"alias/bank-{scope.env}-{resource.name}"
                yield Kept("key", name, "without it nothing of this can be read", module.id)
        for parameter in _own_parameters(module.parameters):
            path = scope.fill(parameter.path, client_id)
            yield Kept("parameter", path, "the client stays in the stack's list", module.id)
    for database in read_databases(scope.catalogue).databases:
        for table in database.tables:
            if table.append_only is not None and table.owner in scope.active:
                said = "rows are only ever added"
                yield Kept("table", f"{database.name}: {table.name}", said, table.owner)


def _own_parameters(parameters: Sequence[Parameter]) -> Iterator[Parameter]:
    for parameter in parameters:
        of_value = parameter.source is not Source.DEPLOYMENT
        if of_value and "client_id" in placeholders(parameter.path):
            yield parameter


def _protection(bucket: Bucket) -> str:
    if bucket.object_lock_years is not None:
        return f"Object Lock, {bucket.object_lock_years} years"
    if bucket.immutable_prefixes:
        return f"nobody may delete below {', '.join(bucket.immutable_prefixes)}"
    return "every version is kept"


def retention_report(client_id: str, name: str, rehearse: bool) -> RetentionReport:
    """What stays of a client, and whether it is there.

    Args:
        client_id: of the client.
        name: of the stack, as people write it.
        rehearse: its rehearsal.

    Raises:
        UsageError: no such stack or client, or its emulator is not running.
        ProblemsError: what is wrong in the files.
        AwsRefusedError: AWS does not answer.
    """
    blueprint, live = live_context(name, rehearse)
    tenants = {t.client_id: t for t in blueprint.scope.tenants}
    if client_id not in tenants:
        raise UsageError(
            f"Stack `{name}` has no tenant `{client_id}`. Write one of {', '.join(tenants)}."
        )
    tenant = tenants[client_id]
    retention = read_provisioning(blueprint.scope.catalogue).retention
    ends = retention.ends(tenant.closed_on) if tenant.closed_on is not None else None
    kept = list(kept_of(blueprint, client_id))
    return RetentionReport(tenant, ends, kept, list(_missing(live, blueprint, kept)))


def _missing(live: Live, blueprint: Blueprint, kept: Sequence[Kept]) -> Iterator[str]:
    """What is not there, by the readers that drift has; tables are asked by nobody here."""
    groups = {**titles.BUCKETS, **titles.KEYS, **titles.LOG_GROUPS}
    with inspect(live, blueprint) as inspection:
        for result in inspection.compared(groups):
            if result.outcome is Outcome.FAILED:
                yield f"{result.check} {result.subject}: {result.found}"
    names = sorted(k.name for k in kept if k.kind == "parameter")
    with explained("reading the client's own values"):
        found = parameter_values(live, names)
    yield from (f"parameter {name}: nothing" for name in names if name not in found)


def guard_retention(blueprint: Blueprint, live: Live, today: date) -> None:
    """Refuse an update of production that drops a client whose retention has not ended.

    Only production has real customers; elsewhere all data are made up.

    Args:
        blueprint: what the update would bring about.
        live: the environment.
        today: the day by which retention is told.

    Raises:
        RetentionError: names each client, and the day from which it may go.
        AwsRefusedError: what is deployed can't be read.
    """
    scope = blueprint.scope
    if scope.settings.environment is not Environment.PROD:
        return
    with explained("reading which clients are deployed"):
        deployed = deployed_profile(live, scope.env, ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE)
    listed = {t.client_id for t in scope.tenants}
    gone = sorted(set(deployed.tenants) - listed) if deployed is not None else []
    retention = read_provisioning(scope.catalogue).retention if gone else None
    faults = [
        fault
        for client_id in gone
        if retention is not None
        and (fault := _fault(blueprint, retention, client_id, today)) is not None
    ]
    if faults:
        raise RetentionError("\n".join(faults))


def _fault(blueprint: Blueprint, retention: Retention, client_id: str, today: date) -> str | None:
    """Why a client that the stack no longer lists must stay; None where it may go."""
    root, scope = project_root(), blueprint.scope
    name = scope.settings.stack.removesuffix(REHEARSAL_SUFFIX)
    file = root / f"Pulumi.{name}.yaml"
    back = membership(read_document(file, root), client_id) if file.is_file() else file.name
    mend = f"    fix: put it back into the list: {back}"
    refused = f"Refused: this update would drop `{client_id}` from {scope.env}"
    path = tenant_file(root, client_id)
    try:
        tenant = read_tenant(path, root)[1] if path.is_file() else None
    except ProblemsError as error:
        return f"{refused}, and its file can't be read:\n{error}\n{mend}"
    if tenant is None or tenant.status is not TenantStatus.CLOSED or tenant.closed_on is None:
        return (
            f"{refused}, and nobody knows since when it is closed, so nobody knows until when what "
            f"it left must be kept.\n{mend}, then follow `totara decommission {client_id} "
            f"{scope.settings.command_words}`"
        )
    ends = retention.ends(tenant.closed_on)
    if today >= ends:
        return None
    return (
        f"{refused}. It was closed on {tenant.closed_on}, and what it left is kept for "
        f"{retention.years} years: nothing of it may be deleted before {ends}.\n{mend}"
    )
