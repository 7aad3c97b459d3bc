"""What a blueprint costs in resources, API calls, minutes and money. Without AWS."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from totara_infra.blueprint.blueprint import Blueprint
from totara_infra.model.declarations import Model
from totara_infra.model.documents import parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.vocabulary import Day, Provenance, Sentence

PRICES = "prices.yaml"
TypeToken = Annotated[
    str, StringConstraints(pattern=r"^aws:[a-z0-9]+/[a-zA-Z0-9]+:[A-Z][A-Za-z0-9]+$")
]
"""Pulumi's name of a resource type, such as `aws:kms/key:Key`."""


class WriteQuota(Model):
    """How fast a service takes writes."""

    types: list[TypeToken] = Field(default_factory=list)
    """Type tokens that share the quota; all of the service if left out."""
    calls_a_resource: int = Field(ge=1)
    calls_a_second: float = Field(gt=0)
    calls_a_second_high_throughput: float | None = Field(default=None, gt=0)
    source: Sentence


class PriceTable(Model):
    """Content of `prices.yaml`: idle prices and write quotas, with their date."""

    as_of: Day
    provenance: Provenance
    monthly: dict[TypeToken, Annotated[float, Field(ge=0)]]
    """Type token -> US dollars a month for one that nobody uses."""
    writes: dict[str, WriteQuota]


@dataclass(frozen=True)
class ServiceLoad:
    """Writes of a first update to one service.

    Attributes:
        minutes: least time that the quota allows, with the normal rate.
        minutes_high: the same with high throughput switched on, where the service has it.
    """

    service: str
    calls: int
    rate: float
    minutes: float
    minutes_high: float
    source: str


@dataclass(frozen=True)
class Estimate:
    """Counts, loads and idle cost of an environment.

    Attributes:
        by_type, by_phase, by_step: number of resources.
        loads: services with a write quota, slowest first.
        roll_out: minutes that the roll-outs of configuration take one after another, where every
            profile is deployed: AppConfig runs one at a time in an environment, and each phase
            waits for its own.
        monthly: US dollars a month without any use.
        priced_at: date of the price table.
    """

    resources: int
    by_type: dict[str, int]
    by_phase: dict[int, int]
    by_step: dict[str, int]
    loads: tuple[ServiceLoad, ...]
    roll_out: float
    monthly: float
    priced_at: str

    @property
    def minutes(self) -> float:
        """Least minutes of a first update: calls and roll-outs run beside each other."""
        return max([*(load.minutes for load in self.loads), self.roll_out])

    @property
    def minutes_high(self) -> float:
        """The same with high throughput where there is such a setting."""
        return max([*(load.minutes_high for load in self.loads), self.roll_out])


def read_prices(directory: Path = CATALOGUE_DIRECTORY) -> PriceTable:
    """The packaged price table."""
    root = directory.resolve().parent.parent
    return parse(read_document(directory / PRICES, root), PriceTable)


def estimate(blueprint: Blueprint, prices: PriceTable) -> Estimate:
    """Estimate a first update of an environment and what it costs idle."""
    resources = list(blueprint.resources.values())
    by_type = Counter(r.type for r in resources)
    by_service = Counter(r.service for r in resources)
    loads = []
    for service, quota in prices.writes.items():
        resources_of_it = sum(by_type[t] for t in quota.types) or by_service[service]
        calls = resources_of_it * quota.calls_a_resource
        high = quota.calls_a_second_high_throughput or quota.calls_a_second
        loads.append(
            ServiceLoad(
                service,
                calls,
                quota.calls_a_second,
                calls / quota.calls_a_second / 60,
                calls / high / 60,
                quota.source,
            )
        )
    return Estimate(
        resources=len(resources),
        by_type=dict(by_type.most_common()),
        by_phase=dict(sorted(Counter(blueprint.phase_of(r.step) for r in resources).items())),
        by_step={step: len(rs) for step, rs in blueprint.steps.items()},
        loads=tuple(sorted(loads, key=lambda load: -load.minutes)),
        roll_out=_roll_out_minutes(blueprint),
        monthly=sum(by_type[kind] * price for kind, price in prices.monthly.items()),
        priced_at=prices.as_of.isoformat(),
    )


def _roll_out_minutes(blueprint: Blueprint) -> float:
    settings = blueprint.scope.settings
    each = settings.roll_out_minutes + settings.roll_out_bake_minutes
    queued = Counter(
        (blueprint.phase_of(r.step), r.step)
        for r in blueprint.resources.values()
        if r.shape == "Deployment"
    )
    longest: dict[int, int] = {}
    for (phase, _), count in queued.items():
        longest[phase] = max(longest.get(phase, 0), count)
    return float(each * sum(longest.values()))
