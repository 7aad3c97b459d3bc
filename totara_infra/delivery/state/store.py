"""Where a self-managed backend of the engine keeps state: a folder, or a bucket (`bucket`).

The layout is the engine's own (`pkg/backend/diy`): one object holds a stack's state, and a small
one for each process that works on it keeps others off. Pulumi Cloud shows neither.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.locks import Lock
from totara_infra.delivery.state.situations import CANCEL, LIFT
from totara_infra.local.pulumi_command import state_backend
from totara_infra.local.user import user_name
from totara_infra.model.json_text import read_json
from totara_infra.model.stack import PROJECT, command_words

_ROOT = ".pulumi"
_ENDINGS = (".json", ".json.gz", ".json.zst")


class StateStore(ABC):
    """A backend in which the state of a stack is an object of its own.

    Attributes:
        url: of the backend, as the engine takes it.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def keys(self, prefix: str) -> list[str]:
        """Every key that begins so, in order."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """What a key holds, or None where there is no such key."""

    @abstractmethod
    def put(self, key: str, content: bytes) -> None:
        """Make a key hold something: whoever reads sees the old content or the new one, whole."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""

    @abstractmethod
    def place(self, key: str) -> str:
        """A key as people find it."""

    def state_key(self, stack: str) -> str | None:
        """Key of a stack's state, or None where it has none."""
        base = f"{_ROOT}/stacks/{PROJECT}/{stack}"
        there = set(self.keys(f"{base}.json"))
        return next((base + e for e in _ENDINGS if base + e in there), None)

    def keep(self, stack: str) -> str | None:
        """Copy a stack's state beside the engine's own backups.

        Returns:
            Where the copy is; None where there is no state.
        """
        key = self.state_key(stack)
        if key is None:
            return None
        ending = key.partition(f"/{stack}.")[2]
        copy = f"{_ROOT}/backups/{PROJECT}/{stack}/{stack}.{time.time_ns()}.replaced.{ending}"
        self.put(copy, self.get(key) or b"")
        return self.place(copy)

    def copies(self, stack: str) -> list[str]:
        """Keys of the older states that are kept of a stack, the engine's and ours."""
        backups = self.keys(f"{_ROOT}/backups/{PROJECT}/{stack}/")
        history = self.keys(f"{_ROOT}/history/{PROJECT}/{stack}/")
        found = [*backups, *(key for key in history if ".checkpoint." in key)]
        return [key for key in found if key.endswith(_ENDINGS)]

    def replace(self, stack: str, state: bytes) -> None:
        """Put a state in place of whatever there was, in one step.

        Args:
            stack: name of the stack.
            state: what the engine wrote elsewhere, uncompressed JSON.
        """
        old = self.state_key(stack)
        new = f"{_ROOT}/stacks/{PROJECT}/{stack}.json"
        self.put(new, state)
        if f"{_ROOT}/meta.yaml" not in self.keys(f"{_ROOT}/meta.yaml"):
            # Without it the engine takes the folder for one of its older layout.
            self.put(f"{_ROOT}/meta.yaml", b"version: 1\n")
        if old not in (None, new):
            self.delete(str(old))

    def read(self, stack: str) -> dict[str, Any] | None:
        """A stack's state as data, or None where there is none.

        Raises:
            StateError: it is there and no state.
        """
        key = self.state_key(stack)
        if key is None or key.endswith(".zst"):
            return None
        content = self.get(key) or b""
        try:
            text = gzip.decompress(content) if key.endswith(".gz") else content
            found = read_json(text)["checkpoint"]["latest"] or {}
        except (ValueError, EOFError, OSError, KeyError, TypeError) as error:
            raise StateError(
                f"{self.place(key)} is no state: it is damaged or cut off ({error})."
            ) from None
        if not isinstance(found, dict):
            raise StateError(f"{self.place(key)} is no state: it holds no deployment.")
        return found

    def locks(self, stack: str) -> list[Lock]:
        """Who holds a stack, the longest first."""
        found = []
        for key in self.keys(f"{_lock_folder(stack)}/"):
            if key.endswith(".json"):
                found.append(Lock.parse(key, self.place(key), self.get(key) or b""))
        return sorted(found, key=lambda lock: lock.since)

    @contextmanager
    def locked(self, stack: str, *, lift: bool = False) -> Iterator[None]:
        """Keep the engine and other commands off a stack, by the engine's own protocol.

        Locks of processes that have ended on this machine are lifted.

        Args:
            stack: the engine's name of it.
            lift: locks of which can't be told from here whether anybody is behind them too.

        Raises:
            StateError: somebody else holds it.
        """
        for lock in self.locks(stack):
            if lock.alive is False or (lift and lock.alive is None):
                self.delete(lock.key)
        key = f"{_lock_folder(stack)}/{uuid.uuid4()}.json"
        mine = {
            "pid": os.getpid(),
            "username": user_name(),
            "hostname": socket.gethostname(),
            "timestamp": datetime.now(UTC).isoformat(),
        }
        self.put(key, json.dumps(mine).encode())
        try:
            # Only now: two that start at once see each other, and neither goes on.
            others = [lock for lock in self.locks(stack) if lock.key != key]
            if others:
                raise StateError("\n".join(self._held(stack, lock) for lock in others))
            yield
        finally:
            self.delete(key)

    def _held(self, stack: str, lock: Lock) -> str:
        # The engine lifts a lock only where there is a state.
        lift = LIFT if self.state_key(stack) is None else CANCEL
        return lock.sentence(stack, lift.format(stack=stack, words=command_words(stack)))


def _lock_folder(stack: str) -> str:
    return f"{_ROOT}/locks/organization/{PROJECT}/{stack}"


class FolderStore(StateStore):
    """A folder of a file system, `file://PATH`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        path = unquote(url.removeprefix("file://").partition("?")[0])
        self._root = Path(path).expanduser()

    def keys(self, prefix: str) -> list[str]:
        """List the folder of a prefix."""
        folder = self._root / prefix.rpartition("/")[0]
        found = (p.relative_to(self._root).as_posix() for p in folder.glob("*") if p.is_file())
        return sorted(key for key in found if key.startswith(prefix))

    def get(self, key: str) -> bytes | None:
        """Read a file."""
        path = self._root / key
        return path.read_bytes() if path.is_file() else None

    def put(self, key: str, content: bytes) -> None:
        """Write beside the file and rename: nobody sees half of it."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        # The engine's library keeps a digest of each file beside it, which would be wrong now.
        path.with_name(f"{path.name}.attrs").unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """Remove a file."""
        (self._root / key).unlink(missing_ok=True)

    def place(self, key: str) -> str:
        """The path of the file."""
        return str(self._root / key)


def open_store(stack: str) -> StateStore | None:
    """The store that holds a stack's state, by the backend that is chosen.

    Returns:
        None for a backend that keeps it to itself: Pulumi Cloud, and those of other clouds.
    """
    url = state_backend(stack)
    if url.startswith("file://"):
        return FolderStore(url)
    if url.startswith("s3://"):
        # Only here, as most plans look for a state in a folder, and boto3 takes longer than that.
        from totara_infra.delivery.state.bucket import BucketStore

        return BucketStore(url)
    return None
