"""The configuration manifest: every non-secret value of an environment, and where it comes from.

Pure: catalogue and blueprint in, entries out. `totara_infra.operations.manifest_check` holds it
against the live environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from totara_infra.blueprint import Blueprint, Reference, Scope
from totara_infra.blueprint.app_config import (
    ACTIVATION_APPLICATION,
    ACTIVATION_PROFILE,
    switched_modules,
)
from totara_infra.blueprint.parameters import value_of
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Parameter, Scalar, Setting
from totara_infra.model.naming import placeholders
from totara_infra.model.tenancy import Tenant
from totara_infra.model.values import default_in
from totara_infra.model.vocabulary import Reload, Source, ValueType
from totara_infra.resolver.activation import ActivationState


class Store(StrEnum):
    """Where a value is kept."""

    PARAMETER = "ssm"
    SETTING = "appconfig"


class Origin(StrEnum):
    """Where an effective value comes from."""

    CATALOGUE = "catalogue default"
    ENVIRONMENT = "environment's own default"
    OVERRIDE = "tenant override"
    TENANT = "tenant's file"
    ACTIVATION = "activation"
    RESOURCE = "resource attribute"
    DEPLOYMENT = "module's deployment"
    NONE = "no value"


class Change(StrEnum):
    """How an entry differs from an earlier manifest."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True)
class Entry:
    """One value.

    Attributes:
        key: path of a parameter, or key in AppConfig.
        store: where it is kept.
        place: `APPLICATION/PROFILE` in AppConfig; empty for a parameter.
        tenant: client id whose value it is; None for the value of all.
        module: who declares it.
        domain: of the module.
        type, unit: of the value.
        default: the catalogue's, before environment and tenant.
        value: what is in effect; None where only the live environment knows it.
        origin: where `value` comes from.
        detail: which resource's attribute, or why a tenant has it, in words.
        required: whether a reader fails without it.
        reload: hot or redeploy.
        readers: module or domain ids, or `all`.
        why: what it is for.
        name_provenance: who gives the name.
        value_provenance: who gives the default; empty where the value is not a default.
        change, before: against an earlier manifest.
    """

    key: str
    store: Store
    place: str
    tenant: str | None
    module: str
    domain: str
    type: ValueType
    unit: str | None
    default: Scalar | None
    value: Scalar | None
    origin: Origin
    detail: str
    required: bool
    reload: Reload
    readers: tuple[str, ...]
    why: str
    name_provenance: str
    value_provenance: str
    change: Change | None = None
    before: Scalar | None = None

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self).items()}


def manifest(blueprint: Blueprint) -> list[Entry]:
    """Every non-secret value of the deployed modules, by store and key.

    A setting stands once for all tenants and once more for each tenant that has a value of its
    own; a parameter with a client id in its path stands for that tenant.
    """
    scope = blueprint.scope
    found = [
        entry
        for module_id in blueprint.sequence.module
        for entry in _entries(scope, scope.catalogue.modules[module_id])
    ]
    found += _activation_entries(scope)
    return sorted(found, key=lambda e: (e.store, e.place, e.key, e.tenant or ""))


def of_tenant(entries: Sequence[Entry], client_id: str) -> list[Entry]:
    """What is in effect for one tenant: its own value, else the one for all."""
    own = {(e.store, e.place, e.key) for e in entries if e.tenant == client_id}
    return [
        e
        for e in entries
        if e.tenant == client_id or (e.tenant is None and (e.store, e.place, e.key) not in own)
    ]


def changed_since(before: Sequence[Entry], after: Sequence[Entry]) -> list[Entry]:
    """What is new, gone, or has another value, type or way to take effect."""

    def identity(entry: Entry) -> tuple[object, ...]:
        return entry.store, entry.place, entry.key, entry.tenant

    old, new = {identity(e): e for e in before}, {identity(e): e for e in after}
    found = []
    for name, entry in new.items():
        was = old.get(name)
        if was is None:
            found.append(replace(entry, change=Change.NEW))
        elif _content(was) != _content(entry):
            found.append(replace(entry, change=Change.CHANGED, before=was.value))
    found += [
        replace(entry, change=Change.GONE, before=entry.value, value=None)
        for name, entry in old.items()
        if name not in new
    ]
    return found


def _content(entry: Entry) -> tuple[object, ...]:
    # True equals 1 in Python, not in a configuration.
    value = repr(entry.value)
    return value, entry.type, entry.unit, entry.reload, entry.required, entry.origin, entry.detail


def _entries(scope: Scope, module: Module) -> Iterator[Entry]:
    for parameter in module.parameters:
        if "client_id" in placeholders(parameter.path):
            for tenant in scope.tenants:
                yield _parameter(scope, module, parameter, tenant, tenant.client_id)
        else:
            yield _parameter(scope, module, parameter, scope.default_tenant, None)
    for setting in module.settings:
        yield from _setting(scope, module, setting)


