"""Small JSON files that name a running process so surely that no other can be mistaken for it."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

from totara_infra.model.json_text import read_json


@dataclass(frozen=True)
class ProcessIdentity:
    """A process by id and time of creation: ids are used again, the pair is not.

    Attributes:
        pid: The process id.
        create_time: When it was created, in seconds since the epoch, as the system tells it.
    """

    pid: int
    create_time: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the identity of the process that has an id now.

        Args:
            pid: The process id.

        Raises:
            psutil.NoSuchProcess: There is none.
        """
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process if it is still running, else None."""
        try:
            process = psutil.Process(self.pid)
            # A zombie has ended; it only waits for its parent to ask how.
            alive = process.status() != psutil.STATUS_ZOMBIE
            # Linux counts creation times in hundredths of a second from a boot time that it rounds.
            same = abs(process.create_time() - self.create_time) < 1.0
        except psutil.NoSuchProcess:
            return None
        return process if alive and same else None


def read(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in a file, or None where there is none or it is not one.

    Args:
        path: The file.
    """
    try:
        content = read_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write(path: Path, record: dict[str, Any], *, replace: bool = True) -> bool:
    """Write a JSON object so that a reader sees all of it or nothing.

    Args:
        path: The file; its folder is made.
        record: The object.
        replace: Whether a file that is already there is replaced.

    Returns:
        Whether it was written: False only without `replace` where the file was there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(record, out)
        if replace:
            temporary.replace(path)
        else:
            # A hard link fails where the name exists, which a rename would not.
            path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True
