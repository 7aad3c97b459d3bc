"""One look at an environment, shared by the checks: what they are to look at, and how it differs.

Everything that can be held against the blueprint is compared once, by the same readers as drift;
the checks add what only shows when a thing is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from totara_infra.blueprint import Blueprint, PlannedResource
from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.blueprint.secrets import TYPE as SECRET
from totara_infra.model.naming import placeholders
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import StackSettings
from totara_infra.operations.checks.result import Result, failed, passed
from totara_infra.operations.drift import parameters
from totara_infra.operations.drift.detection import compare, reading_of
from totara_infra.operations.drift.meaning import Difference
from totara_infra.operations.drift.reading import Reading, key_of
from totara_infra.operations.drift.report import Drift, Kind, NotRead
from totara_infra.operations.drift.table import READERS
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.inventory import Entry, entries

T = TypeVar("T")
S = TypeVar("S")

_LONGEST = 160
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Extent:
    """Which part of an environment is looked at.

    Attributes:
        phases: ids of phases; None for all.
        tenant: client id of the only tenant that counts, with what it shares with others; None
            for all.
        gates: the phases' gates have been written; while one is being passed, it has not.
    """

    phases: frozenset[int] | None = None
    tenant: str | None = None
    gates: bool = True


WHOLE = Extent()


class Inspection:
    """One look at an environment, or at a part of it.

    Attributes:
        live: access to it.
        blueprint: what must be there.
        extent: the part.
    """

    def __init__(self, reading: Reading, extent: Extent) -> None:
        self.live: Live = reading.live
        self.blueprint: Blueprint = reading.blueprint
        self.extent = extent
        self._reading = reading

    @property
    def settings(self) -> StackSettings:
        """Settings of the stack."""
        return self.blueprint.scope.settings

    def client(self, service: str) -> Any:
        """A client by boto3's name of the service."""
        return self.live.client(service)

    def each(self, function: Callable[[S], T], items: Iterable[S]) -> list[T]:
        """Call AWS for each item, many side by side; the results in the order of the items."""
        return self._reading.each(function, items)

    def covers(self, step: str) -> bool:
        """Whether a step lies in the part that is looked at, and the tenant needs it."""
        phases, tenant = self.extent.phases, self.extent.tenant
        if phases is not None and self.blueprint.phase_of(step) not in phases:
            return False
        if tenant is None or step not in self.blueprint.sequence.module:
            return True
        return self.blueprint.scope.decisions[tenant][step].state.runs

    @cached_property
    def resources(self) -> dict[str, PlannedResource]:
        """What is looked at, by logical name."""
        return {
            resource.name: resource
            for step, resources in self.blueprint.steps.items()
            if self.covers(step)
            for resource in resources
            if resource.properties.get("name") not in self._others
        }

    def of_shape(self, *shapes: str) -> list[PlannedResource]:
        """Resources that are looked at, by the last word of their type."""
        return [r for r in self.resources.values() if r.shape in shapes]

    @cached_property
    def secrets(self) -> dict[str, Entry]:
        """The secrets that are looked at, by path."""
        known = entries(self.blueprint)
        paths = [r.properties["name"] for r in self.resources.values() if r.type == SECRET]
        # A container at a former path is no secret of its own.
        return {path: known[path] for path in paths if path in known}

    @cached_property
    def _others(self) -> frozenset[str]:
        """Names of parameters and secrets that only other tenants need."""
        tenant, scope = self.extent.tenant, self.blueprint.scope
        if tenant is None:
            return frozenset()
        paths = [
            p.path
            for m in scope.catalogue.modules.values()
            for p in m.parameters
            if "client_id" in placeholders(p.path)
        ]
        foreign = [t.client_id for t in scope.tenants if t.client_id != tenant]
        named = {scope.fill(path, client_id) for path in paths for client_id in foreign}
        secret = {p for p, e in entries(self.blueprint).items() if tenant not in e.tenants}
        return frozenset(named | secret)

    def compared(
        self, titles: dict[str, str], *, kinds: frozenset[str] | None = None
    ) -> Iterator[Result]:
        """Hold resources against the blueprint.

        Args:
            titles: type token -> what its check is called.
            kinds: only resources of these kinds, see `PlannedResource`; all where it is left out.
        """
        drifts, not_read = self._differences
        for entry in not_read:
            token = entry.subject.split(" ")[0]
            if token in titles:
                yield failed(
                    titles[token],
                    entry.subject,
                    "an answer",
                    entry.reason,
                    "Check credentials, rights and network, then run it again.",
                )
        silent = {entry.subject for entry in not_read}
        for resource in self.resources.values():
            wanted = kinds is None or resource.kind in kinds
            if resource.type not in titles or resource.type in silent or not wanted:
                continue
            drift = drifts.get(resource.name)
            subject = key_of(resource, self.blueprint, READERS)
            title = titles[resource.type]
            yield (
                passed(title, subject)
                if drift is None
                else _complaint(title, subject, drift, resource)
            )

    @cached_property
    def _comparable(self) -> frozenset[str]:
        return frozenset(
            name
            for name, resource in self.resources.items()
            if resource.shape not in ROLLED_OUT
            and not (resource.type == PARAMETER and resource.kind in _NOT_COMPARED)
            and (self.extent.gates or resource.kind != "gate")
        )

    @property
    def _differences(self) -> tuple[dict[str, Drift], list[NotRead]]:
        return self._reading.once("checks-differences", self._compare)

    def _compare(self) -> tuple[dict[str, Drift], list[NotRead]]:
        chosen = self._comparable
        names = [
            self.resources[n].properties["name"]
            for n in sorted(chosen)
            if self.resources[n].type == PARAMETER
        ]
        readers = {**READERS, PARAMETER: parameters.value_reader(names)}
        drifts, not_read, _ = compare(
            self._reading, self.settings.stack, names=chosen, readers=readers
        )
        return {d.resource: d for d in drifts}, not_read


