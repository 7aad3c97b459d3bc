"""Conversion between protobuf `Struct` and plain Python, and Pulumi's marked values in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that is not known before the program has run (`pulumi/runtime/rpc.py`)."""
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that marks an object as an asset, archive, secret or output value."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"

Properties = dict[str, Any]
"""Properties of a resource under their wire names (camelCase), as plain Python."""


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Return `struct` as plain Python: whole numbers as int, secrets unwrapped, no nulls."""
    result = {key: _from_value(value) for key, value in struct.fields.items()}
    return {key: value for key, value in result.items() if value is not None}


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        # A Struct knows only doubles; AWS members are integers wherever the value is integral.
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "struct_value":
        plain = from_struct(value.struct_value)
        # The engine strips these for us (acceptSecrets=False), except in provider arguments.
        if plain.get(SIGNATURE) in (SECRET, OUTPUT):
            return plain.get("value", UNKNOWN if plain[SIGNATURE] == OUTPUT else None)
        return plain
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return `properties` as a `Struct`; members that are None are left out."""
    struct = struct_pb2.Struct()
    struct.update({key: _plain(item) for key, item in properties.items() if item is not None})
    return struct


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


def is_unknown(value: Any) -> bool:
    """Say whether `value`, or anything within it, is not known yet."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def is_marked(value: Any, signature: str) -> bool:
    """Say whether `value` is an object marked with `signature`, such as `ARCHIVE`."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) == signature


def fingerprint(value: Any) -> str:
    """Return a digest of an asset or archive: the engine's own where it gave one."""
    known = value.get("hash")
    return str(known) if known else hashlib.sha256(repr(sorted(value.items())).encode()).hexdigest()