def _parameter(
    scope: Scope, module: Module, parameter: Parameter, tenant: Tenant, client_id: str | None
) -> Entry:
    value = None
    detail = parameter.attribute or ""
    if parameter.source is Source.DEPLOYMENT:
        origin, detail = Origin.DEPLOYMENT, f"written when {module.id} is deployed"
    else:
        effective = value_of(scope, parameter, tenant)
        value = None if isinstance(effective, Reference) else effective
        if parameter.tenant_field is not None:
            origin, detail = Origin.TENANT, f"{parameter.tenant_field} of {tenant.client_id}"
        elif parameter.attribute is not None:
            origin = Origin.NONE if effective is None else Origin.RESOURCE
        else:
            origin = _default_origin(scope, parameter)
    return _entry(
        scope,
        module,
        parameter,
        key=scope.fill(parameter.path, client_id),
        store=Store.PARAMETER,
        place="",
        tenant=client_id,
        value=value,
        origin=origin,
        detail=detail,
    )


def _default_origin(scope: Scope, declaration: Parameter | Setting) -> Origin:
    environment = scope.settings.environment
    if default_in(declaration, environment) is None:
        return Origin.NONE
    return Origin.ENVIRONMENT if environment in declaration.defaults else Origin.CATALOGUE


def _setting(scope: Scope, module: Module, setting: Setting) -> Iterator[Entry]:
    def entry(tenant: str | None, value: Scalar | None, origin: Origin, detail: str) -> Entry:
        return _entry(
            scope,
            module,
            setting,
            key=setting.key,
            store=Store.SETTING,
            place=f"{scope.catalogue.domain_of[module.id].repository}/{setting.profile}",
            tenant=tenant,
            value=value,
            origin=origin,
            detail=detail,
        )

    field, follows = setting.tenant_field, setting.follows_activation
    if field is not None:
        default = scope.default_tenant
        detail = f"{field} of {default.client_id}"
        yield entry(None, str(getattr(default, field)), Origin.TENANT, detail)
    elif follows is not None:
        yield entry(None, False, Origin.ACTIVATION, f"on where {follows} is active")
    else:
        value = default_in(setting, scope.settings.environment)
        yield entry(None, value, _default_origin(scope, setting), "")
    for tenant in scope.tenants:
        client_id = tenant.client_id
        if field is not None:
            detail = f"{field} of {client_id}"
            yield entry(client_id, str(getattr(tenant, field)), Origin.TENANT, detail)
        elif follows is not None:
            decision = scope.decisions[client_id][follows]
            runs = decision.state.runs
            yield entry(client_id, runs, Origin.ACTIVATION, f"{follows} is {decision.state}")
        elif setting.key in tenant.overrides:
            value = tenant.overrides[setting.key]
            yield entry(client_id, value, Origin.OVERRIDE, f"stacks/{client_id}.yaml")


def _entry(
    scope: Scope,
    module: Module,
    declaration: Parameter | Setting,
    *,
    key: str,
    store: Store,
    place: str,
    tenant: str | None,
    value: Scalar | None,
    origin: Origin,
    detail: str,
) -> Entry:
    default = origin in (Origin.CATALOGUE, Origin.ENVIRONMENT)
    given = declaration.default_provenance or declaration.provenance
    readers = declaration.readers
    return Entry(
        key=key,
        store=store,
        place=place,
        tenant=tenant,
        module=module.id,
        domain=scope.catalogue.domain_of[module.id].id,
        type=declaration.type,
        unit=declaration.unit,
        default=declaration.default,
        value=value,
        origin=origin,
        detail=detail,
        required=declaration.required,
        reload=declaration.reload,
        readers=(readers,) if isinstance(readers, str) else tuple(readers),
        why=declaration.why,
        name_provenance=declaration.provenance.value,
        value_provenance=given.value if default else "",
    )


def _activation_entries(scope: Scope) -> Iterator[Entry]:
    """The switches of the modules: one for each conditional module, off unless a tenant has it."""
    owner = next(d for d in scope.catalogue.domains if d.repository == ACTIVATION_APPLICATION)
    for module_id in switched_modules(scope):
        module = scope.catalogue.modules[module_id]
        base = Entry(
            key=f"{module_id}.enabled",
            store=Store.SETTING,
            place=f"{ACTIVATION_APPLICATION}/{ACTIVATION_PROFILE}",
            tenant=None,
            module=module_id,
            domain=owner.id,
            type=ValueType.BOOLEAN,
            unit=None,
            default=False,
            value=False,
            origin=Origin.ACTIVATION,
            detail="off unless a tenant has it active",
            required=True,
            reload=Reload.HOT,
            readers=(module_id,),
            why=f"Whether {module.title} runs for a tenant.",
            name_provenance="published",
            value_provenance="",
        )
        yield base
        for client_id, decisions in scope.decisions.items():
            decision = decisions[module_id]
            yield replace(
                base,
                tenant=client_id,
                value=decision.state is ActivationState.ACTIVE,
                detail=decision.reasons[0],
            )
