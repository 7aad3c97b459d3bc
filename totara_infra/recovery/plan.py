"""The runbook of a scenario for one environment, and whether it is quick enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from totara_infra.delivery.runbooks import critical_path
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.recovery import (
    RecoveryPlan,
    RecoveryStep,
    Scenario,
    Tier,
    affected,
    tiers,
)
from totara_infra.model.rules.stores import StoreLoss, store_loss
from totara_infra.recovery.record import DrillRecord, measured


@dataclass(frozen=True)
class TimedStep:
    """A step with the time that is expected of it.

    Attributes:
        minutes: measured in the last drill for the program's steps, else as stated.
        measured: whether it was.
    """

    step: RecoveryStep
    minutes: float
    measured: bool


@dataclass(frozen=True)
class TieredTime:
    """A tier, and whether the way back is quick enough for it."""

    tier: Tier
    hours: float

    @property
    def missed(self) -> bool:
        """Whether its modules are back too late."""
        return self.hours > self.tier.target.recovery_time_hours


@dataclass(frozen=True)
class Plan:
    """The way back with its times.

    Attributes:
        steps: in order.
        path: ids of the steps of the critical path.
        tiers: those that the scenario affects, the shortest recovery time first.
        losses: stores that lose more than they may. They do not fail the plan: no step of it could
            change where a provider keeps its copies.
        drill: the one whose times are used.
    """

    scenario: Scenario
    steps: Sequence[TimedStep]
    path: Sequence[str]
    tiers: Sequence[TieredTime]
    losses: Sequence[StoreLoss]
    drill: DrillRecord | None

    @property
    def sum_hours(self) -> float:
        """All steps one after the other: measured where measured, else as stated."""
        return sum(s.minutes for s in self.steps) / 60

    @property
    def stated_hours(self) -> float:
        """All steps one after the other, as stated."""
        return sum(s.step.minutes for s in self.steps) / 60

    @property
    def path_hours(self) -> float:
        """The critical path: as short as any number of people can make it."""
        return sum(s.minutes for s in self.steps if s.step.id in self.path) / 60

    @property
    def missed(self) -> bool:
        """Whether a tier is back too late."""
        return any(t.missed for t in self.tiers)


def plan_of(
    catalogue: Catalogue,
    recovery: RecoveryPlan,
    scenario: Scenario,
    deployed: AbstractSet[str],
    drill: DrillRecord | None,
) -> Plan:
    """The way back from a scenario with the times of the last drill.

    An emulator is quicker than AWS. So a tier is compared with the longer of two sums: the steps
    as stated, and the same with the measured times of the program in place of the stated ones.

    Args:
        catalogue: with the recovery targets of the domains.
        recovery: the scenarios.
        scenario: one of them.
        deployed: ids of the modules of the environment.
        drill: the newest one that was complete.
    """
    times = measured(drill)
    steps = [
        TimedStep(step, times.get(step.id, step.minutes), step.id in times)
        for step in scenario.steps
    ]
    timed = [s.step.model_copy(update={"minutes": s.minutes}) for s in steps]
    path = [s.id for s in critical_path(timed)]
    hours = max(sum(s.minutes for s in steps), sum(s.minutes for s in scenario.steps)) / 60
    down = affected(catalogue, scenario) & deployed
    tiered = [TieredTime(t, hours) for t in tiers(catalogue, recovery, down)]
    return Plan(scenario, steps, path, tiered, list(_losses(catalogue, scenario, down)), drill)


def _losses(
    catalogue: Catalogue, scenario: Scenario, down: AbstractSet[str]
) -> Iterator[StoreLoss]:
    stores = catalogue.stores
    if stores is None or scenario.loses is None:
        return
    for store in stores.stores:
        if store.owner not in down or store.accepted_loss is not None:
            continue
        found = store_loss(catalogue, stores, store, scenario.loses)
        if found is not None:
            yield found
