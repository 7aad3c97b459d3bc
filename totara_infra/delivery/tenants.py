"""What a tenant gets in an environment, where each value comes from, and how tenants differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from totara_infra.blueprint.app_config import ACTIVATION_PROFILE, profiles
from totara_infra.blueprint.parameters import value_of
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.secrets import needs
from totara_infra.delivery.placing import Placement
from totara_infra.local.project import project_root
from totara_infra.model.declarations import Parameter, Setting
from totara_infra.model.documents import read_document
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.naming import placeholders
from totara_infra.model.rules.places import Place, places
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import tenant_file
from totara_infra.model.values import as_text
from totara_infra.resolver import Decision, deployed_modules


@dataclass(frozen=True)
class TenantValue:
    """One value that a tenant gets.

    Attributes:
        name: key of the flag or setting, or path of the parameter.
        kind: `flag`, `setting` or `parameter`.
        value: as its readers get it.
        origin: `catalogue default`, `environment default`, `tenant`, `override` or `activation`.
        place: file and line that say so.
        module: the module that declares it.
        overridable: the tenant's file may set it.
    """

    name: str
    kind: str
    value: Any
    origin: str
    place: str
    module: str
    overridable: bool

    @property
    def text(self) -> str:
        """The value as one word of a table."""
        return as_text(self.value)


@dataclass(frozen=True)
class TenantSecret:
    """A secret without which a module of the tenant can't work.

    Attributes:
        path: its name in Secrets Manager.
        content: what is inside, in words.
        scope: `own`, or `shared` with the other tenants of the stack.
        module: the module that declares it.
        required: whether the module fails without it.
    """

    path: str
    content: str
    scope: str
    module: str
    required: bool


@dataclass(frozen=True)
class TenantView:
    """What a tenant gets in one environment."""

    loaded: LoadedCatalogue
    placement: Placement

    @property
    def tenant(self) -> Tenant:
        """The tenant."""
        return self.placement.tenant

    @cached_property
    def decisions(self) -> dict[str, Decision]:
        """Module id -> its activation."""
        return self.placement.decisions(self.loaded)

    @cached_property
    def values(self) -> list[TenantValue]:
        """Flags, settings and the tenant's own parameters, as the blueprint makes them.

        Settings of modules that don't run for the tenant are left out: nothing reads them for it.
        """
        return [*self._activation_flags(), *self._settings(), *self._parameters()]

    @cached_property
    def secrets(self) -> list[TenantSecret]:
        """The secrets of the modules that run for the tenant, where its jurisdictions use them."""
        return [
            TenantSecret(
                self._scope.fill(s.path, self.tenant.client_id),
                s.content,
                "own" if "client_id" in placeholders(s.path) else "shared",
                module.id,
                s.required,
            )
            for module in self.loaded.catalogue.modules.values()
            if self.decisions[module.id].state.runs
            for s in module.secrets
            if needs(self.tenant, s)
        ]

    def as_data(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "tenant": self.tenant.model_dump(mode="json"),
            "environment": self.placement.settings.environment.value,
            "stack": self.placement.stack,
            "modules": [decision_data(d) for d in self.decisions.values()],
            "values": [asdict(v) for v in self.values],
            "secrets": [asdict(s) for s in self.secrets],
        }

    @cached_property
    def _scope(self) -> Scope:
        placement, catalogue = self.placement, self.loaded.catalogue
        environment = placement.settings.environment
        active = frozenset(deployed_modules(catalogue, environment, placement.tenants))
        return Scope(catalogue, placement.settings, tuple(placement.tenants), active)

    @cached_property
    def _contents(self) -> dict[str, Any]:
        """Key -> effective value, from the very content that is uploaded to AppConfig."""
        found: dict[str, Any] = {}
        for domain in self.loaded.catalogue.domains:
            for profile in profiles(self._scope, domain):
                own = profile.content["tenants"][self.tenant.client_id]
                found |= {**profile.content["defaults"], **own}
        return found

    @cached_property
    def _places(self) -> dict[str, Place]:
        """Key of a setting, or path of a parameter, to where it is declared."""
        return {
            d.key if isinstance(d, Setting) else d.path: p
            for p in places(self.loaded)
            if isinstance(d := p.declaration, Setting | Parameter)
        }

    def _declared_at(self, name: str, *field: str) -> str:
        found = self._places[name]
        return f"{found.document.name}:{found.document.line((*found.location, *field))}"

    def _own_file(self, *field: str) -> str:
        root = project_root()
        document = read_document(tenant_file(root, self.tenant.client_id), root)
        return f"{document.name}:{document.line(field)}"

    def _condition_at(self, module_id: str) -> str:
        document = self.loaded.documents["tenancy"]
        for index, condition in enumerate(self.loaded.catalogue.tenancy.conditions):
            if module_id in condition.modules:
                position = condition.modules.index(module_id)
                line = document.line(("conditions", index, "modules", position))
                return f"{document.name}:{line}"
        return self.loaded.documents[self.loaded.catalogue.domain_of[module_id].id].name

    def _activation_flags(self) -> Iterator[TenantValue]:
        for domain in self.loaded.catalogue.domains:
            for profile in profiles(self._scope, domain):
                if profile.name == ACTIVATION_PROFILE:
                    for key, value in profile.content["tenants"][self.tenant.client_id].items():
                        module_id = key.removesuffix(".enabled")
                        yield TenantValue(
                            key, "flag", value, "activation", self._condition_at(module_id),
                            module_id, overridable=False,
                        )  # fmt: skip

    def _settings(self) -> Iterator[TenantValue]:
        for module in self.loaded.catalogue.modules.values():
            runs = self.decisions[module.id].state.runs
            for setting in module.settings:
                if setting.key in self._contents and (runs or setting.follows_activation):
                    origin, where = self._origin(setting)
                    yield TenantValue(
                        setting.key, setting.kind.value, self._contents[setting.key], origin, where,
                        module.id, setting.overridable,
                    )  # fmt: skip

    def _origin(self, setting: Setting) -> tuple[str, str]:
        key, environment = setting.key, self.placement.settings.environment
        if setting.tenant_field is not None:
            return "tenant", self._own_file(_written_as(setting.tenant_field))
        if setting.follows_activation is not None:
            return "activation", self._condition_at(setting.follows_activation)
        if key in self.tenant.overrides:
            return "override", self._own_file("overrides", key)
        if environment in setting.defaults:
            return "environment default", self._declared_at(key, "defaults", environment.value)
        return "catalogue default", self._declared_at(key, "default")

    def _parameters(self) -> Iterator[TenantValue]:
        for module in self.loaded.catalogue.modules.values():
            for parameter in module.parameters:
                if module.id not in self._scope.active or "client_id" not in placeholders(
                    parameter.path
                ):
                    continue
                value = value_of(self._scope, parameter, self.tenant)
                field = parameter.tenant_field
                yield TenantValue(
                    self._scope.fill(parameter.path, self.tenant.client_id),
                    "parameter",
                    value,
                    "tenant" if field else "catalogue default",
                    self._own_file(_written_as(field))
                    if field
                    else self._declared_at(parameter.path, "default"),
                    module.id,
                    overridable=False,
                )


def _written_as(field: str) -> str:
    """The key of a tenant's file behind a field of the model."""
    return "jurisdictions" if field == "jurisdiction" else field


