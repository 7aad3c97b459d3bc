"""Everything in a blueprint that AWS would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from totara_infra.blueprint.resource import PlannedResource
from totara_infra.operations.limits.documented import Refusal, documented_faults
from totara_infra.operations.limits.shapes import limited

Seen = set[tuple[str, str, object]]
"""Type, property and value that were looked at."""


def refused(
    resources: Iterable[PlannedResource], seen: Seen | None = None
) -> Iterator[tuple[PlannedResource, Refusal]]:
    """What AWS would refuse, each value once for a type and property.

    Args:
        resources: of a stack, in the order in which they are made.
        seen: what was looked at before and is passed over; is added to.
    """
    seen = set() if seen is None else seen
    for resource in resources:
        fresh = {}
        for name, value in resource.properties.items():
            if name == "tags" and isinstance(value, Mapping):
                tags = _new_tags(resource.type, value, seen)
                if tags is not None:
                    fresh[name] = tags
                continue
            mark = (resource.type, name, _mark(value))
            if mark not in seen:
                fresh[name] = value
                seen.add(mark)
        for refusal in _refusals(resource.type, fresh):
            yield resource, refusal


def _new_tags(kind: str, tags: Mapping[str, Any], seen: Seen) -> Mapping[str, Any] | None:
    """The tags that no resource of this type had; all of them where none had as many.

    Most of what a blueprint holds is tags, nearly the same on every resource.

    Returns:
        None where there is nothing new to look at.
    """
    count = (kind, "tags", len(tags))
    new = {}
    for key, value in tags.items():
        mark = (kind, key, ("tag", _mark(value)))
        if mark not in seen:
            new[key] = value
            seen.add(mark)
    if count in seen:
        return new or None
    seen.add(count)
    return tags


def _mark(value: Any) -> object:
    """What tells a value from others, so that the same tags are looked at once."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return tuple([(key, _mark(item)) for key, item in value.items()])
    if isinstance(value, list | tuple):
        return tuple(map(_mark, value))
    # Of what is not known yet there is nothing to say.
    return None


def _refusals(kind: str, properties: Mapping[str, Any]) -> Iterator[Refusal]:
    told = set()
    for refusal in documented_faults(kind, properties):
        told.add(refusal.path)
        yield refusal
    for path, value, limit in limited(kind, properties):
        reason = limit.fault(value)
        if reason is not None and path not in told:
            yield Refusal(path, value, reason, limit.source)
