"""Two blueprints of one environment: what is new, changed or gone, and for which module."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from totara_infra.blueprint.blueprint import Blueprint
from totara_infra.blueprint.resource import plain


class Change(StrEnum):
    """What becomes of a resource."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True)
class Difference:
    """One resource that differs.

    Attributes:
        step: module, gate or foundation that it belongs to.
        properties: names of the properties that differ; empty for a new or gone one.
        reason: why, in words.
    """

    change: Change
    step: str
    name: str
    type: str
    properties: tuple[str, ...]
    reason: str


def compare(before: Blueprint, after: Blueprint) -> list[Difference]:
    """The differences, in the order of the later blueprint, then what is gone."""
    found: list[Difference] = []
    for name, resource in after.resources.items():
        old = before.resources.get(name)
        if old is None:
            reason = _why_new(before, resource.step)
            found.append(Difference(Change.NEW, resource.step, name, resource.type, (), reason))
            continue
        was, now = plain(old.properties), plain(resource.properties)
        keys = tuple(sorted(k for k in {*was, *now} if was.get(k) != now.get(k)))
        if keys:
            reason = _why_changed(resource.kind, keys)
            found.append(
                Difference(Change.CHANGED, resource.step, name, resource.type, keys, reason)
            )
    for name, resource in before.resources.items():
        if name not in after.resources:
            reason = (
                f"{resource.step} is no longer deployed here."
                if resource.step not in after.steps
                else "Its declaration is gone."
            )
            found.append(Difference(Change.GONE, resource.step, name, resource.type, (), reason))
    return found


def _why_new(before: Blueprint, step: str) -> str:
    if step not in before.steps:
        return f"{step} was not deployed here before."
    return "Its declaration is new."


def _why_changed(kind: str, keys: tuple[str, ...]) -> str:
    if kind == "marker":
        return "Something that the module puts into AWS has changed."
    if kind == "gate":
        return "Something in the phase has changed, so it is checked again."
    if set(keys) <= {"description", "tags"}:
        return "Only its description or tags have changed."
    return f"Its declaration has changed: {', '.join(keys)}."