def decision_data(decision: Decision) -> dict[str, Any]:
    """A decision as plain data."""
    return {
        "id": decision.id,
        "state": decision.state.value,
        "reasons": list(decision.reasons),
        "provenance": decision.provenance.value,
    }


@dataclass(frozen=True)
class TenantDifference:
    """Something that is not the same for two tenants.

    Attributes:
        kind: `tenant`, `module`, `flag`, `setting`, `parameter` or `secret`.
        name: what it is.
        first: how the first tenant has it; empty where it has none.
        second: how the second one has it.
    """

    kind: str
    name: str
    first: str
    second: str


def differences(first: TenantView, second: TenantView) -> list[TenantDifference]:
    """Where two tenants differ, by kind and name."""
    found: list[TenantDifference] = []
    mine, yours = _facts(first), _facts(second)
    for kind, name in dict.fromkeys([*mine, *yours]):
        here, there = mine.get((kind, name), ""), yours.get((kind, name), "")
        if here != there:
            found.append(TenantDifference(kind, name, here, there))
    order = ("tenant", "module", "flag", "setting", "parameter", "secret")
    return sorted(found, key=lambda d: (order.index(d.kind), d.name))


def _facts(view: TenantView) -> Mapping[tuple[str, str], str]:
    client_id = view.tenant.client_id
    facts: dict[tuple[str, str], str] = {}
    for field, value in view.tenant.model_dump(mode="json").items():
        if field in ("client_id", "overrides"):
            continue
        text = ", ".join(sorted(value)) if isinstance(value, list) else value
        facts["tenant", field] = text if isinstance(text, str) else json.dumps(text)
    for decision in view.decisions.values():
        facts["module", decision.id] = decision.state.value
    for v in view.values:
        if v.name == f"{v.module}.enabled":
            # A module's own switch says again what its state says.
            continue
        # The same parameter has another path for each tenant.
        facts[v.kind, v.name.replace(f"tenant-{client_id}", "tenant-{client_id}")] = v.text
    for secret in view.secrets:
        facts["secret", secret.path.replace(client_id, "{client_id}")] = "needed"
    return facts
