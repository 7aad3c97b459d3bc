"""Disaster recovery: scenarios with what points to them, what is decided, and the way back.

A domain's own recovery target stands in its file; a module whose tier is another is named here.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field

from totara_infra.model.catalogue import Catalogue, RecoveryTarget
from totara_infra.model.declarations import Model
from totara_infra.model.runbook import Performer, Step
from totara_infra.model.stores import Loss
from totara_infra.model.vocabulary import (
    DomainId,
    ModuleId,
    Phrase,
    Provenance,
    Sentence,
    Slug,
)

FILE = "recovery.yaml"


class ModuleTier(Model):
    """Modules that must be back sooner, or may be back later, than the rest of their domain."""

    modules: list[ModuleId] = Field(min_length=1)
    target: RecoveryTarget
    why: Sentence


class Role(Model):
    """Who does what while an incident lasts."""

    performer: Performer
    duties: list[Sentence] = Field(min_length=1)
    provenance: Provenance


class Contact(Model):
    """A regulator, and when it is told."""

    name: Phrase
    when: Sentence
    performer: Performer
    """Who tells it."""
    provenance: Provenance


class Indicator(Model):
    """One thing that shows that the scenario has come about; a probe reads it."""

    id: Slug
    title: Phrase
    probe: Slug
    """What reads it; scenarios may share one."""
    why: Sentence
    stays: bool = False
    """It tells of what has happened, and does not go back when all is well again."""
    not_drilled: Sentence | None = None
    """Why a drill can't show it."""
    provenance: Provenance = Provenance.ASSUMED


class Option(Model):
    """One answer to a question."""

    choice: Phrase
    consequence: Sentence


class Decision(Model):
    """A question that somebody must answer before it goes on."""

    id: Slug
    question: str = Field(pattern=r"\?$")
    decides: Performer
    minutes: int = Field(ge=1)
    """By when, counted from the declaration."""
    options: list[Option] = Field(min_length=2)
    provenance: Provenance = Provenance.ASSUMED


class RecoveryStep(Step):
    """One step of a way back."""

    stand_in: Slug | None = None
    """What plays the people's part in a drill. Without one, a drill counts their minutes only."""


class EvidenceItem(Model):
    """What the record of an incident must hold."""

    title: Phrase
    shown_by: Slug
    """Proof of the step that brings it."""
    provenance: Provenance = Provenance.ASSUMED


class Drill(Model):
    """How the scenario is rehearsed."""

    prepare: list[Slug] = Field(default_factory=list)
    """What is kept of the healthy environment, to be compared afterwards."""
    faults: list[Slug] = Field(min_length=1)
    accept: list[Slug] = Field(min_length=1)
    """What must hold at the end, beside quiet indicators and the post-deployment checklist."""
    ends_on: Literal["env", "recovery"] = "env"
    """Which stack is well at the end: this one, or the one that stands in for it."""
    not_proved: list[Sentence] = Field(min_length=1)
    """What a drill on an emulator says nothing of."""


class Scenario(Model):
    """One kind of disaster, and the way back."""

    id: Slug
    title: Phrase
    what: Sentence
    affects: Literal["all"] | list[DomainId]
    """Domains that are down until the last step is done."""
    loses: Loss | None = None
    """What their stores go through; nothing where the content of all is still there."""
    indicators: list[Indicator] = Field(min_length=1)
    decisions: list[Decision] = Field(min_length=1)
    steps: list[RecoveryStep] = Field(min_length=1)
    evidence: list[EvidenceItem] = Field(min_length=1)
    drill: Drill
    provenance: Provenance


class RecoveryPlan(Model):
    """Content of `recovery.yaml`."""

    module_tiers: list[ModuleTier] = Field(default_factory=list)
    roles: list[Role] = Field(min_length=1)
    contacts: list[Contact] = Field(default_factory=list)
    drill_months: int = Field(ge=1)
    """Each scenario is drilled once in so many months."""
    scenarios: list[Scenario] = Field(min_length=1)

    @cached_property
    def by_id(self) -> dict[str, Scenario]:
        """The scenarios by id."""
        return {s.id: s for s in self.scenarios}


@dataclass(frozen=True)
class Tier:
    """Modules that must be back within one time."""

    target: RecoveryTarget
    modules: tuple[str, ...]


def tiers(catalogue: Catalogue, plan: RecoveryPlan, modules: Set[str]) -> list[Tier]:
    """The modules by recovery target, the shortest first.

    Args:
        catalogue: with the domains' targets.
        plan: with the modules whose target is another.
        modules: ids of those that count.
    """
    own = {m: t.target for t in plan.module_tiers for m in t.modules}
    grouped: dict[tuple[int, int, str], list[str]] = {}
    targets: dict[tuple[int, int, str], RecoveryTarget] = {}
    for module_id in catalogue.modules:
        if module_id not in modules:
            continue
        target = own.get(module_id, catalogue.domain_of[module_id].recovery)
        key = (target.recovery_time_hours, target.recovery_point_hours, target.tier)
        grouped.setdefault(key, []).append(module_id)
        targets.setdefault(key, target)
    return [Tier(targets[key], tuple(grouped[key])) for key in sorted(grouped)]


def affected(catalogue: Catalogue, scenario: Scenario) -> set[str]:
    """Ids of the modules that are down in a scenario."""
    domains = {d.id for d in catalogue.domains}
    named = domains if scenario.affects == "all" else set(scenario.affects)
    return {m for m, d in catalogue.domain_of.items() if d.id in named}
