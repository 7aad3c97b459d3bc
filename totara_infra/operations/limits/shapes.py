"""From a property to the limits of the member that it becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from totara_infra.blueprint.resource import Archive, Joined, Reference
from totara_infra.operations.limits.members import CALLS, Calls
from totara_infra.operations.limits.models import model
from totara_infra.operations.limits.patterns import fits

Path = tuple[str | int, ...]
"""Property, then keys and indices inside it; `()` of a map's key ends with `KEY`."""
KEY = "(key)"
_NUMBERS = frozenset({"integer", "long", "float", "double"})


@dataclass(frozen=True)
class Limit:
    """What AWS takes as one value.

    Attributes:
        source: who says so: service, operation and member.
        kind: `text`, `bytes`, `policy`, `number` or `list`: what minimum and maximum are of, which
            is characters, bytes, characters but white space, the value, or the number of entries.
        pattern: what all of a text must match, in the syntax of AWS's models.
        choices: the only values; empty where every one is taken.
    """

    source: str
    kind: str
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()

    def fault(self, value: Any) -> str | None:
        """Why AWS refuses a value; None where it takes it."""
        if self.choices and str(value) not in self.choices:
            return f"AWS takes only {_listed(self.choices)}"
        size, what = _measured(self.kind, value)
        if size is None:
            return None
        if self.maximum is not None and size > self.maximum:
            return f"AWS takes at most {self.maximum:,.12g}{what}, this is {size:,.12g}"
        if self.minimum is not None and size < self.minimum:
            return f"AWS takes at least {self.minimum:,.12g}{what}, this is {size:,.12g}"
        if self.pattern is not None and isinstance(value, str) and not fits(self.pattern, value):
            return f"AWS takes only what matches {self.pattern}"
        return None


def _listed(choices: tuple[str, ...]) -> str:
    shown = choices[:24]
    return ", ".join(shown) + (" and others" if len(choices) > len(shown) else "")


def _measured(kind: str, value: Any) -> tuple[float | None, str]:
    """How much of a value there is, and of what; None where it has no measure."""
    size: float | None = None
    match kind, value:
        case "number", str() if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            size = float(value)
        case "number", int() | float() if not isinstance(value, bool):
            size = value
        case "text", str():
            size = len(value)
        case "bytes", str():
            size = len(value.encode())
        case "policy", str():
            # "IAM does not count white space when calculating the size of a policy".
            size = len(re.sub(r"\s", "", value))
        case "list", list() | tuple() | Mapping():
            size = len(value)
    return size, _UNITS.get(kind, "")


_UNITS = {
    "text": " characters",
    "bytes": " bytes",
    "policy": " characters beside white space",
    "list": " entries",
}


def limited(kind: str, properties: Mapping[str, Any]) -> Iterator[tuple[Path, Any, Limit]]:
    """Every value of a resource that is known, with what AWS's model says of it.

    Args:
        kind: type token.
        properties: of the resource, in the SDK's spelling.
    """
    calls = CALLS.get(kind)
    if calls is None:
        return
    for key, value in properties.items():
        member = _known(kind, target(calls, calls.operation), key)
        if member is not None:
            yield from _descend(kind, member, value, (key,))


def _descend(
    kind: str, member: Member, value: Any, path: Path
) -> Iterator[tuple[Path, Any, Limit]]:
    if value is None or isinstance(value, Reference | Joined | Archive):
        return
    limit = limit_of(member)
    if limit is not None:
        yield path, value, limit
    shape = _shape(member)
    if isinstance(value, Mapping):
        yield from _descend_mapping(kind, member, shape, value, path)
    elif isinstance(value, list | tuple) and shape["type"] == "list":
        entry = _inside(member, "member")
        for number, item in enumerate(value):
            yield from _descend(kind, entry, item, (*path, number))


