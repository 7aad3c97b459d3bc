"""Whether two values mean the same to AWS, and where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from totara_infra.operations.drift.reading import TypeReader


@dataclass(frozen=True)
class Difference:
    """One property that is not as it must be.

    Attributes:
        path: name of the property; inside an object with dots, `tags.env`.
        expected, found: None where it is not set.
    """

    path: str
    expected: Any
    found: Any


def differences(
    reader: TypeReader, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    """Where a live thing differs from its blueprint.

    Args:
        reader: of its type.
        expected: properties of the blueprint, resolved; those that can't be told are left out.
        found: properties as read.
    """
    for name in sorted({*expected, *found}):
        wanted, is_there = expected.get(name), found.get(name)
        if name not in expected:
            # Not in the blueprint: then it must be as if it was never set.
            assumed = reader.assumed.get(name)
            if is_there is None or _same(is_there, assumed):
                continue
            # What counts as set, such as an alarm's actions, may have been switched off.
            if _empty(is_there) and not assumed:
                continue
            yield Difference(name, assumed, is_there)
        elif name in reader.documents:
            yield from _documents(name, wanted, is_there)
        else:
            if name in reader.sets:
                wanted, is_there = _sorted(wanted), _sorted(is_there)
            if name in reader.keyed:
                field = reader.keyed[name]
                wanted, is_there = _by(field, wanted), _by(field, is_there)
            yield from _values(name, wanted, is_there, name in reader.partial)


def _values(path: str, expected: Any, found: Any, partial: bool) -> Iterator[Difference]:
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in sorted({*expected, *found}):
            if key in expected or not partial:
                yield from _values(f"{path}.{key}", expected.get(key), found.get(key), partial)
    elif not (_same(expected, found) or (_empty(expected) and _empty(found))):
        yield Difference(path, expected, found)


def _same(one: Any, other: Any) -> bool:
    # JSON knows one kind of number; Python must not take True for 1.
    if isinstance(one, bool) is not isinstance(other, bool):
        return False
    return bool(one == other)


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {}, 0, False)


def _sorted(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


def _by(field: str, value: Any) -> Any:
    return {str(item.get(field)): item for item in value} if isinstance(value, list) else value


def _documents(path: str, expected: Any, found: Any) -> Iterator[Difference]:
    wanted, is_there = canonical(expected), canonical(found)
    if wanted == is_there:
        return
    if "Statement" in (wanted or {}) and "Statement" in (is_there or {}):
        # Only the statements that differ: whole policies are too long to compare by eye.
        left = [s for s in wanted["Statement"] if s not in is_there["Statement"]]
        right = [s for s in is_there["Statement"] if s not in wanted["Statement"]]
        if left or right:
            yield Difference(f"{path}.Statement", left, right)
            return
    yield Difference(path, wanted, is_there)


def canonical(document: Any) -> Any:
    """A JSON document in one of its many spellings; for a policy, always the same one.

    In a policy, a single value and a list of it mean the same, and neither statements nor values
    have an order. An account's number as a principal means its root.
    """
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return document
    if not isinstance(document, Mapping) or "Statement" not in document:
        return document
    statements = document["Statement"]
    if isinstance(statements, Mapping):
        statements = [statements]
    found = [_statement(s) for s in statements]
    return {**document, "Statement": sorted(found, key=lambda s: json.dumps(s, sort_keys=True))}


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(statement)
    for name in ("Action", "NotAction", "Resource", "NotResource"):
        if name in changed:
            changed[name] = _listed(changed[name])
    for name in ("Principal", "NotPrincipal"):
        if isinstance(changed.get(name), Mapping):
            changed[name] = {
                k: sorted(_root(p) for p in _listed(v)) for k, v in changed[name].items()
            }
        elif changed.get(name) == "*":
            changed[name] = {"AWS": ["*"]}
    if isinstance(changed.get("Condition"), Mapping):
        changed["Condition"] = {
            operator: {key: _listed(values) for key, values in tests.items()}
            for operator, tests in changed["Condition"].items()
            if tests
        }
    return {k: v for k, v in changed.items() if v not in ("", {}, [])}


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return sorted(str(v).lower() if isinstance(v, bool) else str(v) for v in values)


def _root(principal: str) -> str:
    is_account = principal.isdigit() and len(principal) == 12
    return f"arn:aws:iam::{principal}:root" if is_account else principal
