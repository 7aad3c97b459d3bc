"""The state of stacks in an emulator: throwaway files of the engine's `file://` backend."""

import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil

from totara_infra.local import process_record
from totara_infra.local.project import state_directory

_KEPT_OF_A_KIND = 5
MOST_COPIES = 2 * _KEPT_OF_A_KIND
"""Older states that are kept of a stack: backups, and those of the engine's history."""
PRIVATE_UMASK = 0o077
"""For the engine, which leaves it to this who may read a state and its copies: nobody else."""
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_MOMENT = re.compile(r"[.-](\d{16,})\.")
"""The engine's and our copies have the nanoseconds of their making in their names."""


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


def make_private() -> None:
    """Make the folder of the project's own backend, and let nobody else read what is in it.

    What an earlier engine wrote there for everybody is mended.
    """
    _folder().mkdir(parents=True, exist_ok=True)
    for path in [_folder(), *_folder().rglob("*")]:
        try:
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) != _PRIVATE_FOLDER:
                path.chmod(_PRIVATE_FOLDER)
            elif stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) != _PRIVATE_FILE:
                path.chmod(_PRIVATE_FILE)
        except FileNotFoundError:
            # Another stack's engine has removed it: a lock, say.
            continue


def prune(stack: str) -> int:
    """Remove the oldest copies of a stack's state in the project's own backend.

    Args:
        stack: The stack's name.

    Returns:
        How many files were removed.
    """
    removed = 0
    for kind in ("backups", "history"):
        for folder in _bookkeeping().glob(f"{kind}/*/{stack}"):
            by_moment: dict[int, list[Path]] = {}
            for file in folder.iterdir():
                if found := _MOMENT.search(file.name):
                    by_moment.setdefault(int(found[1]), []).append(file)
            for moment in sorted(by_moment)[:-_KEPT_OF_A_KIND]:
                for file in by_moment[moment]:
                    file.unlink(missing_ok=True)
                    removed += 1
    return removed


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
