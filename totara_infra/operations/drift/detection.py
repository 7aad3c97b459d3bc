"""Live AWS against the blueprint, without state or engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint, PlannedResource, Reference
from totara_infra.blueprint.resource import references
from totara_infra.operations.drift.authors import attributed
from totara_infra.operations.drift.meaning import differences
from totara_infra.operations.drift.outputs import UnknownOutputError, resolved
from totara_infra.operations.drift.reading import Reading, Thing, TypeReader, key_of
from totara_infra.operations.drift.report import Drift, Kind, NotRead, Report
from totara_infra.operations.drift.table import READERS
from totara_infra.operations.live import Live


def find_drift(live: Live, blueprint: Blueprint, stack: str, *, authors: bool = True) -> Report:
    """Compare an environment with its blueprint. Reads only.

    Args:
        live: the environment.
        blueprint: what must be there.
        stack: the engine's name of it, for the way back.
        authors: ask CloudTrail who changed what has drifted.

    Returns:
        Every missing, changed and unexpected thing, and what could not be looked at. A type that
        can't be read (no permission, say) is named there with the reason.
    """
    started = time.monotonic()
    with reading_of(live, blueprint) as reading:
        found, not_read, compared = compare(reading, stack)
    return Report(
        stack,
        compared,
        attributed(live, found) if authors else found,
        not_read,
        time.monotonic() - started,
    )


@contextmanager
def reading_of(
    live: Live, blueprint: Blueprint, passed_over: frozenset[str] = frozenset()
) -> Iterator[Reading]:
    """One look at an environment; its threads end with the block.

    Args:
        live: the environment.
        blueprint: what should be there.
        passed_over: see `Reading`.
    """
    reading = Reading(live, blueprint, lambda r: key_of(r, blueprint, READERS), passed_over)
    try:
        yield reading
    finally:
        reading.close()


def compare(
    reading: Reading,
    stack: str,
    only: frozenset[str] | None = None,
    *,
    names: frozenset[str] | None = None,
    readers: Mapping[str, TypeReader] = READERS,
) -> tuple[list[Drift], list[NotRead], int]:
    """What differs, what could not be read, and how many resources were compared.

    Args:
        reading: one look at an environment.
        stack: the engine's name of it, for the way back.
        only: type tokens to compare; all where it is left out. What these refer to is read too.
        names: logical names of the resources to compare, instead of whole types. Then nothing is
            looked for that should not be there.
        readers: how types are read.
    """
    resources = reading.blueprint.resources
    chosen = {
        name: r
        for name, r in resources.items()
        if (only is None or r.type in only) and (names is None or name in names)
    }
    things, not_read = read_things(reading, readers, _types_behind(reading.blueprint, chosen))
    comparison = _Comparison(reading, readers, things, stack, chosen)
    found = list(comparison.drifts())
    if names is None:
        found += comparison.unexpected()
    compared = sum(r.type in things for r in chosen.values())
    return found, [*not_read, *comparison.properties_not_read()], compared


def _types_behind(blueprint: Blueprint, chosen: Iterable[str]) -> list[str]:
    """Types of resources and of all to which they refer, at any distance."""
    found, new = set(chosen), set(chosen)
    while new:
        properties = (blueprint.resources[name].properties for name in new)
        new = {r.resource for p in properties for r in references(p)} - found
        found |= new
    return sorted({blueprint.resources[name].type for name in found})


def read_things(
    reading: Reading, readers: Mapping[str, TypeReader], tokens: Sequence[str]
) -> tuple[dict[str, list[Thing]], list[NotRead]]:
    """The things of each type; types without an answer are left out, and named with the reason."""

    def read(token: str) -> list[Thing] | str:
        if token not in readers:
            return "nothing reads this type back; add a reader to totara_infra.operations.drift"
        try:
            return list(readers[token].read(reading))
        except (BotoCoreError, ClientError, OSError) as error:
            return str(error)

    things: dict[str, list[Thing]] = {}
    not_read: list[NotRead] = []
    with ThreadPoolExecutor(max(1, len(tokens)), thread_name_prefix="drift-type") as executor:
        for token, result in zip(tokens, executor.map(read, tokens), strict=True):
            if isinstance(result, str):
                not_read.append(NotRead(token, result, len(reading.planned(token))))
            else:
                things[token] = result
    return things, not_read


class _Comparison:
    def __init__(
        self,
        reading: Reading,
        readers: Mapping[str, TypeReader],
        things: Mapping[str, list[Thing]],
        stack: str,
        chosen: Mapping[str, PlannedResource],
    ) -> None:
        self._reading = reading
        self._readers = readers
        self._stack = stack
        self._matched: dict[str, Thing] = {}
        self._left: list[tuple[str, Thing]] = []
        self._compared = [r for r in chosen.values() if r.type in things]
        wanted = {r.type for r in chosen.values()}
        for token, found in things.items():
            planned = reading.planned(token)
            for thing in found:
                resource = planned.get(thing.key)
                if resource is not None and resource.name not in self._matched:
                    self._matched[resource.name] = thing
                elif thing.ours and token in wanted:
                    self._left.append((token, thing))

    def drifts(self) -> Iterator[Drift]:
        """Resources that are missing or changed."""
        for resource in self._compared:
            thing = self._matched.get(resource.name)
            if thing is None:
                yield self._drift(Kind.MISSING, resource, None)
                continue
            reader = self._readers[resource.type]
            found = {k: v for k, v in thing.properties.items() if k in reader.reads}
            expected = dict(self._expected(resource, reader))
            for name in resource.properties:
                if name not in expected:
                    found.pop(name, None)
            if changed := tuple(differences(reader, expected, found)):
                yield self._drift(Kind.CHANGED, resource, thing, changed)

    def unexpected(self) -> Iterator[Drift]:
        """Things that should not be there."""
        for token, thing in self._left:
            yield Drift(
                Kind.UNEXPECTED,
                token,
                "",
                thing.key,
                "",
                reason=thing.ours,
                way_back="Remove what is unexpected, or declare it in the catalogue: a refresh "
                "does not see it, as the state does not know it.",
                identifiers=_identifiers(thing.key, thing),
            )

    def _drift(
        self,
        kind: Kind,
        resource: PlannedResource,
        thing: Thing | None,
        changed: tuple[Any, ...] = (),
    ) -> Drift:
        reader = self._readers[resource.type]
        key = key_of(resource, self._reading.blueprint, self._readers)
        texts = {"key": key, "stack": self._stack, "name": resource.name}
        update = "totara up " + (
            self._stack.removesuffix("-rehearsal") + " --rehearse"
            if self._stack.endswith("-rehearsal")
            else self._stack
        )
        back = f"`pulumi refresh -s {self._stack}`, then `{update}`"
        advice = reader.advice
        if kind is Kind.MISSING:
            advice = reader.if_missing
        if advice:
            back = f"{resource.name}: {back}. {advice.format(**texts)}"
        return Drift(
            kind,
            resource.type,
            resource.name,
            key,
            resource.step,
            changed,
            way_back=back,
            identifiers=_identifiers(key, thing or self._parent(resource)),
        )

    def _parent(self, resource: PlannedResource) -> Thing | None:
        """What a missing resource belongs to: its removal is recorded with that one's id."""
        for value in resource.properties.values():
            if isinstance(value, Reference) and value.resource in self._matched:
                return self._matched[value.resource]
        return None

    def _expected(self, resource: PlannedResource, reader: TypeReader) -> Iterator[tuple[str, Any]]:
        for name, value in resource.properties.items():
            if name in reader.unreadable or name not in reader.reads:
                continue
            try:
                found = resolved(value, self._matched)
            except UnknownOutputError:
                # What it leads to is missing and is reported itself.
                continue
            # A version's number is text where another resource takes it.
            number = isinstance(value, Reference) and value.attribute == "version_number"
            yield name, str(found) if number else found

    def properties_not_read(self) -> list[NotRead]:
        """Properties of the blueprint that no reader gives and that are not known as unreadable."""
        counts: dict[str, int] = {}
        for resource in self._compared:
            reader = self._readers[resource.type]
            for name in resource.properties:
                if name not in reader.reads | set(reader.unreadable):
                    subject = f"{resource.type} {name}"
                    counts[subject] = counts.get(subject, 0) + 1
        reason = "the type's reader does not give it; add it in totara_infra.operations.drift"
        return [NotRead(subject, reason, n) for subject, n in counts.items()]


def _identifiers(key: str, thing: Thing | None) -> frozenset[str]:
    texts = {key, *key.split("/")} if not key.startswith("/") else {key}
    if thing is not None:
        texts |= {str(v) for v in thing.attributes.values() if isinstance(v, str)}
    return frozenset(t for t in texts if t)
