"""Locks of the engine's self-managed backends: who holds a stack, and whether he still lives."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime

import psutil

from totara_infra.model.json_text import read_json

_CLOCK_SECONDS = 5.0
"""A process that began later than this after its lock was written is another one of the same id."""


@dataclass(frozen=True)
class Lock:
    """A process that works on a stack, or did so when it ended without tidying up.

    Attributes:
        key: of the lock in its store.
        place: the same as people find it.
        pid: process id; 0 where the lock can't be read.
        user: who started it.
        host: machine that it runs on.
        since: ISO 8601, as the engine wrote it.
    """

    key: str
    place: str
    pid: int
    user: str
    host: str
    since: str

    @classmethod
    def parse(cls, key: str, place: str, content: bytes) -> Lock:
        """A lock from what the engine wrote; one that is damaged names nobody."""
        try:
            found = read_json(content)
            return cls(
                key,
                place,
                int(found["pid"]),
                str(found.get("username") or "somebody"),
                str(found["hostname"]),
                str(found.get("timestamp", "")),
            )
        except (ValueError, KeyError, TypeError):
            return cls(key, place, 0, "somebody", "", "")

    @property
    def alive(self) -> bool | None:
        """Whether the process still runs; None where that can't be told from this machine."""
        if not self.pid or self.host != socket.gethostname():
            return None
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            began = process.create_time()
        except psutil.NoSuchProcess:
            return False
        written = self._written()
        return written is None or began <= written + _CLOCK_SECONDS

    def _written(self) -> float | None:
        # The engine writes nanoseconds; Python reads microseconds.
        text = self.since.replace("Z", "+00:00")
        head, dot, tail = text.partition(".")
        if dot:
            digits = len(tail) - len(tail.lstrip("0123456789"))
            text = f"{head}.{tail[: min(digits, 6)]}{tail[digits:]}"
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            return None

    def sentence(self, stack: str, lift: str) -> str:
        """Who holds the stack, whether that one lives, and how the lock is lifted.

        Args:
            stack: the engine's name of it.
            lift: the command that lifts the lock.
        """
        if not self.pid:
            return (
                f"Stack {stack} is locked by {self.place}, which can't be read. Make sure that "
                f"nobody works on the stack, then `{lift}`."
            )
        who = f"process {self.pid} of {self.user} on {self.host} since {self.since}"
        if self.alive is None:
            return (
                f"Stack {stack} is locked by {who}. Whether that process still runs can't be told "
                f"from here: look on {self.host}. If it has ended, `{lift}` lifts the lock."
            )
        if self.alive:
            return (
                f"Stack {stack} is locked by {who}, which is running. Wait until it has ended, or "
                "end it with one Ctrl-C, after which it finishes what it has begun."
            )
        return (
            f"Stack {stack} is locked by {who}, which has ended without lifting its lock: it was "
            f"killed, or the machine stopped. `{lift}` lifts it."
        )
