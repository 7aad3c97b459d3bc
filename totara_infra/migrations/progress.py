"""What a run of migrations has said so far, for whoever interrupts it."""

from __future__ import annotations

from collections.abc import Callable


class Progress:
    """Says lines of progress and keeps them.

    Args:
        command: `apply` or `undo`.
        words: the environment as `totara` commands take it.
        say: takes each line.
    """

    def __init__(self, command: str, words: str, say: Callable[[str], None]) -> None:
        self._command = command
        self._words = words
        self._say = say
        self._lines: list[str] = []

    def say(self, line: str) -> None:
        """Say a line."""
        self._lines.append(line)
        self._say(line)

    def interrupted(self) -> str:
        """What stands, whether that is sound, and what to run next. Flyway has ended by then."""
        stands = "; ".join(self._lines) or "no database was finished"
        return (
            f"Stands: {stands}. What had been begun was finished first, so every database matches "
            f"its history. `totara migrations status {self._words}` shows how far each is; "
            f"`totara migrations {self._command}` with the same options goes on."
        )
