"""The state of stacks in an emulator: throwaway files of the engine's `file://` backend."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from totara_infra.local import process_record
from totara_infra.local.project import state_directory


def own_backend() -> bool:
    """Tell whether state is kept by the project, not in a backend that the user has named."""
    return not os.environ.get("PULUMI_BACKEND_URL")


def state_file(stack: str) -> Path | None:
    """Return the file with a stack's state, or None where it has none.

    Args:
        stack: The stack's name.
    """
    endings = (".json", ".json.gz", ".json.zst")
    found = (
        file for ending in endings for file in _bookkeeping().glob(f"stacks/*/{stack}{ending}")
    )
    return next(found, None)


def locks(stack: str) -> list[Path]:
    """Return the files by which the engine keeps others off a stack while it works on it.

    Args:
        stack: The stack's name.
    """
    return sorted(_bookkeeping().glob(f"locks/*/*/{stack}/*.json"))


def working_engine(stack: str) -> int | None:
    """Return the process id of an engine that is working on a stack now, or None.

    Args:
        stack: The stack's name.
    """
    for lock in locks(stack):
        record = process_record.read(lock) or {}
        pid = record.get("pid")
        if isinstance(pid, int) and record.get("hostname") == socket.gethostname():
            try:
                process = psutil.Process(pid)
                # The id may have gone to another program since.
                if process.status() != psutil.STATUS_ZOMBIE and "pulumi" in process.name():
                    return pid
            except psutil.NoSuchProcess:
                continue
    return None


def remove(stack: str) -> bool:
    """Remove everything that the project's backend keeps of a stack; other stacks stay.

    Args:
        stack: The stack's name.

    Returns:
        Whether there was a state.
    """
    existed = state_file(stack) is not None
    for path in _belongings(stack):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if not any(_bookkeeping().glob("stacks/*/*.json*")):
        shutil.rmtree(_folder(), ignore_errors=True)
    return existed


def _folder() -> Path:
    return state_directory() / "state"


def _bookkeeping() -> Path:
    return _folder() / ".pulumi"


def _belongings(stack: str) -> Iterator[Path]:
    patterns = (
        f"stacks/*/{stack}.json*",
        f"history/*/{stack}",
        f"backups/*/{stack}",
        f"locks/*/*/{stack}",
    )
    for pattern in patterns:
        yield from list(_bookkeeping().glob(pattern))
    yield from list((state_directory() / "home" / "logs").glob(f"*+{stack}-*.log"))
