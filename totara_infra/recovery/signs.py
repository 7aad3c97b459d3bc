"""What a probe finds, and the ways in which probes look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from totara_infra.operations.drift.detection import compare, reading_of
from totara_infra.operations.drift.report import Kind
from totara_infra.recovery.scene import Scene

_SHOWN = 3
"""Things that a sentence names; the rest is counted."""


@dataclass(frozen=True)
class Sign:
    """What a probe found.

    Attributes:
        raised: it shows the disaster; None where it could not be asked.
        found: what was found, as a sentence for people.
        applies: it can be asked in this environment at all.
    """

    raised: bool | None
    found: str
    applies: bool = True

    @property
    def word(self) -> str:
        """As a table shows it."""
        return {True: "RAISED", False: "quiet", None: "not asked"}[self.raised]


Probe = Callable[[Scene], Sign]
"""Reads one indicator; changes nothing that stays."""


def listed(texts: Iterable[str]) -> str:
    """Some of them by name, the rest counted."""
    found = list(texts)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def sign_of(faults: list[str], well: str) -> Sign:
    """Raised with the faults, where there are any; else quiet, with what is said then."""
    return Sign(True, f"{listed(faults)}.") if faults else Sign(False, well)


def drifted(scene: Scene, types: frozenset[str], well: str, *, undeclared: bool = True) -> Sign:
    """Whether things of some types are other than the catalogue declares.

    Args:
        scene: the environment.
        types: type tokens.
        well: what is said where they are as declared.
        undeclared: things that nobody has declared count too.
    """
    with reading_of(scene.live, scene.blueprint) as reading:
        drifts, not_read, _ = compare(reading, scene.stack, types)
    if not_read:
        return Sign(None, f"{listed(f'{n.subject}: {n.reason}' for n in not_read)}.")
    counting = [d for d in drifts if undeclared or d.kind is not Kind.UNEXPECTED]
    return sign_of([f"{d.kind} {d.resource or d.key}" for d in counting], well)
