"""Between the SDK's property names and the member names of AWS's API.

Most differ only in the first letter; a table of renames carries the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from totara_infra.local.provider.values import Properties


def to_api(
    inputs: Properties, names: Iterable[str] | None = None, renames: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return `inputs` as members of a request, nested objects included.

    Args:
        inputs: Properties under the SDK's names.
        names: Only these are taken; all when None.
        renames: SDK name -> member name, at any depth, where more than the first letter differs.
    """
    chosen = inputs if names is None else {k: inputs[k] for k in names if k in inputs}
    return {_member(key, renames): _deep(value, renames) for key, value in chosen.items()}


def _member(name: str, renames: Mapping[str, str] | None) -> str:
    return (renames or {}).get(name, name[:1].upper() + name[1:])


def _deep(value: Any, renames: Mapping[str, str] | None) -> Any:
    if isinstance(value, Mapping):
        return {_member(key, renames): _deep(item, renames) for key, item in value.items()}
    if isinstance(value, list):
        return [_deep(item, renames) for item in value]
    return value


def from_api(
    answer: Mapping[str, Any], shape: Mapping[str, Any], renames: Mapping[str, str] | None = None
) -> Properties:
    """Return the members of `answer` that `shape` knows, under the SDK's names.

    Empty strings, lists and objects are AWS's way to say "not set" and are left out.
    """
    result: Properties = {}
    for name, part in shape.items():
        value = answer.get(_member(name, renames))
        if isinstance(part, Mapping) and "*" not in part and isinstance(value, Mapping):
            value = from_api(value, part, renames)
        elif isinstance(part, list) and isinstance(part[0], Mapping) and isinstance(value, list):
            value = [from_api(item, part[0], renames) for item in value]
        if value not in (None, "", [], {}):
            result[name] = value
    return result
