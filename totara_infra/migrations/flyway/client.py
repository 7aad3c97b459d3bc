"""Flyway as a process of its own that answers requests."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from totara_infra.local.user import user_name
from totara_infra.migrations.connections import DirectUrl, MigrationError
from totara_infra.migrations.files import Folder
from totara_infra.migrations.flyway.install import ensure_installed

_LONGEST_NAME = 100
"""Characters of `installed_by` in Flyway's history."""


# Flyway's own advice is a repair, which would make history say what never was.
_FAULTS = {
    "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED": "is applied, and its file is gone",
    "CHECKSUM_MISMATCH": "was changed after it was applied",
    "DESCRIPTION_MISMATCH": "got another description after it was applied",
    "FAILED_VERSIONED_MIGRATION": "failed half-way, where no transaction held it together",
    "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED": "came too late: a later one is applied already",
    "TYPE_MISMATCH": "is of another kind than what was applied",
}


@dataclass(frozen=True)
class Migration:
    """A migration as Flyway sees it.

    Attributes:
        version: three digits.
        script: name of the V file.
        state: Flyway's word: PENDING, SUCCESS, FAILED, FUTURE_SUCCESS, MISSING_SUCCESS, …
        installed_on: when it was applied, if it was.
    """

    version: str
    script: str
    state: str
    installed_on: datetime | None

    @property
    def pending(self) -> bool:
        """Whether it is still to come."""
        return self.state == "PENDING"


@dataclass(frozen=True)
class Inspection:
    """What Flyway finds in one database.

    Attributes:
        migrations: by version.
        faults: where history and files don't match, in sentences.
    """

    migrations: tuple[Migration, ...]
    faults: tuple[str, ...]

    @property
    def applied(self) -> list[Migration]:
        """What is in the database."""
        return [m for m in self.migrations if not m.pending]

    @property
    def pending(self) -> list[Migration]:
        """What is still to come."""
        return [m for m in self.migrations if m.pending]


def _fault(fault: dict[str, str]) -> str:
    what = _FAULTS.get(fault["code"]) or " ".join(fault["what"].split())
    return f"migration {fault['version']} {what}"


class Flyway:
    """Flyway, from `with` to its end. The URLs go in through a pipe."""

    def __init__(self, note: str = "") -> None:
        """Prepare it.

        Args:
            note: stands in the history behind the user's name.
        """
        self._by = f"{user_name()}{note}"[:_LONGEST_NAME]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        folder = ensure_installed()
        runner = Path(__file__).with_name("runner.py")
        self._process = subprocess.Popen(
            [folder / "bin" / "python", "-I", runner, folder / "jars"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            # An interrupt must not tear a migration: the runner ends when its input does.
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.communicate()

    def inspect(self, url: DirectUrl, folder: Folder) -> Inspection:
        """Validate a database against its files. Changes nothing.

        Raises:
            MigrationError: it can't be looked at.
        """
        answer = self._ask("inspect", url, folder)
        return Inspection(
            tuple(
                Migration(
                    m["version"],
                    m["script"],
                    m["state"],
                    datetime.fromisoformat(m["installed_on"]) if m["installed_on"] else None,
                )
                for m in answer["migrations"]
            ),
            tuple(_fault(f) for f in answer["faults"]),
        )

    def migrate(self, url: DirectUrl, folder: Folder) -> list[str]:
        """Apply what is pending; versions that were applied.

        Raises:
            MigrationError: one failed; those before it stay.
        """
        applied: list[str] = self._ask("migrate", url, folder)["applied"]
        return applied

    def _ask(self, action: str, url: DirectUrl, folder: Folder) -> dict[str, Any]:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        request = {
            "action": action,
            "folder": str(folder.path),
            "installed_by": self._by,
            **url.jdbc(),
        }
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            _, words = process.communicate()
            last = (words.strip().splitlines() or ["nothing"])[-1]
            raise MigrationError(
                f"{url.database}: Flyway ended by itself; it said: {url.hidden(last)}\n"
                "    fix: remove .totara/flyway, and the next run installs it again"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise MigrationError(f"{url.database}: {url.hidden(answer['error'])}")
        return answer
