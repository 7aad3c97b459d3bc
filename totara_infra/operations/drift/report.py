"""What a search for drift found, as data and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from totara_infra.operations.drift.meaning import Difference

SCHEMA = 1
"""Version of the JSON form."""
_SHORT = 80


class Kind(StrEnum):
    """How a live environment differs from its blueprint in one thing."""

    MISSING = "missing"
    CHANGED = "changed"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class LastWrite:
    """The newest recorded call that changed a thing.

    Attributes:
        who: user or role.
        action: name of the call.
        when: ISO 8601, UTC.
    """

    who: str
    action: str
    when: str


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it must be.

    Attributes:
        type: Pulumi's type token.
        resource: logical name in the blueprint; empty for an unexpected thing.
        key: names by which AWS knows it, without server-made ids: `POOL/CLIENT`.
        step: module, gate or foundation that declares it; empty for an unexpected thing.
        differences: for a changed thing, each property.
        reason: for an unexpected thing, why it should not be there.
        way_back: how the declared state comes back.
        last_write: who changed it, where CloudTrail knows.
        identifiers: names and ids under which CloudTrail may know it.
    """

    kind: Kind
    type: str
    resource: str
    key: str
    step: str
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    way_back: str = ""
    last_write: LastWrite | None = None
    identifiers: frozenset[str] = field(default_factory=frozenset, repr=False)

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "kind": self.kind.value,
            "type": self.type,
            "resource": self.resource or None,
            "key": self.key,
            "step": self.step or None,
            "properties": [asdict(d) for d in self.differences],
            "reason": self.reason or None,
            "way_back": self.way_back,
            "last_write": asdict(self.last_write) if self.last_write else None,
        }


@dataclass(frozen=True)
class NotRead:
    """Something of the blueprint that was not compared.

    Attributes:
        subject: a type, or a type's property.
        reason: why.
        count: how many resources of the blueprint it concerns.
    """

    subject: str
    reason: str
    count: int


@dataclass(frozen=True)
class Report:
    """The whole result.

    Attributes:
        environment: its name; `rehearsal` tells whether it is the rehearsal of that one.
        resources: how many of the blueprint were compared.
        drifts: in the order of the blueprint, unexpected things last.
        not_read: what could not be compared. Not drift, but no proof of its absence either.
        seconds: how long the search took.
    """

    environment: str
    resources: int
    drifts: Sequence[Drift]
    not_read: Sequence[NotRead]
    seconds: float

    @property
    def clean(self) -> bool:
        """Whether everything was looked at and nothing has drifted."""
        return not self.drifts and not self.not_read

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "resources": self.resources,
            "clean": self.clean,
            "drifts": [d.as_data() for d in self.drifts],
            "not_read": [asdict(n) for n in self.not_read],
            "seconds": round(self.seconds, 2),
        }

    def sentence(self) -> str:
        """The result in one sentence."""
        looked = f"{self.resources} resources of {self.environment} compared"
        if self.clean:
            return f"{looked} in {self.seconds:.1f} s: no drift."
        counts = [f"{n} {kind}" for kind in Kind if (n := sum(d.kind is kind for d in self.drifts))]
        if self.not_read:
            counts.append(f"{len(self.not_read)} not looked at")
        return f"{looked} in {self.seconds:.1f} s: {', '.join(counts)}."

    def markdown(self) -> str:
        """A summary for the page of a scheduled run."""
        lines = [f"## Drift of {self.environment}", "", self.sentence()]
        if self.drifts:
            lines += [
                "",
                "| what | resource | property | expected | found | last write |",
                "|---|---|---|---|---|---|",
            ]
            lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in self.rows()]
            lines += ["", "### The way back", ""]
            lines += [f"- {text}" for text in dict.fromkeys(d.way_back for d in self.drifts)]
        if self.not_read:
            lines += ["", "### Not looked at", ""]
            lines += [f"- {n.subject} ({n.count}): {n.reason}" for n in self.not_read]
        return "\n".join(lines) + "\n"

    def rows(self) -> list[tuple[str, str, str, str, str, str]]:
        """One row a property: kind, thing, property, expected, found, last write."""
        found = []
        for drift in self.drifts:
            write = drift.last_write
            last = f"{write.action} by {write.who} at {write.when}" if write else ""
            thing = drift.resource or f"{drift.type.rsplit(':', 1)[-1]} {drift.key}"
            if not drift.differences:
                found.append((drift.kind.value, thing, "", "", drift.reason, last))
            for difference in drift.differences:
                expected, is_there = short(difference.expected), short(difference.found)
                found.append((drift.kind.value, thing, difference.path, expected, is_there, last))
        return found


def short(value: Any) -> str:
    """A value in a table's cell; the JSON form has it in full."""
    if value is None:
        return "(not set)"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    text = " ".join(text.split())
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
