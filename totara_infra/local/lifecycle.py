"""Keeps a stack's emulator and its state consistent, whatever was interrupted or killed.

Both are throwaway, so whenever one does not match the other both start afresh. Nothing of another
stack is touched. Nor is a backend that the user has named, nor an emulator whose state is there:
what does not match is refused then, with the way forward (`totara_infra.delivery.state`).
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from totara_infra.local import emulator, process_record, stack_state
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.project import REHEARSAL_SUFFIX, runs_locally, state_directory

_claims: dict[Path, int] = {}
"""The locks that this process holds, by file, as open file descriptors."""
_CLOCK_SECONDS = 2.0
"""How far the system's time of a process's creation and of a file's change may be apart."""


def prepare(stack: str, *, region: str | None = None) -> list[str]:
    """Make emulator and state of a stack match, before the emulator is started and the stack used.

    Afterwards either both are there and belong together, or neither is. The stack is claimed until
    this process ends: no other command may change it meanwhile.

    Args:
        stack: A stack that lives in an emulator.
        region: The AWS region that the emulator has to stand for, if it matters.

    Returns:
        What had to be done, in sentences for people.

    Raises:
        LocalEnvironmentError: Another command is working on the stack.
    """
    _claim(stack)
    mismatch = _mismatch(stack, region)
    if mismatch is None:
        return _port_message(stack)
    emulator.stop(stack)
    stack_state.remove(stack)
    _marker(stack).unlink(missing_ok=True)
    return [mismatch]


@contextlib.contextmanager
def updating(stack: str, left_locked: Callable[[], bool] | None = None) -> Iterator[None]:
    """Mark a stack as being updated, so that an interruption is noticed afterwards.

    The mark goes when the update ends in an orderly way, failed or not. It stays when this process
    is killed, or when the engine was, which leaves the engine's own lock behind.

    Args:
        stack: A stack that lives in an emulator.
        left_locked: Tells at the end whether the engine's lock is still there; asks the project's
            own backend where it is left out.

    Raises:
        LocalEnvironmentError: Another command is working on the stack.
    """
    _claim(stack)
    process_record.write(_marker(stack), {"pid": os.getpid()})
    try:
        yield
    finally:
        if not (left_locked() if left_locked is not None else stack_state.locks(stack)):
            _marker(stack).unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(stack: str) -> Iterator[None]:
    """Keep other commands off a stack inside the block.

    Args:
        stack: A stack that lives in an emulator.

    Raises:
        LocalEnvironmentError: Another command is working on the stack.
    """
    claimed_before = _lock_file(stack) in _claims
    _claim(stack)
    try:
        yield
    finally:
        if not claimed_before:
            _release(stack)


def settle(stack: str) -> None:
    """Forget that an update was interrupted: the state has been made again from the emulator.

    Args:
        stack: A stack that lives in an emulator, claimed.
    """
    _marker(stack).unlink(missing_ok=True)


def was_interrupted(stack: str) -> bool:
    """Tell whether the last update of a stack was killed, so that its state lacks what it did.

    Args:
        stack: A stack that lives in an emulator.
    """
    marker = process_record.read(_marker(stack))
    if marker is None:
        return _marker(stack).exists()
    pid = marker.get("pid")
    return not (isinstance(pid, int) and psutil.pid_exists(pid))


def discard(stack: str) -> list[str]:
    """Stop a stack's emulator and remove its state, locks and markers; caches stay.

    Args:
        stack: A stack that lives in an emulator.

    Returns:
        What was done, in sentences for people.

    Raises:
        LocalEnvironmentError: Another command is working on the stack.
    """
    claimed_before = _lock_file(stack) in _claims
    _claim(stack)
    stopped = emulator.stop(stack)
    emulator.remove_files(stack)
    had_state = stack_state.remove(stack)
    _marker(stack).unlink(missing_ok=True)
    if not claimed_before:
        _release(stack)
    done = []
    if stopped:
        done.append(f"stopped its emulator (process {stopped.pid}, port {stopped.port})")
    if had_state:
        done.append("removed its state")
    messages = [
        f"Stack {stack} is down: {' and '.join(done)}."
        if done
        else f"Stack {stack} was down already: no emulator was running and there was no state."
    ]
    if not stack_state.own_backend():
        messages.append(_foreign_state(stack))
    return messages


