"""What is wrong with what somebody wrote, said so that they can mend it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LONGEST_QUOTE = 80
_LONGEST_PART = 2_000
"""Characters of each part of a message; the longest list of known words has fewer."""
MOST_PROBLEMS = 100
"""Of one file; nobody reads more, and the first ones are likely the cause of the rest."""


def quoted(value: Any) -> str:
    """What somebody wrote, as a message repeats it: one line, printable, and cut where it is long.

    Args:
        value: text is taken as it is; anything else as Python writes it.
    """
    if isinstance(value, list | tuple | dict | set):
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"a {kind} of {len(value):,}" if value else f"an empty {kind}"
    text = value if isinstance(value, str) else repr(value)
    cut = text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def _sound(text: str) -> str:
    """A part of a message that no terminal, log or stream chokes on."""
    cut = text if len(text) <= _LONGEST_PART else f"{text[:_LONGEST_PART]}…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in cut)


@dataclass(frozen=True, order=True)
class Problem:
    """One fault in one place.

    Attributes:
        file: the file, relative to the project where it lies inside it.
        line: line number, from 1; 0 where the fault belongs to the file as a whole.
        rule: short name of the rule that it breaks, stable across releases.
        what: what happened.
        why: why that is a fault.
        fix: how to mend it.
        module: id of the module, domain or tenant that it belongs to, if any.
    """

    file: str
    line: int
    rule: str
    what: str
    why: str
    fix: str
    module: str = ""

    def __post_init__(self) -> None:
        """Bound and clean what is repeated of people's input."""
        for part in ("file", "what", "why", "fix", "module"):
            object.__setattr__(self, part, _sound(getattr(self, part)))

    def __str__(self) -> str:
        """Three lines: place and fault, reason, mend."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.module}: " if self.module else ""
        return (
            f"{place}: {subject}{self.what} [{self.rule}]\n    why: {self.why}\n    fix: {self.fix}"
        )


class TotaraError(Exception):
    """Base of every error that a user can mend. Never shown with a traceback."""

    exit_code = 2


class ProblemsError(TotaraError):
    """Bad input; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))

    def as_json(self) -> str:
        """The problems as a JSON array."""
        return json.dumps([asdict(p) for p in self.problems], indent=2)


class UsageError(TotaraError):
    """A wrong argument: an unknown environment, module or tenant."""


def shown(path: Path, root: Path) -> str:
    """The path as people should read it: relative to the project when it lies inside."""
    # Unlike `Path.resolve`, this takes a loop of symbolic links.
    resolved = Path(os.path.realpath(path))
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)