def _descend_mapping(
    kind: str, member: Member, shape: Mapping[str, Any], value: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, Any, Limit]]:
    if shape["type"] == "list":
        entry = _inside(member, "member")
        pair = _pair(entry)
        if pair is None:
            # Where AWS takes a list of at most one, the SDK has the one.
            yield from _descend_mapping(kind, entry, _shape(entry), value, path)
            return
        keys, values = pair
    elif shape["type"] == "map":
        keys, values = _inside(member, "key"), _inside(member, "value")
    else:
        for key, item in value.items():
            inner = _known(kind, member, key)
            if inner is not None:
                yield from _descend(kind, inner, item, (*path, key))
        return
    for key, item in value.items():
        yield from _descend(kind, keys, key, (*path, key, KEY))
        yield from _descend(kind, values, item, (*path, key))


@dataclass(frozen=True, eq=False)
class Member:
    """A place in a request: the service, the shape of what stands there, and the place's name.

    Each place has one object, made by the functions below, so that what is known of it is found
    by the object itself: comparing its texts for every value took most of the time.
    """

    service: str
    shape: str
    source: str


def _shape(member: Member) -> Mapping[str, Any]:
    found: Mapping[str, Any] = model(member.service)["shapes"][member.shape]
    return found


@cache
def _inside(member: Member, part: str) -> Member:
    """What stands in a list (`member`) or a map (`key`, `value`)."""
    return Member(member.service, _shape(member)[part]["shape"], member.source)


@cache
def _pair(entry: Member) -> tuple[Member, Member] | None:
    """Key and value of a list's entries that stand for a map, such as tags and dimensions."""
    members = _shape(entry).get("members", {})
    value = next((m for m in members if m.lower().endswith("value")), None)
    key = next((m for m in members if m.lower().endswith(("key", "name"))), None)
    if len(members) != 2 or value is None or key is None:
        return None
    return (
        Member(entry.service, members[key]["shape"], f"{entry.source}.{key}"),
        Member(entry.service, members[value]["shape"], f"{entry.source}.{value}"),
    )


@cache
def _target(service: str, place: str) -> Member:
    operation, *inside = place.split(".")
    shape = model(service)["operations"][operation]["input"]["shape"]
    for name in inside:
        shape = model(service)["shapes"][shape]["members"][name]["shape"]
    return Member(service, shape, place)


def target(calls: Calls, place: str) -> Member:
    """The input of an operation, or a member inside it: `PutParameter`, `PutParameter.Name`."""
    return _target(calls.service, place)


@cache
def member_of(kind: str, inside: Member, key: str) -> Member | None:
    """The member that a property becomes.

    Args:
        kind: type token.
        inside: the structure that the property stands in.
        key: the property, in the SDK's spelling.

    Returns:
        None where no call takes it.

    Raises:
        KeyError: nobody has said what it becomes.
    """
    calls, members = CALLS[kind], _shape(inside).get("members", {})
    spelled = key.replace("_", "").lower()
    own = next((name for name in members if name.lower() == spelled), None)
    place = own if own is not None else calls.members[key]
    if place is None:
        return None
    if place.split(".")[0] in model(calls.service)["operations"]:
        return target(calls, place)
    found = inside
    for name in place.split("."):
        shape = _shape(found)["members"][name]["shape"]
        found = Member(calls.service, shape, f"{found.source}.{name}")
    return found


def _known(kind: str, inside: Member, key: str) -> Member | None:
    """The same; None too where nobody has said it, which a test sees and no user should."""
    try:
        return member_of(kind, inside, key)
    except KeyError:
        return None


@cache
def limit_of(member: Member) -> Limit | None:
    """What AWS's model says of a place in a request; None where it says nothing."""
    shape = _shape(member)
    kind = {"string": "text", "list": "list", "map": "list"}.get(shape["type"])
    if kind is None:
        kind = "number" if shape["type"] in _NUMBERS else ""
    if not kind or not {"min", "max", "pattern", "enum"} & shape.keys():
        return None
    return Limit(
        f"{member.service} {member.source}",
        kind,
        shape.get("min"),
        shape.get("max"),
        shape.get("pattern"),
        tuple(shape.get("enum", ())),
    )
