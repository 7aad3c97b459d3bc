"""Proofs of a client's way out: what is drained, handed over, closed, and what is still there."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import psycopg

from totara_infra.blueprint.secrets import secret_paths
from totara_infra.delivery.retention import retention_report
from totara_infra.delivery.runbooks import Finding
from totara_infra.local.project import project_root, state_directory
from totara_infra.model.declarations import Bucket
from totara_infra.model.tenants import read_tenant, tenant_file
from totara_infra.model.vocabulary import Source, TenantStatus
from totara_infra.operations.backup.archive import manifests
from totara_infra.operations.backup.storage import storage_at
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.tenant_users import users_of
from totara_infra.provisioning.proofs.asking import Asking, listed
from totara_infra.provisioning.proofs.databases import direct_url
from totara_infra.provisioning.proofs.environment import deployed_status

PAYMENTS_MODULE = "MOD-020"
"""Whose domain's database has the payments."""
_UNDER_WAY = ("INITIATED", "VALIDATED")
_SIGNED_OUT = "signed-out"
"""The step after which nothing changes any more."""


def notice(asking: Asking) -> Finding:
    """The client's file has its last day of service."""
    _, tenant = read_tenant(tenant_file(project_root(), asking.client_id), project_root())
    if tenant.leaves_on is None:
        return Finding(False, f"stacks/{asking.client_id}.yaml has no `leaves_on`.")
    return Finding(True, f"Its last day of service is {tenant.leaves_on}.")


def payments_drained(asking: Asking) -> Finding:
    """No payment of the client is under way."""
    url = direct_url(asking, PAYMENTS_MODULE)
    with url.connect() as connection:
        try:
            row = connection.execute(
                "SELECT count(*) FROM payments.payments WHERE tenant_id = %s AND status = ANY(%s)",
                (asking.client_id, list(_UNDER_WAY)),
            ).fetchone()
        except psycopg.Error as error:
            return Finding(False, f"{url.database}: {url.hidden(str(error))}")
    if row and row[0]:
        return Finding(False, f"{row[0]} payments are under way.")
    return Finding(True, "Every payment is final.")


def tenant_suspended(asking: Asking) -> Finding:
    """The configuration that readers get lets nobody of the client sign in."""
    return _status(asking, TenantStatus.SUSPENDED, TenantStatus.CLOSED)


def tenant_closed(asking: Asking) -> Finding:
    """The configuration that readers get says that the client is closed."""
    return _status(asking, TenantStatus.CLOSED)


def _status(asking: Asking, *wanted: TenantStatus) -> Finding:
    status = deployed_status(asking)
    if status in wanted:
        return Finding(True, f"It is {status} by the configuration that is rolled out.")
    file = asking.situation.tenant.status
    return Finding(False, f"Rolled out is {status or 'nothing'}; its file says {file}.")


def users_disabled(asking: Asking) -> Finding:
    """No user of the client may sign in."""
    live = asking.live()
    users = list(users_of(live, asking.blueprint(live), asking.client_id))
    enabled = [u for u in users if u.enabled]
    if enabled:
        return Finding(False, f"{len(enabled)} of {len(users)} users may still sign in.")
    return Finding(True, f"{len(users)} users, all disabled.")


def exported(asking: Asking) -> Finding:
    """There is a backup that is younger than the sign-out of everybody."""
    steps = [r for r in asking.journal.records() if r.step == _SIGNED_OUT and r.outcome.lets_on]
    since = steps[0].finished if steps else datetime.now(UTC)
    storage = storage_at(str(state_directory() / "backups"), asking.live())
    for backup, manifest in manifests(storage, asking.situation.stack):
        if manifest is not None and manifest.taken >= since:
            return Finding(True, f"Backup {backup} was taken {manifest.taken:%Y-%m-%d %H:%M} UTC.")
    return Finding(False, f"No backup here was taken after {since:%Y-%m-%d %H:%M} UTC.")


def final_returns(asking: Asking) -> Finding:
    """The archive that nobody can delete from has the client's last returns, still locked."""
    live = asking.live()
    scope = asking.blueprint(live).scope
    archives = [
        scope.fill(resource.name)
        for module in asking.catalogue.modules.values()
        for resource in module.resources
        if isinstance(resource, Bucket)
        and resource.object_lock_years is not None
        and resource.source is Source.RESOURCE
    ]
    prefix = f"closing/{asking.client_id}/"
    found, open_ = 0, []
    with explained("reading the statutory archive"):
        client = live.client("s3")
        for bucket in archives:
            answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
            for entry in answer.get("Contents", []):
                head = client.head_object(Bucket=bucket, Key=entry["Key"])
                found += 1
                if head.get("ObjectLockMode") != "COMPLIANCE":
                    open_.append(entry["Key"])
    if not found:
        return Finding(False, f"Nothing is below {prefix} in {listed(archives) or 'any archive'}.")
    if open_:
        return Finding(False, f"Not locked: {listed(open_)}.")
    return Finding(True, f"{found} returns are archived and locked.")


def credentials_gone(asking: Asking) -> Finding:
    """No secret is left that no other client needs."""
    live = asking.live()
    scope = asking.blueprint(live).scope
    as_live = asking.situation.tenant.model_copy(
        update={"status": TenantStatus.LIVE, "closed_on": None}
    )
    declared = [s for m in asking.catalogue.modules.values() for s in m.secrets]
    alone = dataclasses.replace(scope, tenants=(as_live,))
    of_client = {path for s in declared for path in secret_paths(alone, s)}
    still_needed = {path for s in declared for path in secret_paths(scope, s)}
    names = of_client - still_needed
    with explained("reading the list of secrets"):
        pages = (
            live.client("secretsmanager")
            .get_paginator("list_secrets")
            .paginate(Filters=[{"Key": "name", "Values": [f"/bank/{scope.env}/"]}])
        )
        left = sorted(s["Name"] for page in pages for s in page["SecretList"] if s["Name"] in names)
    if left:
        return Finding(False, f"Nobody needs them any more: {listed(left)}.")
    return Finding(True, f"None of {len(names)} secrets is left that nobody else needs.")


def retained(asking: Asking) -> Finding:
    """What must be kept of the client is there."""
    situation = asking.situation
    report = retention_report(asking.client_id, situation.name, situation.rehearse)
    if report.missing:
        return Finding(False, f"Not there: {listed(list(report.missing))}.")
    return Finding(True, f"{len(report.kept)} things stay until {report.ends}.")