def _mismatch(stack: str, region: str | None) -> str | None:
    """Say why emulator and state don't belong together, or None where they do."""
    if not stack_state.own_backend():
        return None
    if _marker(stack).exists() or stack_state.locks(stack):
        return (
            f"The last update of stack {stack} was interrupted, so its state does not say what is "
            f"in its emulator: emulator and state start afresh. {_keeping(stack)}"
        )
    running = emulator.running(stack)
    state = stack_state.state_file(stack)
    if running is None or state is None:
        return _half(stack, running is not None, state is not None)
    if state.stat().st_mtime < running.create_time - _CLOCK_SECONDS:
        return (
            f"The state of stack {stack} is older than its emulator, so it describes another one: "
            "both start afresh."
        )
    if region is not None and running.region != region:
        return (
            f"The emulator of stack {stack} stands for {running.region}, not {region}: emulator "
            "and state start afresh."
        )
    return None


def _half(stack: str, running: bool, has_state: bool) -> str | None:
    """Say what is missing where only one of the two is there."""
    if has_state:
        return (
            f"The emulator of stack {stack} is no longer running, and all that its state describes "
            "is gone with it: the state is removed, and both start afresh."
        )
    if running:
        return (
            f"The emulator of stack {stack} is running, but the state that belongs to it is gone: "
            f"both start afresh. {_keeping(stack)}"
        )
    return None


def _keeping(stack: str) -> str:
    return f"(`totara state rebuild {_words(stack)}`, run instead, keeps what is there.)"


def _words(stack: str) -> str:
    if stack.endswith(REHEARSAL_SUFFIX):
        return f"{stack.removesuffix(REHEARSAL_SUFFIX)} --rehearse"
    return stack


def _port_message(stack: str) -> list[str]:
    running = emulator.running(stack)
    asked = os.environ.get(emulator.PORT_VARIABLE) and emulator.asked_port(stack)
    if running is None or not asked or asked == running.port:
        return []
    return [
        f"The emulator of stack {stack} is already running on port {running.port} and stays there; "
        f"for port {asked} run `make down` first."
    ]


def _foreign_state(stack: str) -> str:
    return (
        f"The state of stack {stack} is in {os.environ['PULUMI_BACKEND_URL']}, as "
        "PULUMI_BACKEND_URL says, and was not touched. Where it has resources, `totara state "
        f"rebuild {_words(stack)} --empty` puts an empty one in its place and keeps the old one."
    )


def _marker(stack: str) -> Path:
    return state_directory() / f"{stack}.updating"


def _lock_file(stack: str) -> Path:
    return state_directory() / f"{stack}.lock"


def _claim(stack: str) -> None:
    """Keep other commands off a stack; the system lifts the claim when this process ends."""
    if not runs_locally(stack):
        raise LocalEnvironmentError(
            f"Stack {stack} does not live in an emulator on this machine; it is not touched here."
        )
    file = _lock_file(stack)
    if file not in _claims:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode() or "unknown"
            os.close(descriptor)
            raise _busy(stack, f"Another command (process {holder})") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        _claims[file] = descriptor
    engine = stack_state.working_engine(stack)
    if engine is not None:
        _release(stack)
        raise _busy(stack, f"The Pulumi engine (process {engine})")


def _release(stack: str) -> None:
    """Give up a claim and remove its file."""
    file = _lock_file(stack)
    # Removed while it is held: whoever opens it from now on makes a new one.
    file.unlink(missing_ok=True)
    os.close(_claims.pop(file))


def _busy(stack: str, who: str) -> LocalEnvironmentError:
    return LocalEnvironmentError(
        f"{who} is working on stack {stack}; wait until it has ended, or end it, and try again."
    )
