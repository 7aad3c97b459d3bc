"""What the SDK takes: the input properties of every served type, generated from `pulumi_aws`.

The table is a file because importing the SDK's classes costs more than the provider's whole start.
`python -m totara_infra.local.provider.schema` writes it again; a test compares it with the SDK.

A shape is "str", "int", "float", "bool", "Any", "archive", "json" (text or object) for a leaf, a
list of one shape, an object of names to shapes, or {"*": shape} for a map with free keys.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import json
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from totara_infra.local.provider.values import ARCHIVE, ASSET, UNKNOWN, is_marked

SCHEMA_FILE = Path(__file__).with_name("schema.json")


@dataclass(frozen=True)
class Schema:
    """Inputs and outputs of one type, under their wire names."""

    inputs: Mapping[str, Any]
    required: frozenset[str]
    outputs: frozenset[str]


@functools.cache
def schemas() -> Mapping[str, Schema]:
    """Return the schema of every served type by its token."""
    return {
        token: Schema(entry["inputs"], frozenset(entry["required"]), frozenset(entry["outputs"]))
        for token, entry in json.loads(SCHEMA_FILE.read_text()).items()
    }


def nearest(name: str, known: typing.Iterable[str]) -> str:
    """Return a hint with the name in `known` that is closest to `name`, or how to find one."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "known: " + ", ".join(names)


def faults(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield (property path, sentence) for each part of `value` that does not have `shape`."""
    if value == UNKNOWN or is_marked(value, ARCHIVE) or is_marked(value, ASSET):
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            yield path, f"{path} must be a list"
            return
        for position, item in enumerate(value):
            yield from faults(shape[0], item, f"{path}[{position}]")
    elif isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            yield path, f"{path} must be an object"
            return
        for name, item in value.items():
            if "*" in shape:
                yield from faults(shape["*"], item, f"{path}.{name}")
            elif name not in shape:
                yield f"{path}.{name}", f"unknown property {path}.{name}; {nearest(name, shape)}"
            else:
                yield from faults(shape[name], item, f"{path}.{name}")
    elif shape in ("str", "int", "float", "bool") and isinstance(value, (list, Mapping)):
        yield path, f"{path} must be a single value"


def from_sdk(classes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table for SDK classes given by token. Private API of the SDK, hence generated."""
    return {token: _entry(cls) for token, cls in sorted(classes.items())}


def sdk_class(token: str) -> Any:
    """Return the SDK's class of a token such as `aws:ssm/parameter:Parameter`."""
    import pulumi_aws  # noqa: PLC0415 - slow, and only the generator and the tests need it

    _, path, name = token.split(":")
    service = {"lambda": "lambda_"}.get(path.split("/", maxsplit=1)[0], path.split("/")[0])
    return getattr(getattr(pulumi_aws, service), name)


def _entry(cls: Any) -> dict[str, Any]:
    from pulumi import _types  # noqa: PLC0415

    arguments = _arguments(cls)
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters
    required = [
        names[name]
        for name, parameter in parameters.items()
        if parameter.default is inspect.Parameter.empty and name in names
    ]
    return {
        "inputs": _shape(arguments),
        "required": sorted(required),
        "outputs": sorted(_types.resource_types(cls)),
    }


def _arguments(cls: Any) -> Any:
    # Where a nested type already has the name XArgs, the SDK calls the arguments XInitArgs.
    module = sys.modules[cls.__module__].__dict__
    candidates = (module.get(f"{cls.__name__}{suffix}") for suffix in ("InitArgs", "Args"))
    return next(c for c in candidates if c is not None and c.__module__ == cls.__module__)


def _shape(kind: Any) -> Any:  # noqa: PLR0911 - one return a kind of shape
    from pulumi import Archive, _types  # noqa: PLC0415

    origin = typing.get_origin(kind)
    if origin is typing.Union:
        members = [member for member in typing.get_args(kind) if member is not type(None)]
        inputs = [m for m in members if isinstance(m, type) and _types.is_input_type(m)]
        if str in members and inputs:
            return "json"
        return _shape((inputs or members)[0])
    if origin is not None and "Sequence" in str(origin):
        return [_shape(typing.get_args(kind)[0])]
    if origin is not None and "Mapping" in str(origin):
        return {"*": _shape(typing.get_args(kind)[1])}
    if isinstance(kind, type) and _types.is_input_type(kind):
        names = _types.input_type_py_to_pulumi_names(kind)
        return {
            names.get(name, name): _shape(t) for name, t in _types.input_type_types(kind).items()
        }
    if kind is Archive:
        return "archive"
    return kind.__name__ if kind in (str, int, float, bool) else "Any"


def main() -> None:
    """Write the table again from the installed SDK."""
    from totara_infra.local.provider.registry import tokens  # noqa: PLC0415 - would be circular

    table = from_sdk({token: sdk_class(token) for token in tokens()})
    SCHEMA_FILE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
