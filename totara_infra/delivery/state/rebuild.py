"""Making a stack's state again from the blueprint and what is live.

Everything happens in a scratch backend: the engine plans the program there on an empty state, ids
are filled in, the AWS plugin reads each resource, and the plan on the result shows what an update
would still change. Only then the new state takes the place of the old one, in one step.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.stack_files import is_generated, run_pulumi, write_generated_file
from totara_infra.delivery.stacks import engine_stack, live_context
from totara_infra.delivery.state.composition import (
    compose,
    deployment,
    secrets_provider,
    with_outputs,
)
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.scratch import Preview, scratch
from totara_infra.delivery.state.situations import EMPTY
from totara_infra.delivery.state.standing import Condition
from totara_infra.delivery.state.status import state_status
from totara_infra.delivery.state.store import StateStore, open_store
from totara_infra.delivery.update import run_folder
from totara_infra.local import emulator, lifecycle, stack_state
from totara_infra.local.progress import step
from totara_infra.local.project import runs_locally
from totara_infra.local.setup import ensure_ready
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import PROJECT, command_words
from totara_infra.operations.live import Live
from totara_infra.operations.live_resources import LiveResources, find_live

SCHEMA = 1
"""Version of the JSON form."""
_UNCHANGED = frozenset({"same", "refresh", "read"})


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild found and did.

    Attributes:
        stack: the engine's name of it.
        found: logical name -> the plugin's id, of what is imported.
        absent: logical names of what is not there; the next update makes it.
        ambiguous: what is there more than once, with the way to choose; then nothing is written.
        not_read: types that can't be read, with the reason; then nothing is written.
        changes: operation -> resources that the next update changes because they are live in
            another form than declared; without those that are absent.
        backup: where the old state is kept; None where there was none.
        written: the state was replaced.
    """

    stack: str
    found: Mapping[str, str]
    absent: tuple[str, ...]
    ambiguous: tuple[str, ...]
    not_read: tuple[str, ...]
    changes: Mapping[str, Sequence[str]]
    backup: str | None = None
    written: bool = False

    @property
    def succeeded(self) -> bool:
        """Nothing stands in the way of a state."""
        return not self.ambiguous and not self.not_read

    def as_data(self) -> dict[str, Any]:
        """The result for JSON."""
        return {
            "schema": SCHEMA,
            "stack": self.stack,
            "written": self.written,
            "counts": {
                "imported": len(self.found),
                "not_there": len(self.absent),
                "ambiguous": len(self.ambiguous),
                "to_change": sum(map(len, self.changes.values())),
            },
            "imported": dict(self.found),
            "not_there": list(self.absent),
            "ambiguous": list(self.ambiguous),
            "not_read": list(self.not_read),
            "to_change": {kind: list(names) for kind, names in self.changes.items()},
            "backup": self.backup,
        }


def rebuild_state(
    name: str,
    rehearse: bool,
    take: Mapping[str, str],
    *,
    dry_run: bool = False,
    empty: bool = False,
    lift_locks: bool = False,
) -> Rebuilt:
    """Make a stack's state again.

    Args:
        name: of an environment, or of the stack of an isolated client.
        rehearse: its rehearsal.
        take: logical name -> id of the thing to take where there are several.
        dry_run: only say what would be imported.
        empty: put an empty state in place of one of which nothing is live.
        lift_locks: lift locks of which can't be told from here whether anybody is behind them.

    Raises:
        UsageError: no such stack, its emulator is not running, or a choice that makes no sense.
        ProblemsError: what is wrong in the files.
        StateError: somebody works on the stack, the engine or AWS refuses, or nothing is live.
    """
    stack = engine_stack(name, rehearse)
    if _gone(stack):
        # Its emulator has ended, and what the state describes with it.
        with _held(stack, lift_locks) as store:
            return _emptied(stack, store, empty, "its emulator is not running", dry_run)
    blueprint, live = live_context(name, rehearse)
    if dry_run:
        return _result(stack, _search(live, blueprint, take))
    if runs_locally(stack):
        ensure_ready()
    with _held(stack, lift_locks) as store:
        result = _search(live, blueprint, take)
        rebuilt = _result(stack, result)
        if not rebuilt.succeeded:
            return rebuilt
        if not result.found:
            return _emptied(stack, store, empty, _where(live), dry_run)
        if empty:
            raise UsageError(
                f"--empty: {len(result.found)} resources of stack {stack} are live, and an update "
                "on an empty state would make them a second time. Leave it out."
            )
        if is_generated(stack):
            write_generated_file(stack, name)
        content, whole, proof = _rebuilt(stack, live, result)
        backup = _put(stack, store, content, whole)
    changes = {
        kind: left
        for kind, names in proof.operations.items()
        if kind not in _UNCHANGED and (left := sorted(set(names) - set(result.absent)))
    }
    return replace(rebuilt, changes=changes, backup=backup, written=True)


