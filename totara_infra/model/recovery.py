"""Disaster recovery: scenarios with what points to them, what is decided, and the way back.

A domain's own recovery target stands in its file; a module whose tier is another is named here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from totara_infra.model.catalogue import Catalogue, RecoveryTarget
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, Location, parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.runbook import Performer, Step, step_problems
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


@dataclass(frozen=True)
class Names:
    """Names that scenarios may use, because something stands behind each."""

    probes: Set[str]
    proofs: Set[str]
    stand_ins: Set[str]
    preparations: Set[str]
    faults: Set[str]
    acceptances: Set[str]


def read_recovery(
    catalogue: Catalogue, names: Names, directory: Path = CATALOGUE_DIRECTORY
) -> RecoveryPlan:
    """Read the scenarios and hold them against the rest of the catalogue.

    Args:
        catalogue: validated.
        names: what there is code for.
        directory: folder with `recovery.yaml`.

    Raises:
        ProblemsError: every fault at once.
    """
    document = read_document(directory / FILE, directory.resolve().parent.parent)
    plan = parse(document, RecoveryPlan)
    problems = [
        *_tier_problems(catalogue, document, plan),
        *_twice(document, ("scenarios",), [s.id for s in plan.scenarios], "scenario"),
    ]
    for index, scenario in enumerate(plan.scenarios):
        problems += _scenario_problems(names, document, ("scenarios", index), scenario)
    if problems:
        raise ProblemsError(problems)
    return plan


def _tier_problems(
    catalogue: Catalogue, document: Document, plan: RecoveryPlan
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, tier in enumerate(plan.module_tiers):
        for number, module_id in enumerate(tier.modules):
            here = ("module_tiers", index, "modules", number)
            if module_id not in catalogue.modules:
                yield document.problem(
                    here,
                    "unknown-module",
                    f"a recovery target names {module_id}",
                    "no domain declares that module",
                    "correct the id",
                    module_id,
                )
            elif module_id in seen:
                yield document.problem(
                    here,
                    "tier-twice",
                    f"{module_id} has two recovery targets",
                    "nobody could tell by when it must be back",
                    "remove it from one of the two",
                    module_id,
                )
            elif catalogue.domain_of[module_id].recovery == tier.target:
                yield document.problem(
                    here,
                    "tier-same",
                    f"{module_id} has the recovery target of its domain",
                    "it has that anyway",
                    "remove it here",
                    module_id,
                )
            seen.add(module_id)


def _twice(
    document: Document, location: Location, ids: list[str], kind: str, subject: str = ""
) -> Iterator[Problem]:
    for index, name in enumerate(ids):
        if name in ids[:index]:
            yield document.problem(
                (*location, index, "id"),
                f"{kind}-twice",
                f"two {kind}s are called `{name}`",
                "commands and records name them by their id",
                "give one of them another id",
                subject,
            )


def _scenario_problems(
    names: Names, document: Document, here: Location, scenario: Scenario
) -> Iterator[Problem]:
    indicators = [i.id for i in scenario.indicators]
    yield from _twice(document, (*here, "indicators"), indicators, "indicator", scenario.id)
    yield from step_problems(document, (*here, "steps"), scenario.steps, names.proofs)
    if all(i.not_drilled for i in scenario.indicators):
        yield document.problem(
            (*here, "indicators"),
            "indicator-drilled",
            f"no drill of `{scenario.id}` can show one of its indicators",
            "then nobody knows whether they would tell",
            "leave `not_drilled` out of one that its faults raise",
            scenario.id,
        )
    for location, kind, name, known in _named(names, here, scenario):
        if name not in known:
            yield document.problem(
                location,
                f"recovery-{kind}",
                f"`{scenario.id}` names the {kind.replace('-', ' ')} `{name}`",
                "there is nothing of that name behind it",
                f"write one of {', '.join(sorted(known))}",
                scenario.id,
            )
    for index, step in enumerate(scenario.steps):
        if step.stand_in is not None and not step.by_people:
            yield document.problem(
                (*here, "steps", index, "stand_in"),
                "recovery-stand-in",
                f"step `{step.id}` is the program's and has a stand-in",
                "a drill takes the program's own steps itself",
                "remove `stand_in`",
                scenario.id,
            )


def _named(
    names: Names, here: Location, scenario: Scenario
) -> Iterator[tuple[Location, str, str, Set[str]]]:
    for index, indicator in enumerate(scenario.indicators):
        place = (*here, "indicators", index, "probe")
        yield place, "probe", indicator.probe, names.probes
    for index, step in enumerate(scenario.steps):
        if step.stand_in is not None:
            place = (*here, "steps", index, "stand_in")
            yield place, "stand-in", step.stand_in, names.stand_ins
    for index, item in enumerate(scenario.evidence):
        yield (*here, "evidence", index, "shown_by"), "evidence", item.shown_by, names.proofs
    drill = scenario.drill
    lists: Mapping[str, tuple[str, list[str], Set[str]]] = {
        "prepare": ("preparation", drill.prepare, names.preparations),
        "faults": ("fault", drill.faults, names.faults),
        "accept": ("acceptance", drill.accept, names.acceptances),
    }
    for key, (kind, chosen, known) in lists.items():
        for index, name in enumerate(chosen):
            yield (*here, "drill", key, index), kind, name, known
