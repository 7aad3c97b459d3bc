"""What is wrong with what somebody wrote, said so that they can mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


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
    resolved = path.resolve()
    return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(path)
