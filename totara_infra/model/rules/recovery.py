"""Rules of the scenarios of disaster recovery, held against the rest of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import Document, Location
from totara_infra.model.problems import Problem
from totara_infra.model.recovery import RecoveryPlan, Scenario
from totara_infra.model.runbook import step_problems


@dataclass(frozen=True)
class Names:
    """Names that scenarios may use, because something stands behind each."""

    probes: Set[str]
    proofs: Set[str]
    stand_ins: Set[str]
    preparations: Set[str]
    faults: Set[str]
    acceptances: Set[str]


def recovery_problems(
    catalogue: Catalogue, names: Names, document: Document, plan: RecoveryPlan
) -> list[Problem]:
    """What is wrong between the scenarios, the catalogue and what there is code for.

    Args:
        catalogue: validated.
        names: what there is code for.
        document: the file.
        plan: its content.
    """
    problems = [
        *_tier_problems(catalogue, document, plan),
        *_twice(document, ("scenarios",), [s.id for s in plan.scenarios], "scenario"),
    ]
    for index, scenario in enumerate(plan.scenarios):
        problems += _scenario_problems(names, document, ("scenarios", index), scenario)
    return problems


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
