"""The catalogue: eight domains with their modules and declarations, the sequence, the tenancy."""

from __future__ import annotations

from functools import cached_property
from graphlib import TopologicalSorter

from pydantic import Field

from totara_infra.model.alerts import AlertPlan
from totara_infra.model.declarations import (
    Claim,
    Model,
    Parameter,
    Resource,
    Secret,
    Setting,
)
from totara_infra.model.stores import StoreCatalogue
from totara_infra.model.tenancy import Tenancy
from totara_infra.model.vocabulary import (
    DomainId,
    Environment,
    ModuleId,
    Phrase,
    Provenance,
    Sentence,
    Slug,
)


class Dependency(Model):
    """An edge: this module reads something of the other while it deploys."""

    module: ModuleId
    required: bool = True
    """Hard: the other must be deployed. Optional ones order the two only when both are active."""
    provenance: Provenance
    reason: Sentence
    """What is read at deploy time."""


class Module(Model):
    """The unit of deployment."""

    id: ModuleId
    title: Phrase
    slug: Slug
    service: Slug
    """The `{service}` segment of the module's parameter paths."""
    purpose: Sentence
    assumed: list[str] = Field(default_factory=list)
    """Fields of this module that the reference does not give: `title`, `slug`, `service`, …"""
    environments: list[Environment] = Field(default_factory=lambda: list(Environment))
    """Where the module exists at all."""
    depends_on: list[Dependency] = Field(default_factory=list)
    dependency_note: Sentence | None = None
    """Why it needs nothing, or nothing more, where the reference leaves its edges open."""
    parameters: list[Parameter] = Field(default_factory=list)
    secrets: list[Secret] = Field(default_factory=list)
    settings: list[Setting] = Field(default_factory=list)
    resources: list[Resource] = Field(default_factory=list)
    relies_on_claims: list[str] = Field(default_factory=list)
    """Claims of the sign-in tokens without which it can't work, beside those that name it
    themselves under `relied_on_by`."""

    @property
    def number(self) -> int:
        """The digits of the id."""
        return int(self.id.removeprefix("MOD-"))


class RecoveryTarget(Model):
    """How long a domain may be down, and how much it may lose."""

    tier: Phrase
    recovery_time_hours: int = Field(ge=1)
    recovery_point_hours: int = Field(ge=1)
    provenance: Provenance


class Domain(Model):
    """One of the eight system domains, with all that belongs to it."""

    id: DomainId
    title: Phrase
    slug: Slug
    repository: Slug
    """Name of its repository and of its AppConfig application."""
    path_segment: Slug
    """The `{domain}` segment of its secret paths."""
    database: str
    event_bus: Slug
    owner: str | None = None
    recovery: RecoveryTarget
    constraints: list[Sentence] = Field(default_factory=list)
    assumed: list[str] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
    modules: list[Module]


class Phase(Model):
    """An ordered group of modules that ends in a gate."""

    id: int = Field(ge=1)
    title: Phrase
    why: Sentence
    steps: list[list[ModuleId]] = Field(default_factory=list)
    """Groups that the handbook orders inside the phase; each waits for the one before."""
    domains: list[DomainId] = Field(default_factory=list)
    """Every module of these domains that no other phase names."""
    modules: list[ModuleId] = Field(default_factory=list)
    pinned: list[ModuleId] = Field(default_factory=list)
    """Modules that are never pulled into an earlier phase."""
    provenance: Provenance


class OrderingRule(Model):
    """An order between groups that the handbook states; kept by the phases, never an edge."""

    id: str
    before: list[ModuleId | DomainId]
    after: list[ModuleId | DomainId]
    excluding: list[ModuleId] = Field(default_factory=list)
    """Modules of those domains that the rule does not bind."""
    reason: Sentence
    provenance: Provenance


class SequencePlan(Model):
    """Content of `sequence.yaml`."""

    phases: list[Phase]
    rules: list[OrderingRule]


class Catalogue(Model):
    """Everything that the catalogue files say, after validation."""

    domains: list[Domain]
    sequence: SequencePlan
    tenancy: Tenancy
    alerts: AlertPlan | None = None
    """None where the catalogue has no `alerts.yaml`: then nothing is watched."""
    stores: StoreCatalogue | None = None
    """None where the catalogue has no `stores.yaml`: then AWS Backup backs nothing up."""

    @cached_property
    def modules(self) -> dict[str, Module]:
        """All modules by id, in the order of their ids."""
        found = {m.id: m for d in self.domains for m in d.modules}
        return dict(sorted(found.items()))

    @cached_property
    def dependencies_first(self) -> tuple[str, ...]:
        """All module ids, each after those of its dependencies. Computed once for all tenants."""
        edges = {
            i: [d.module for d in m.depends_on if d.module in self.modules]
            for i, m in self.modules.items()
        }
        return tuple(TopologicalSorter(edges).static_order())

    @cached_property
    def domain_of(self) -> dict[str, Domain]:
        """The domain of each module id."""
        return {m.id: d for d in self.domains for m in d.modules}

    @cached_property
    def domain(self) -> dict[str, Domain]:
        """The domains by id."""
        return {d.id: d for d in self.domains}
