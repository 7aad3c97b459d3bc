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
from totara_infra.delivery.state.composition import compose, secrets_provider, with_outputs
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.scratch import Preview, scratch
from totara_infra.delivery.state.store import StateStore, open_store
from totara_infra.delivery.update import run_folder
from totara_infra.local import lifecycle
from totara_infra.local.progress import step
from totara_infra.local.project import runs_locally
from totara_infra.local.setup import ensure_ready
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
    name: str, rehearse: bool, take: Mapping[str, str], *, dry_run: bool = False
) -> Rebuilt:
    """Make a stack's state again.

    Args:
        name: of an environment, or of the stack of an isolated client.
        rehearse: its rehearsal.
        take: logical name -> id of the thing to take where there are several.
        dry_run: only say what would be imported.

    Raises:
        UsageError: no such stack, its emulator is not running, or a choice that makes no sense.
        ProblemsError: what is wrong in the files.
        StateError: somebody works on the stack, or the engine or AWS refuses.
    """
    stack = engine_stack(name, rehearse)
    blueprint, live = live_context(name, rehearse)
    if dry_run:
        return _result(stack, _search(live, blueprint, take))
    if runs_locally(stack):
        ensure_ready()
    with _held(stack) as store:
        result = _search(live, blueprint, take)
        rebuilt = _result(stack, result)
        if not rebuilt.succeeded:
            return rebuilt
        if not result.found:
            raise StateError(_nothing(stack, live))
        if is_generated(stack):
            write_generated_file(stack, name)
        content, deployment, proof = _rebuilt(stack, live, result)
        if store is not None:
            backup = store.keep(stack)
            store.replace(stack, content)
        else:
            backup = _through_engine(stack, deployment)
        if runs_locally(stack):
            lifecycle.settle(stack)
    changes = {
        kind: left
        for kind, names in proof.operations.items()
        if kind not in _UNCHANGED and (left := sorted(set(names) - set(result.absent)))
    }
    return replace(rebuilt, changes=changes, backup=backup, written=True)


@contextlib.contextmanager
def _held(stack: str) -> Iterator[StateStore | None]:
    """Nobody else works on the stack inside the block."""
    store = open_store(stack)
    with contextlib.ExitStack() as holds:
        if runs_locally(stack):
            holds.enter_context(lifecycle.claimed(stack))
        if store is not None:
            holds.enter_context(store.locked(stack))
        yield store


def _search(live: Live, blueprint: Blueprint, take: Mapping[str, str]) -> LiveResources:
    with step("Looking for every resource in AWS", "2 to 10 s"):
        return find_live(live, blueprint, take)


def _nothing(stack: str, live: Live) -> str:
    settings = live.settings
    return (
        f"Nothing of stack {stack} is live in account {settings.account_id}, {settings.region}: "
        "there is nothing to make a state of, and the old one was left as it is. See that the "
        f"credentials are those of this account; `totara up {settings.command_words}` makes a new "
        "environment."
    )


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
        deployment = with_outputs(exported, proof.outputs)
        place.load(deployment)
        return place.state(), deployment, proof


def _through_engine(stack: str, deployment: Mapping[str, Any]) -> str | None:
    """Hand a deployment to a backend that keeps states to itself.

    Returns:
        Where the old state is kept; None where the backend gave none.
    """
    folder = run_folder(stack)
    folder.mkdir(parents=True, exist_ok=True)
    old = folder / f"state-{time.time_ns()}.replaced.json"
    kept = run_pulumi(["stack", "export", "--stack", stack, "--file", str(old)], stack)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as new:
        json.dump(deployment, new)
        new.flush()
        done = run_pulumi(["stack", "import", "--stack", stack, "--file", new.name], stack)
    if done.returncode != 0:
        raise StateError(
            f"The backend of stack {stack} does not take the new state; the old one is as it was: "
            f"{done.stderr.strip()}"
        )
    return str(old) if kept.returncode == 0 else None