@contextlib.contextmanager
def _held(stack: str, lift_locks: bool) -> Iterator[StateStore | None]:
    """Nobody else works on the stack inside the block."""
    store = open_store(stack)
    with contextlib.ExitStack() as holds:
        if runs_locally(stack):
            holds.enter_context(lifecycle.claimed(stack))
        if store is not None:
            holds.enter_context(store.locked(stack, lift=lift_locks))
        yield store


def _gone(stack: str) -> bool:
    """Whether an emulator has ended while its state is in a backend that the user has named."""
    named = runs_locally(stack) and not stack_state.own_backend()
    return named and emulator.running(stack) is None


def _emptied(stack: str, store: StateStore | None, empty: bool, why: str, dry_run: bool) -> Rebuilt:
    """Put an empty state in place of one of which nothing is live, where that is meant.

    Raises:
        StateError: it was not said, or there is nothing to be replaced.
    """
    words = command_words(stack)
    status = state_status(stack)
    if status.condition in (Condition.ABSENT, Condition.EMPTY):
        if runs_locally(stack) and not dry_run:
            lifecycle.settle(stack)
        raise StateError(
            f"Nothing of stack {stack} is live: {why}. It has no state either, so there is nothing "
            f"to make one of; `totara up {words}` makes a new environment."
        )
    if not empty or dry_run:
        raise StateError(
            f"Nothing of stack {stack} is live: {why}. There is nothing to make a state of, and "
            "the old one was left as it is. See that the credentials are those of the environment. "
            f"If it was taken down, `{EMPTY.format(words=words)}` puts an empty state in place of "
            "the old one, which is kept."
        )
    nothing = {"stack": f"organization/{PROJECT}/{stack}", "latest": None}
    content = json.dumps({"version": 3, "checkpoint": nothing}).encode()
    backup = _put(stack, store, content, deployment([], None))
    return Rebuilt(stack, {}, (), (), (), {}, backup=backup, written=True)


def _put(
    stack: str, store: StateStore | None, content: bytes, whole: Mapping[str, Any]
) -> str | None:
    """Replace a stack's state.

    Args:
        stack: the engine's name of it.
        store: that holds it; None where the engine has to take it.
        content: the state as the store holds it.
        whole: the same as the engine takes it.

    Returns:
        Where the old state is kept; None where there was none.
    """
    if store is not None:
        backup = store.keep(stack)
        store.replace(stack, content)
    else:
        backup = _through_engine(stack, whole)
    if runs_locally(stack):
        lifecycle.settle(stack)
        if stack_state.own_backend():
            stack_state.prune(stack)
    return backup


def _search(live: Live, blueprint: Blueprint, take: Mapping[str, str]) -> LiveResources:
    with step("Looking for every resource in AWS", "2 to 10 s"):
        return find_live(live, blueprint, take)


def _where(live: Live) -> str:
    settings = live.settings
    return f"account {settings.account_id}, {settings.region} has none of the blueprint's resources"


def _result(stack: str, found: LiveResources) -> Rebuilt:
    return Rebuilt(
        stack,
        {name: match.identifier for name, match in found.found.items()},
        found.absent,
        tuple(ambiguity.sentence() for ambiguity in found.ambiguous),
        tuple(f"{n.subject} ({n.count} resources): {n.reason}" for n in found.not_read),
        {},
    )


def _rebuilt(stack: str, live: Live, found: LiveResources) -> tuple[bytes, dict[str, Any], Preview]:
    """The new state as a backend holds it and as a deployment, and the plan on it."""
    with scratch(stack) as place:
        with step("Planning the program on an empty state", "5 to 20 s"):
            planned = place.preview()
        with step("Reading each resource through the AWS plugin", "5 to 60 s"):
            place.load(compose(planned, found, live.settings))
            place.refresh()
        with step("Planning the program on the rebuilt state", "5 to 20 s"):
            proof = place.preview()
        exported = place.deployment()
        provider = secrets_provider(stack)
        if provider is None:
            # The backend's own: it holds no secret value, so nothing has to be encrypted again.
            del exported["deployment"]["secrets_providers"]
        whole = with_outputs(exported, proof.outputs)
        place.load(whole)
        return place.state(), whole, proof


def _through_engine(stack: str, whole: Mapping[str, Any]) -> str | None:
    """Hand a deployment to a backend that keeps states to itself.

    Returns:
        Where the old state is kept; None where the backend gave none.
    """
    folder = run_folder(stack)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = folder / f"state-{time.time_ns()}.replaced.json"
    kept = run_pulumi(["stack", "export", "--stack", stack, "--file", str(old)], stack)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as new:
        json.dump(whole, new)
        new.flush()
        done = run_pulumi(["stack", "import", "--stack", stack, "--file", new.name], stack)
    if done.returncode != 0:
        raise StateError(
            f"The backend of stack {stack} does not take the new state; the old one is as it was: "
            f"{done.stderr.strip()}"
        )
    return str(old) if kept.returncode == 0 else None
