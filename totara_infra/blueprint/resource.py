"""A resource that must exist, as plain data: type, name, step, properties."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from totara_infra.model.naming import without_placeholders

PROSE = frozenset({"description", "tags"})
"""Properties that describe and change nothing: they stay out of the digests."""


@dataclass(frozen=True)
class Reference:
    """An output of another resource of the blueprint, known once that one is made."""

    resource: str
    attribute: str


@dataclass(frozen=True)
class Joined:
    """A text made of literals and references."""

    parts: tuple[str | Reference, ...]


@dataclass(frozen=True)
class Archive:
    """Files of this package that are uploaded as one archive.

    Attributes:
        files: name in the archive -> content, so that the digest covers what runs.
    """

    files: Mapping[str, str]


@dataclass(frozen=True)
class PlannedResource:
    """One resource of one environment.

    Attributes:
        type: Pulumi's type token, e.g. `aws:ssm/parameter:Parameter`.
        name: logical name, unique in the blueprint and stable across domains and modules.
        step: module id, gate or foundation that it belongs to.
        kind: which component makes it: `parameters`, `secrets`, `app_config`, `identity`,
            `encryption`, `events`, `storage`, `messaging`, `logging`, `roles`, `alert_routing`,
            `alarms`, `backup`, `marker`, `gate`.
        properties: arguments in the SDK's spelling (snake case); may hold references.
        protect: the engine refuses to delete it.
        retain: stays in AWS when it leaves the program.
        delete_first: the old one must go before a replacement comes, as the name is taken.
        waits_for: names of resources of the same step that no reference leads to.
    """

    type: str
    name: str
    step: str
    kind: str
    properties: Mapping[str, Any] = field(repr=False)
    protect: bool = False
    retain: bool = False
    delete_first: bool = False
    waits_for: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The AWS service in the type, e.g. `ssm`."""
        return self.type.split(":")[1].split("/")[0]

    @property
    def shape(self) -> str:
        """The last word of the type, e.g. `Parameter`."""
        return self.type.rsplit(":", 1)[1]


def logical(kind: str, name: str) -> str:
    """Logical name of a declared thing: the same in every stack, so no placeholder is in it."""
    return f"{kind}/{without_placeholders(name)}"


def document(*statements: dict[str, Any]) -> str:
    """A policy document as JSON, always spelled the same way."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def plain(value: Any) -> Any:
    """The value as JSON can hold it: references become objects with a `$ref`."""
    match value:
        case Reference():
            return {"$ref": value.resource, "attribute": value.attribute}
        case Joined():
            return {"$join": [plain(p) for p in value.parts]}
        case Archive():
            return {"$archive": dict(sorted(value.files.items()))}
        case Mapping():
            return {str(k): plain(v) for k, v in value.items()}
        case list() | tuple():
            return [plain(v) for v in value]
        case _:
            return value


def references(value: Any) -> Iterator[Reference]:
    """Every reference inside a value."""
    match value:
        case Reference():
            yield value
        case Joined():
            for part in value.parts:
                yield from references(part)
        case Mapping():
            for item in value.values():
                yield from references(item)
        case list() | tuple():
            for item in value:
                yield from references(item)


def digest(resources: Iterable[PlannedResource], further: Iterable[str] = ()) -> str:
    """Digest of what a step puts into AWS.

    It covers types, names and inputs; prose, tags and outputs stay out, so it changes only when
    something in AWS does.

    Args:
        resources: the resources of the step, in any order.
        further: digests of other steps that this one stands for, in a fixed order.

    Returns:
        `sha256:` and 32 hexadecimal digits.
    """
    content = [
        {
            "type": r.type,
            "name": r.name,
            "properties": {k: v for k, v in r.properties.items() if k not in PROSE},
        }
        for r in sorted(resources, key=lambda r: r.name)
    ]
    text = json.dumps(
        [content, list(further)], default=plain, sort_keys=True, separators=(",", ":")
    )
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:32]
