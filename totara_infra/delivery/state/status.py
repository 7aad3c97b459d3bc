"""How it stands with a stack's state: who holds it, what was left unfinished, how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from totara_infra.delivery.stack_files import run_pulumi
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.locks import Lock
from totara_infra.delivery.state.store import StateStore, open_store
from totara_infra.local import emulator, lifecycle
from totara_infra.local.project import runs_locally
from totara_infra.local.pulumi_command import state_backend
from totara_infra.model.stack import command_words

SCHEMA = 1
"""Version of the JSON form."""


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
        interrupted: an update of a stack in an emulator was killed; nothing of it is recorded.
        orphaned: an emulator runs, and the state that belongs to it is gone.
        updating: the backend says that an update is under way (Pulumi Cloud).
    """

    stack: str
    words: str
    backend: str
    condition: Condition
    resources: int = 0
    detail: str = ""
    locks: tuple[Lock, ...] = ()
    pending: tuple[PendingOperation, ...] = ()
    interrupted: bool = False
    orphaned: bool = False
    updating: bool = False

    @property
    def sound(self) -> bool:
        """Nothing needs mending and nobody holds the stack; no state yet is sound as well."""
        return not (
            self.condition is Condition.DAMAGED
            or self.locks
            or self.pending
            or self.interrupted
            or self.orphaned
            or self.updating
        )

    def faults(self) -> Iterator[str]:
        """What keeps an update from running, each with the way to mend it."""
        rebuild = f"`totara state rebuild {self.words}`"
        for lock in self.locks:
            yield lock.sentence(self.stack)
        if self.updating:
            yield (
                f"Pulumi Cloud says that an update of stack {self.stack} is under way. Wait until "
                "it has ended; if the machine that ran it is gone, "
                f"`pulumi cancel -s {self.stack}`."
            )
        if self.condition is Condition.DAMAGED:
            yield f"{self.detail} {rebuild} makes it again from what is live."
        if self.orphaned:
            yield (
                f"The emulator of stack {self.stack} is running, but the state that belongs to it "
                f"is gone. {rebuild} makes it again; `totara up {self.words}` would start emulator "
                "and state afresh."
            )
        if self.interrupted:
            yield (
                f"The last update of stack {self.stack} was killed, and what it made is in no "
                f"state. {rebuild} finds it; `totara up {self.words}` would start emulator and "
                "state afresh."
            )
        if self.pending:
            lines = "".join(
                f"\n  - {p.operation} {p.name} ({p.type}): {p.meaning}" for p in self.pending
            )
            yield (
                f"The last update of stack {self.stack} ended in the middle of "
                f"{len(self.pending)} operation(s):{lines}\n"
                f"{rebuild} finds out what there is and clears them."
            )

    def sentence(self) -> str:
        """The state in one line."""
        if self.condition is Condition.ABSENT:
            return f"Stack {self.stack} has no state in {self.backend}."
        if self.condition is Condition.EMPTY:
            return f"The state of stack {self.stack} in {self.backend} is empty."
        if self.condition is Condition.DAMAGED:
            return f"The state of stack {self.stack} in {self.backend} is damaged."
        return f"The state of stack {self.stack} is in {self.backend}: {self.resources} resources."

    def as_data(self) -> dict[str, Any]:
        """The status for JSON."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "backend": self.backend,
            "condition": self.condition.value,
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
            "faults": list(self.faults()),
        }


def state_status(stack: str) -> Status:
    """Ask a stack's backend how it stands. Changes nothing.

    Args:
        stack: the engine's name of it.

    Raises:
        StateError: the backend can't be reached.
    """
    store = open_store(stack)
    if store is None:
        return _from_engine(stack)
    status = _from_store(stack, store)
    if not runs_locally(stack):
        return status
    return replace(
        status,
        interrupted=lifecycle.was_interrupted(stack),
        orphaned=status.condition is Condition.ABSENT and emulator.running(stack) is not None,
    )


def refuse_unsound(stack: str) -> None:
    """See that an update may run.

    Args:
        stack: the engine's name of it.

    Raises:
        StateError: somebody holds the stack, its state is damaged, or operations are unfinished;
            each with the way to mend it.
    """
    faults = list(state_status(stack).faults())
    if faults:
        raise StateError("\n".join(faults))


def _from_store(stack: str, store: StateStore) -> Status:
    locks = tuple(store.locks(stack))
    base = Status(stack, command_words(stack), store.url, Condition.ABSENT, locks=locks)
    key = store.state_key(stack)
    if key is None:
        return base
    if key.endswith(".zst"):
        # Python's own library does not read it; the engine does.
        return _from_engine(stack, locks)
    try:
        found = store.read(stack) or {}
    except StateError as error:
        return replace(base, condition=Condition.DAMAGED, detail=str(error))
    return _there(base, found)


def _from_engine(stack: str, locks: tuple[Lock, ...] = ()) -> Status:
    base = Status(stack, command_words(stack), state_backend(stack), Condition.ABSENT, locks=locks)
    listed = run_pulumi(["stack", "ls", "--json"], stack)
    if listed.returncode != 0:
        raise StateError(f"The backend {base.backend} does not answer: {listed.stderr.strip()}")
    entry = next(
        (e for e in json.loads(listed.stdout) if e["name"].rsplit("/", 1)[-1] == stack), None
    )
    if entry is None:
        return base
    base = replace(base, updating=bool(entry.get("updateInProgress")))
    exported = run_pulumi(["stack", "export", "--stack", stack], stack)
    if exported.returncode != 0:
        return replace(base, condition=Condition.DAMAGED, detail=exported.stderr.strip())
    return _there(base, json.loads(exported.stdout).get("deployment") or {})


def _there(base: Status, deployment: Mapping[str, Any]) -> Status:
    resources = deployment.get("resources") or []
    if not resources and not deployment.get("pending_operations"):
        return replace(base, condition=Condition.EMPTY)
    pending = tuple(
        PendingOperation(
            entry["type"], entry["resource"]["type"], entry["resource"]["urn"].split("::", 3)[3]
        )
        for entry in deployment.get("pending_operations") or []
    )
    return replace(base, condition=Condition.THERE, resources=len(resources), pending=pending)
