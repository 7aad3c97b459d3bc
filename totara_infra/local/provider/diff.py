"""Comparison of two sets of inputs, by meaning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from totara_infra.local.provider.resource import Live, Recorded, ResourceType
from totara_infra.local.provider.values import ARCHIVE, ASSET, Properties, fingerprint, is_marked

DEFAULTS_KEY = "__defaults"
"""Input under which the names that the provider made up are recorded, as Pulumi's bridge does."""


class Kind(Enum):
    """What happens to a property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Change:
    """A property that differs, and whether that needs a new thing."""

    kind: Kind
    replaces: bool


def compare(
    kind: ResourceType, old: Properties, new: Properties, ignored: Iterable[str] = ()
) -> dict[str, Change]:
    """Return the properties in which `new` differs from `old`, by name."""
    replacing = set(kind.replaces)
    if kind.replaces_when is not None:
        replacing |= kind.replaces_when(old, new)
    changes: dict[str, Change] = {}
    skipped = set(ignored) | {"tagsAll"}
    for name in sorted((set(old) | set(new)) - skipped):
        if name.startswith("__") or not _differs(kind, name, old, new):
            continue
        what = Kind.ADD if name not in old else Kind.DELETE if name not in new else Kind.UPDATE
        changes[name] = Change(what, name in replacing)
    # A changed tag shows in `tags`; only a change of the provider's default tags shows here.
    if kind.tagged and not {"tags", "tagsAll"} & {*changes, *ignored}:
        before, after = old.get("tagsAll") or {}, new.get("tagsAll") or {}
        if before != after:
            changes["tagsAll"] = Change(Kind.UPDATE, False)
    return changes


def _differs(kind: ResourceType, name: str, old: Properties, new: Properties) -> bool:
    if name in kind.computed and name not in new:
        return False
    default = kind.defaults.get(name)
    before, after = old.get(name, default), new.get(name, default)
    return not same(kind, name, before, after)


def same(kind: ResourceType, name: str, one: Any, other: Any) -> bool:
    """Say whether two values of a property mean the same to AWS."""
    return bool(_meaning(kind, name, one) == _meaning(kind, name, other))


def _meaning(kind: ResourceType, name: str, value: Any) -> Any:
    if name in kind.policies:
        return policy_meaning(value)
    if name in kind.json_values and isinstance(value, str):
        return json_meaning(value)
    if name in kind.sets and isinstance(value, list):
        return sorted((_normal(item) for item in value), key=repr)
    return _normal(value)


def _normal(value: Any) -> Any:
    if is_marked(value, ARCHIVE) or is_marked(value, ASSET):
        return fingerprint(value)
    if isinstance(value, Mapping):
        parts = {key: _normal(item) for key, item in sorted(value.items())}
        return {key: part for key, part in parts.items() if part is not None} or None
    if isinstance(value, list):
        return [_normal(item) for item in value] or None
    if isinstance(value, bool):
        return value
    if value == "":
        return None
    # Several properties are strings for the SDK and numbers for AWS, or the other way round.
    return str(value) if isinstance(value, (int, float)) else value


def json_meaning(value: Any) -> Any:
    """Return what a JSON text says, or the text itself where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def policy_meaning(value: Any) -> Any:
    """Return what a policy says: to AWS, one element and a list of one are the same."""
    document = json_meaning(value)
    if not isinstance(document, Mapping):
        return document
    statements = document.get("Statement", [])
    statements = statements if isinstance(statements, list) else [statements]
    return {
        **{key: item for key, item in document.items() if key != "Statement"},
        "Statement": sorted((_statement(item) for item in statements), key=repr),
    }


def _statement(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {key: _statement(item) for key, item in sorted(part.items())}
    if isinstance(part, list):
        items = sorted((_statement(item) for item in part), key=repr)
        return items[0] if len(items) == 1 else items
    return str(part).lower() if isinstance(part, bool) else part


def refreshed(
    kind: ResourceType, recorded: Recorded, live: Live, default_tags: Mapping[str, str]
) -> Properties:
    """Return the inputs that describe the thing as it is now.

    What still means the same keeps the program's own form, so that an unchanged thing shows no
    difference; what the program left to AWS is not brought in, unless it is no longer AWS's
    default.
    """
    known = recorded.inputs
    importing = not known
    found = dict(live.inputs)
    result: Properties = {}
    if kind.tagged:
        every = found.pop("tags", None) or {}
        own = known.get("tags") or {}
        tags = {k: v for k, v in every.items() if k in own or default_tags.get(k) != v}
        result |= {"tagsAll": every} if every or "tagsAll" in known else {}
        if tags or "tags" in known:
            result["tags"] = tags
    for name in sorted((set(known) | set(found)) - {"tags", "tagsAll"}):
        if name not in found:
            # Not returned: unset in AWS, unless there is no way to read it back.
            if name in kind.unreadable or name.startswith("__") or _is_default(kind, name, known):
                result[name] = known[name]
        elif name in known:
            kept = same(kind, name, known[name], found[name])
            result[name] = known[name] if kept else found[name]
        elif (importing or name not in kind.computed) and not _is_default(kind, name, found):
            result[name] = found[name]
    return result


def _is_default(kind: ResourceType, name: str, inputs: Properties) -> bool:
    return same(kind, name, inputs[name], kind.defaults.get(name))
