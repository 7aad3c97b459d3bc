"""Licence options and activation conditions (`tenancy.yaml`), tenants (`stacks/*.yaml`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from totara_infra.model.declarations import Model, Scalar
from totara_infra.model.vocabulary import (
    SLUG,
    Day,
    InstitutionType,
    Jurisdiction,
    ModuleId,
    Phrase,
    Provenance,
    Sentence,
    Slug,
    TenantStatus,
)


class Switch(StrEnum):
    """How a module that is off shows itself at run time."""

    NONE = "none"
    """Always on: no key."""
    ACTIVATION = "activation"
    """Key `{module}.enabled` of the profile `module-activation`."""


class LicenceOption(Model):
    """Something a client can license beyond the core."""

    id: Slug
    title: Phrase
    why: Sentence
    provenance: Provenance
    jurisdictions: list[Jurisdiction] = Field(default_factory=lambda: list(Jurisdiction))
    """Where the option can be licensed: at least one must lie in the tenant's licence."""
    institution_types: list[InstitutionType] = Field(default_factory=lambda: list(InstitutionType))
    needs_sponsor_bank: bool = False
    """A tenant with this option names the bank that sponsors its access."""
    sponsor_bank: str | None = None
    """The only sponsor that the reference names for it, if any."""
    needs_options: list[Slug] = Field(default_factory=list)
    """Options without which this one can't be licensed."""


class Condition(Model):
    """When a module is active for a tenant. All that is given must hold."""

    modules: list[ModuleId]
    jurisdiction: Jurisdiction | None = None
    institution_type: InstitutionType | None = None
    options: list[Slug] = Field(default_factory=list)
    """Every one of these must be licensed."""
    reason: Sentence
    provenance: Provenance


class AlwaysOn(Model):
    """Modules without a switch."""

    modules: list[ModuleId]
    reason: Sentence
    provenance: Provenance


class Tenancy(Model):
    """Content of `tenancy.yaml`."""

    options: list[LicenceOption]
    always_on: list[AlwaysOn]
    conditions: list[Condition]
    unconditional_reason: Sentence
    """Why a module with neither condition nor place in the always-on list is active."""

    def option(self, option_id: str) -> LicenceOption | None:
        """The licence option of that id, if there is one."""
        return next((o for o in self.options if o.id == option_id), None)


class Tenant(Model):
    """A client institution: one file in `stacks/`.

    What the catalogue has to know to judge it (options, modules, settings, and how long the client
    id may be) is plain text here and checked by `totara_infra.resolver.licences`.
    """

    client_id: Annotated[str, StringConstraints(pattern=SLUG.pattern)]
    """Lower-case words joined by hyphens; as long as the names that it enters allow."""
    display_name: Phrase
    status: TenantStatus
    institution_type: InstitutionType
    jurisdictions: list[Jurisdiction] = Field(min_length=1)
    options: list[str] = Field(default_factory=list)
    """Licence options, as `tenancy.yaml` lists them."""
    sponsor_banks: dict[str, Phrase] = Field(default_factory=dict)
    """Licence option -> the sponsor bank through which it reaches the rail."""
    modules: list[str] = Field(default_factory=list)
    """Modules licensed by name: an unmet condition is then an error instead of `off`."""
    isolated: bool = False
    """Runs in a stack and AWS account of its own."""
    leaves_on: Day | None = None
    """Last day of service, once notice has been given."""
    closed_on: Day | None = None
    """Day on which it was closed, from which retention counts; `totara tenant status` writes it."""
    overrides: dict[str, Scalar] = Field(default_factory=dict)
    """Setting key -> value, for settings that the catalogue marks as overridable."""

    @property
    def jurisdiction(self) -> str:
        """`NZ`, `AU` or `NZ+AU`, as the profile `deployment` writes it."""
        return "+".join(j for j in ("NZ", "AU") if j in self.jurisdictions)
