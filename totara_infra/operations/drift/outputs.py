"""What references of the blueprint lead to, taken from the things that are live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from totara_infra.blueprint import Archive, Joined, Reference
from totara_infra.operations.drift.functions import digests
from totara_infra.operations.drift.reading import Thing


class UnknownOutputError(Exception):
    """A reference leads to something that is not there."""


def resolved(value: Any, live: Mapping[str, Thing]) -> Any:
    """A property of the blueprint with live outputs in place of its references.

    Args:
        value: of a property, or a part of it.
        live: logical name -> the thing that is live.

    Raises:
        UnknownOutputError: what a reference leads to is not there.
    """
    match value:
        case Reference():
            return _output(value, live)
        case Joined():
            return "".join(str(resolved(p, live)) for p in value.parts)
        case Archive():
            return digests({n: text.encode() for n, text in value.files.items()})
        case Mapping():
            return {k: resolved(v, live) for k, v in value.items()}
        case list() | tuple():
            return [resolved(v, live) for v in value]
        case _:
            return value


def _output(reference: Reference, live: Mapping[str, Thing]) -> Any:
    thing = live.get(reference.resource)
    if thing is None or thing.attributes.get(reference.attribute) is None:
        raise UnknownOutputError(reference.resource)
    return thing.attributes[reference.attribute]
