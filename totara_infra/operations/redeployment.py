"""What modules read only when they are deployed, and which of it an update would change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from totara_infra.blueprint import Blueprint, Scope
from totara_infra.blueprint.app_config import ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE
from totara_infra.model.declarations import Parameter, Setting
from totara_infra.model.naming import placeholders
from totara_infra.model.vocabulary import Reload, TenantStatus
from totara_infra.operations.configuration import (
    Deployed,
    deployed_profile,
    parameter_values,
    planned_content,
)
from totara_infra.operations.live import Live


@dataclass(frozen=True)
class ColdChange:
    """A change of a tenant's value that no running module sees.

    Attributes:
        client_id: whose value it is.
        fact: the tenant's field, such as `jurisdiction`.
        names: keys and paths that hold it.
        before: what is deployed.
        after: what the stack's files say; None where the tenant is gone.
        live: the tenant is live by what is deployed, whatever its file says now.
        readers: ids of the modules of this stack that must be deployed again.
    """

    client_id: str
    fact: str
    names: tuple[str, ...]
    before: str
    after: str | None
    live: bool
    readers: frozenset[str]


def cold_changes(live: Live, blueprint: Blueprint) -> list[ColdChange]:
    """Changes of what is deployed that need modules to be deployed again, by tenant and fact.

    Compares profile `deployment` and the parameters that hold a tenant's field, as the
    environment has them, with the blueprint. A new tenant is no change, and neither is a first
    update.

    Raises:
        ClientError: AWS refuses to be read.
    """
    scope = blueprint.scope
    deployed = deployed_profile(live, scope.env, ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE)
    if deployed is None:
        return []
    merged: dict[tuple[str, str], ColdChange] = {}
    for change in (
        *_setting_changes(scope, deployed, planned_content(blueprint)),
        *_parameter_changes(scope, deployed, live),
    ):
        key = (change.client_id, change.fact)
        known = merged.get(key)
        merged[key] = change if known is None else _joined(known, change)
    return [merged[key] for key in sorted(merged)]


def _joined(first: ColdChange, second: ColdChange) -> ColdChange:
    names = tuple(dict.fromkeys((*first.names, *second.names)))
    return replace(first, names=names, readers=first.readers | second.readers)


def _setting_changes(
    scope: Scope, deployed: Deployed, planned: dict[tuple[str, str], dict[str, dict[str, Any]]]
) -> Iterator[ColdChange]:
    content = planned[ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE]
    for setting in _cold_settings(scope):
        for client_id, values in deployed.tenants.items():
            before = values.get(setting.key)
            after = content["tenants"].get(client_id, {}).get(setting.key)
            if before is not None and before != after:
                yield _change(scope, deployed, client_id, setting, (setting.key,), before, after)
        if setting.tenant_field == "client_id":
            before = deployed.defaults.get(setting.key)
            after = content["defaults"].get(setting.key)
            if before is not None and before != after:
                yield _change(
                    scope, deployed, before, setting, (f"defaults: {setting.key}",), before, after
                )


def _cold_settings(scope: Scope) -> list[Setting]:
    return [
        s
        for d in scope.catalogue.domains
        if d.repository == ACTIVATION_APPLICATION
        for m in d.modules
        for s in m.settings
        if s.profile == DEPLOYMENT_PROFILE and s.reload is Reload.REDEPLOY and s.tenant_field
    ]


def _defaults(scope: Scope, deployed: Deployed) -> set[str]:
    """The default tenant's client id as it is deployed."""
    keys = [s.key for s in _cold_settings(scope) if s.tenant_field == "client_id"]
    return {deployed.defaults[k] for k in keys if k in deployed.defaults}


def _parameter_changes(scope: Scope, deployed: Deployed, live: Live) -> Iterator[ColdChange]:
    """Only of fields that the profile does not hold: it takes ten names a call."""
    held = {s.tenant_field for s in _cold_settings(scope)}
    # With another default tenant the single-tenant names change hands: a change of client id.
    same_default = scope.default_tenant.client_id in _defaults(scope, deployed)
    wanted: dict[str, tuple[Parameter, str]] = {}
    for module in scope.catalogue.modules.values():
        for parameter in module.parameters:
            if parameter.tenant_field is None or parameter.tenant_field in held:
                continue
            if parameter.reload is not Reload.REDEPLOY or module.id not in scope.active:
                continue
            if "client_id" in placeholders(parameter.path):
                for tenant in scope.tenants:
                    path = scope.fill(parameter.path, tenant.client_id)
                    wanted[path] = (parameter, tenant.client_id)
            elif same_default:
                wanted[scope.fill(parameter.path)] = (parameter, scope.default_tenant.client_id)
    found = parameter_values(live, sorted(wanted))
    tenants = {t.client_id: t for t in scope.tenants}
    for path, before in found.items():
        parameter, client_id = wanted[path]
        after = str(getattr(tenants[client_id], str(parameter.tenant_field)))
        if before != after:
            yield _change(scope, deployed, client_id, parameter, (path,), before, after)


def _change(
    scope: Scope,
    deployed: Deployed,
    client_id: str,
    declaration: Setting | Parameter,
    names: tuple[str, ...],
    before: str,
    after: str | None,
) -> ColdChange:
    return ColdChange(
        client_id,
        str(declaration.tenant_field),
        names,
        before,
        after,
        _is_live(scope, deployed, client_id),
        frozenset(scope.modules_of(declaration.readers)) & scope.active,
    )


def _is_live(scope: Scope, deployed: Deployed, client_id: str) -> bool:
    """By what is deployed: a file that also changes the status does not open the door."""
    keys = [
        s.key for m in scope.catalogue.modules.values() for s in m.settings
        if s.tenant_field == "status"
    ]  # fmt: skip
    status = [deployed.value(key, client_id) for key in keys]
    # Where nothing says so, the careful answer.
    return not status or status[0] in (None, TenantStatus.LIVE)
