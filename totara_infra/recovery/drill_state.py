"""What is kept of a drill between its runs, so that it can go on after an interruption."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from totara_infra.local import emulator
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.signs import Sign


class DrillState(BaseModel):
    """What is kept of a drill between its runs."""

    emulator: str
    """Which process the environment is; with another one it is another environment."""
    started: datetime
    injected: datetime
    """Set before the fault is: events from then on are the fault's."""
    broken: bool = False
    """The fault has been injected."""
    runs: int = 1
    caller: dict[str, str]
    """Who drills: asked before the fault, as nobody may answer afterwards."""
    facts: dict[str, Any] = Field(default_factory=dict)
    signs: dict[str, Sign] = Field(default_factory=dict)
    """Indicator -> what it showed after the fault."""
    idle: list[str] = Field(default_factory=list)


def environment_of(stack: str) -> str:
    """Which process an environment is; one that starts afresh is another one."""
    running = emulator.recorded(stack)
    return f"{running.pid}/{running.create_time}" if running is not None else ""


def read_state(folder: Path, stack: str) -> DrillState | None:
    """The drill that goes on; None where there is none, or its environment is gone."""
    try:
        state = DrillState.model_validate_json((folder / "drill.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    return state if state.emulator == environment_of(stack) else None


def write_state(folder: Path, state: DrillState) -> None:
    """Keep a drill; it is on the disk when this returns."""
    path = folder / "drill.json"
    temporary = path.with_suffix(".new")
    # The facts hold the password of a customer who was made for the drill.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(state.model_dump_json())
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


def clear(folder: Path) -> None:
    """Forget a drill."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def require_no_other(folder: Path, stack: str) -> None:
    """See that the environment is not in the middle of another drill.

    Raises:
        DrillError: it is.
    """
    for other in sorted(folder.parent.iterdir()):
        if other.is_dir() and other != folder and read_state(other, stack) is not None:
            raise DrillError(
                f"{stack} is in the middle of another drill, of {other.name}.\n"
                "    fix: go on with that one first"
            )


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep a second drill of the same environment off.

    Raises:
        DrillError: one is running.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder.parent / "lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DrillError(
                f"Another process is drilling {folder.parent.name}.\n"
                "    fix: wait until it has ended"
            ) from None
        yield
