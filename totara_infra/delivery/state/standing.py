"""How a stack stands: what is known of its state, the faults in it, and the way to mend each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from totara_infra.delivery.state.comparison import Comparison, Recorded
from totara_infra.delivery.state.locks import Lock
from totara_infra.delivery.state.situations import (
    CANCEL,
    EMPTY,
    LIFT,
    REBUILD,
    UP,
    Situation,
)
from totara_infra.local import stack_state

SCHEMA = 2
"""Version of the JSON form."""
_SHOWN = 5
"""Lines that a message has about one fault."""


class Condition(StrEnum):
    """What a stack's state is like."""

    THERE = "there"
    ABSENT = "absent"
    EMPTY = "empty"
    DAMAGED = "damaged"


_MEANING = {
    "creating": "it may exist in AWS without the state knowing it; run again, an update would make "
    "a second one of what AWS gives an id",
    "updating": "it is in the state, but whether AWS took the change is not known",
    "deleting": "it is in the state, but may be gone in AWS",
    "reading": "it was only being read",
}


@dataclass(frozen=True)
class PendingOperation:
    """Something that an update had begun when it ended without a word.

    Attributes:
        operation: `creating`, `updating`, `deleting`, `reading`.
        type: Pulumi's type token.
        name: logical name of the resource.
    """

    operation: str
    type: str
    name: str

    @property
    def meaning(self) -> str:
        """What may be the case now."""
        return _MEANING.get(self.operation, "what became of it is not known")


