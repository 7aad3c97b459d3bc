"""Asking how a stack stands, and refusing to go on where something needs mending first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.stack_files import run_pulumi
from totara_infra.delivery.stacks import live_context
from totara_infra.delivery.state.comparison import Comparison, compare_with_live
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.locks import Lock
from totara_infra.delivery.state.standing import Condition, PendingOperation, Status
from totara_infra.delivery.state.store import StateStore, open_store
from totara_infra.local import emulator, lifecycle, stack_state
from totara_infra.local.project import runs_locally
from totara_infra.local.pulumi_command import state_backend
from totara_infra.model.problems import TotaraError
from totara_infra.model.stack import command_words
from totara_infra.operations.live import Live


def state_status(stack: str) -> Status:
    """Ask a stack's backend how it stands. Changes nothing, and does not look at AWS.

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
    running = emulator.running(stack) is not None
    own = stack_state.own_backend()
    return replace(
        status,
        interrupted=lifecycle.was_interrupted(stack),
        orphaned=own and running and status.condition is Condition.ABSENT,
        stopped=not running and status.condition is not Condition.ABSENT,
        own=own,
    )


def compared_status(name: str, stack: str, rehearse: bool) -> Status:
    """The same, with the ids of the state held against what is live.

    Args:
        name: of an environment, or of the stack of an isolated client.
        stack: the engine's name of it.
        rehearse: it is the rehearsal.

    Raises:
        StateError: the backend can't be reached.
    """
    status = state_status(stack)
    if runs_locally(stack) and emulator.running(stack) is None:
        return status
    try:
        blueprint, live = live_context(name, rehearse)
    except TotaraError as error:
        # The files say what should be there; that they are wrong is for `totara validate` to say.
        return replace(status, comparison=Comparison({}, not_compared=(str(error),)))
    return compared_with(status, live, blueprint)


def compared_with(status: Status, live: Live, blueprint: Blueprint) -> Status:
    """A status with what the live environment says.

    Args:
        status: of the stack.
        live: its environment.
        blueprint: what should be there.
    """
    return replace(status, comparison=compare_with_live(status.recorded, live, blueprint))


def refuse_unsound(stack: str, *, preview: bool = False) -> None:
    """See that an update may run, as far as the backend knows.

    Args:
        stack: the engine's name of it.
        preview: only what makes the plan of an update wrong as well is refused.

    Raises:
        StateError: somebody holds the stack, its state is damaged, or operations are unfinished;
            each with the way to mend it.
    """
    _refuse(state_status(stack), preview)


def refuse_other_things(
    stack: str, live: Live, blueprint: Blueprint, *, preview: bool = False
) -> None:
    """See that the state is about what is live, before anything is made.

    Args:
        stack: the engine's name of it.
        live: its environment.
        blueprint: what should be there.
        preview: see `refuse_unsound`.

    Raises:
        StateError: what is live is not in the state, or is another thing there; or the same as
            `refuse_unsound` raises.
    """
    # An emulator that was started a moment ago has no state yet, and needs none: what is in it says
    # whether one is missing.
    status = replace(state_status(stack), orphaned=False)
    _refuse(compared_with(status, live, blueprint), preview)


def _refuse(status: Status, preview: bool) -> None:
    faults = list(status.faults(preview=preview))
    if faults:
        raise StateError("\n".join(faults))


def left_locked(stack: str) -> bool:
    """Whether a lock of a stack is there, as an engine that was killed leaves it.

    Args:
        stack: the engine's name of it.
    """
    store = open_store(stack)
    try:
        return store is not None and bool(store.locks(stack))
    except StateError:
        # Nobody knows: the mark of the update stays, and the next command looks again.
        return True


def running_update(stack: str) -> str:
    """Who is updating a stack now, as a sentence; nothing where nobody is or nobody can tell.

    Args:
        stack: the engine's name of it.
    """
    try:
        store = open_store(stack)
        locks = store.locks(stack) if store is not None else []
    except StateError:
        # Whoever may read AWS need not be allowed to read the state.
        return ""
    working = [lock for lock in locks if lock.alive is not False]
    if not working:
        return ""
    lock = working[0]
    who = f" (process {lock.pid} of {lock.user} on {lock.host})" if lock.pid else ""
    return (
        f"An update of stack {stack} is running{who}: what it has not finished yet shows as "
        "missing or changed."
    )


def _from_store(stack: str, store: StateStore) -> Status:
    base = Status(
        stack,
        command_words(stack),
        store.url,
        Condition.ABSENT,
        locks=tuple(store.locks(stack)),
        copies=len(store.copies(stack)),
    )
    key = store.state_key(stack)
    if key is None:
        return base
    if key.endswith(".zst"):
        # Python's own library does not read it; the engine does.
        asked = _from_engine(stack, base.locks)
        return replace(asked, copies=base.copies)
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
        PendingOperation(entry["type"], entry["resource"]["type"], _name(entry["resource"]))
        for entry in deployment.get("pending_operations") or []
    )
    recorded = {
        (str(resource["type"]), _name(resource)): str(resource["id"])
        for resource in resources
        # What is only waiting to be deleted is no longer the one of its name.
        if resource.get("custom")
        and resource.get("id")
        and not resource.get("delete")
        and not str(resource["type"]).startswith("pulumi:")
    }
    return replace(
        base,
        condition=Condition.THERE,
        resources=len(resources),
        pending=pending,
        recorded=recorded,
    )


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).split("::", 3)[3]