ROLLED_OUT = frozenset({"Deployment", "HostedConfigurationVersion"})
"""Shapes that are judged by what AppConfig serves."""
_NOT_COMPARED = frozenset({"app_config"})
"""Kinds of parameters that hold numbers which AWS gives."""


@contextmanager
def inspect(live: Live, blueprint: Blueprint, extent: Extent = WHOLE) -> Iterator[Inspection]:
    """Look at an environment; the threads end with the block.

    Raises:
        UsageError: it has no such phase or tenant.
    """
    known = {p.id for p in blueprint.sequence.phases}
    if strange := (extent.phases or frozenset()) - known:
        raise UsageError(
            f"There is no phase {min(strange)} in {blueprint.scope.env}. "
            f"Write one of {', '.join(str(p) for p in sorted(known))}."
        )
    tenants = [t.client_id for t in blueprint.scope.tenants]
    if extent.tenant is not None and extent.tenant not in tenants:
        raise UsageError(
            f"Stack `{blueprint.scope.settings.stack}` has no tenant `{extent.tenant}`. "
            f"Write one of {', '.join(tenants)}."
        )
    with reading_of(live, blueprint) as reading:
        yield Inspection(reading, extent)


def _complaint(title: str, subject: str, drift: Drift, resource: PlannedResource) -> Result:
    back = drift.way_back.removeprefix(f"{drift.resource}: ")
    fix = f"Run {back}" if back.endswith(".") or ". " in back else f"Run {back}."
    if drift.kind is Kind.MISSING:
        value = resource.properties.get("insecure_value")
        wanted = _short(value) if isinstance(value, str) else "to be there"
        return failed(title, subject, wanted, "nothing", fix)
    expected = "; ".join(_shown(d, d.expected) for d in drift.differences)
    found = "; ".join(_shown(d, d.found) for d in drift.differences)
    return failed(title, subject, expected, found, fix)


def _shown(difference: Difference, value: Any) -> str:
    # A parameter is its value.
    return (
        _short(value)
        if difference.path == "insecure_value"
        else (f"{difference.path} = {_short(value)}")
    )


def _short(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