@dataclass(frozen=True)
class Status:
    """How it stands with a stack's state.

    Attributes:
        stack: the engine's name of it.
        words: the stack as `totara` commands take it, with `--rehearse` where it is one.
        backend: URL of the backend.
        condition: of the state.
        resources: number in the state.
        detail: what is wrong with a damaged state.
        locks: who holds the stack.
        pending: what was left unfinished.
        recorded: ids in the state.
        interrupted: an update of a stack in an emulator was killed; nothing of it is recorded.
        orphaned: an emulator runs, and the state that belongs to it is gone.
        stopped: an emulator that should be there is not running.
        own: the state is throwaway, in the project's own backend: `up` starts afresh.
        updating: the backend says that an update is under way (Pulumi Cloud).
        copies: older states that the backend keeps; None where it keeps them to itself.
        comparison: what the live environment says; None where nobody has looked.
    """

    stack: str
    words: str
    backend: str
    condition: Condition
    resources: int = 0
    detail: str = ""
    locks: tuple[Lock, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    recorded: Recorded = field(default_factory=dict)
    interrupted: bool = False
    orphaned: bool = False
    stopped: bool = False
    own: bool = False
    updating: bool = False
    copies: int | None = None
    comparison: Comparison | None = None

    @property
    def sound(self) -> bool:
        """Nothing needs mending and nobody holds the stack; no state yet is sound as well."""
        return not any(True for _ in self._faults())

    @property
    def situations(self) -> tuple[Situation, ...]:
        """What the stack is in, of the list that all commands share."""
        found = tuple(dict.fromkeys(situation for situation, _ in self._faults()))
        if found:
            return found
        if self.condition in (Condition.ABSENT, Condition.EMPTY):
            return (Situation.NEW,)
        return (Situation.STOPPED,) if self.stopped else (Situation.SOUND,)

    def faults(self, *, preview: bool = False) -> Iterator[str]:
        """What keeps an update from running, each with the way to mend it.

        Args:
            preview: only what makes the plan of an update wrong as well.
        """
        for situation, text in self._faults():
            if not preview or situation in _WRONG_PLAN:
                yield text

    def command(self, template: str) -> str:
        """A command of the list for this stack."""
        return template.format(stack=self.stack, words=self.words)

    def _faults(self) -> Iterator[tuple[Situation, str]]:
        yield from self._holders()
        rebuild = f"`{self.command(REBUILD)}`"
        afresh = f"; `{self.command(UP)}` would start both afresh" if self.own else ""
        if self.condition is Condition.DAMAGED:
            yield Situation.DAMAGED, f"{self.detail} {rebuild} makes it again from what is live."
        if self.orphaned:
            text = (
                f"The emulator of stack {self.stack} is running, but the state that belongs to it "
                f"is gone. {rebuild} makes it again{afresh}."
            )
            yield Situation.ORPHANED, text
        if self.interrupted:
            text = (
                f"The last update of stack {self.stack} was killed, and what it made is in no "
                f"state. {rebuild} finds it{afresh}."
            )
            yield Situation.INTERRUPTED, text
        if self.pending:
            lines = "".join(
                f"\n  - {p.operation} {p.name} ({p.type}): {p.meaning}" for p in self.pending
            )
            text = (
                f"The last update of stack {self.stack} ended in the middle of "
                f"{len(self.pending)} operation(s):{lines}\n"
                f"{rebuild} finds out what there is and clears them."
            )
            yield Situation.UNFINISHED, text
        yield from self._differences()

    def _holders(self) -> Iterator[tuple[Situation, str]]:
        # The engine lifts a lock only where there is a state.
        absent = self.condition is Condition.ABSENT
        for lock in self.locks:
            situation, lift = {
                True: (Situation.HELD, ""),
                False: (Situation.LEFT_LOCKED, REBUILD if absent else CANCEL),
                None: (Situation.HELD_ELSEWHERE, LIFT if absent else CANCEL),
            }[lock.alive]
            yield situation, lock.sentence(self.stack, self.command(lift))
        if self.updating:
            text = (
                f"Pulumi Cloud says that an update of stack {self.stack} is under way. Wait "
                "until it has ended; if the machine that ran it is gone, "
                f"`{self.command(CANCEL)}`."
            )
            yield Situation.UPDATING, text

    def _differences(self) -> Iterator[tuple[Situation, str]]:
        """What the live environment says against the state, where that is whole."""
        empty = f"`{self.command(EMPTY)}` puts an empty state in its place and keeps the old one."
        if self.stopped and not self.own and self.recorded:
            text = (
                f"The emulator of stack {self.stack} is not running, and all that its state in "
                f"{self.backend} describes is gone with it. {empty}"
            )
            yield Situation.VANISHED, text
        found = self.comparison
        mended = self.condition is Condition.DAMAGED or self.interrupted or self.orphaned
        if found is None or mended or self.pending:
            return
        if found.vanished:
            text = (
                f"The state of stack {self.stack} has {self.resources} resources, and none of "
                "them is live in this account and region. See that the credentials are those of "
                f"the environment. If it was taken down, {empty}"
            )
            yield Situation.VANISHED, text
        rebuild = f"`{self.command(REBUILD)}` takes what is live into the state."
        if found.unrecorded:
            state = {
                Condition.ABSENT: "it has no state",
                Condition.EMPTY: "its state is empty",
            }.get(self.condition, "its state does not have them")
            lines = _lines([f"{name}: {i}" for name, i in found.unrecorded.items()])
            text = (
                f"Resources of stack {self.stack} are live ({len(found.unrecorded)}), and {state}: "
                f"an update would make them a second time.{lines}\n{rebuild}"
            )
            yield Situation.UNRECORDED, text
        if found.altered:
            lines = _lines([str(a) for a in found.altered])
            text = (
                f"The state of stack {self.stack} has other ids than what is live: an update "
                f"would change the wrong things.{lines}\n{rebuild}"
            )
            yield Situation.ALTERED, text

    def sentence(self) -> str:
        """The state in one line."""
        if self.condition is Condition.ABSENT:
            return f"Stack {self.stack} has no state in {self.backend}."
        if self.condition is Condition.EMPTY:
            return f"The state of stack {self.stack} in {self.backend} is empty."
        if self.condition is Condition.DAMAGED:
            return f"The state of stack {self.stack} in {self.backend} is damaged."
        return f"The state of stack {self.stack} is in {self.backend}: {self.resources} resources."

    def notes(self) -> Iterator[str]:
        """What is worth knowing and keeps no update from running."""
        if self.situations == (Situation.STOPPED,):
            yield (
                f"The emulator of stack {self.stack} is not running, and what the state describes "
                f"is gone with it: `{self.command(UP)}` starts both afresh."
            )
        if self.copies is not None:
            kept = f"; at most {stack_state.MOST_COPIES} are kept" if self.own else ""
            yield f"Older copies of the state beside it: {self.copies}{kept}."
        for text in _lines(self.comparison.not_compared if self.comparison else ()).splitlines():
            if text:
                yield f"Not compared with what is live: {text.removeprefix('  - ')}"

    def as_data(self) -> dict[str, Any]:
        """The status for JSON."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "backend": self.backend,
            "condition": self.condition.value,
            "situations": [situation.value for situation in self.situations],
            "resources": self.resources,
            "sound": self.sound,
            "locks": [
                {
                    "pid": lock.pid,
                    "user": lock.user,
                    "host": lock.host,
                    "since": lock.since,
                    "alive": lock.alive,
                    "place": lock.place,
                }
                for lock in self.locks
            ],
            "pending": [
                {"operation": p.operation, "type": p.type, "name": p.name, "meaning": p.meaning}
                for p in self.pending
            ],
            "interrupted": self.interrupted,
            "orphaned": self.orphaned,
            "copies": self.copies,
            "compared": None
            if self.comparison is None
            else {
                "live": self.comparison.live,
                "unrecorded": dict(self.comparison.unrecorded),
                "altered": [
                    {"name": a.name, "recorded": a.recorded, "live": a.live}
                    for a in self.comparison.altered
                ],
                "not_compared": list(self.comparison.not_compared),
            },
            "faults": list(self.faults()),
        }


_WRONG_PLAN = frozenset(
    {Situation.DAMAGED, Situation.UNRECORDED, Situation.ALTERED, Situation.VANISHED}
)


def _lines(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return "".join(f"\n  - {text}" for text in [*texts[:_SHOWN], *more])
