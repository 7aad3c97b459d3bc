"""The proof that production can go back: a snapshot, taken after the last change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from totara_infra.migrations.connections import MigrationError
from totara_infra.model.problems import UsageError
from totara_infra.model.vocabulary import Environment

OLDEST = timedelta(hours=24)
"""Age up to which a snapshot counts; a day, so that nobody restores last week's ledger."""
_Text = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[ -~]+$")]


class Snapshot(BaseModel):
    """Content of the file that proves a snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: Environment
    store: Literal["neon"]
    snapshot: _Text
    """Neon's id of the snapshot, or name of the branch that was made from production."""
    taken_at: AwareDatetime
    taken_by: _Text
    databases: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class Evidence:
    """A snapshot that was accepted.

    Attributes:
        snapshot: what the file says.
        digest: SHA-256 of the file.
    """

    snapshot: Snapshot
    digest: str

    def as_data(self) -> dict[str, str]:
        """For the result, so that it can be found again."""
        return {
            "snapshot": self.snapshot.snapshot,
            "taken_at": self.snapshot.taken_at.isoformat(),
            "taken_by": self.snapshot.taken_by,
            "sha256": self.digest,
        }


def needed(environment: Environment) -> bool:
    """Whether an environment's databases are changed only after a snapshot."""
    return environment is Environment.PROD


def read_evidence(file: Path | None, environment: Environment, databases: list[str]) -> Evidence:
    """Read the file that proves a snapshot.

    Args:
        file: the file, or None where none was given.
        environment: where the databases are.
        databases: those that are about to change.

    Raises:
        UsageError: there is no file, or it can't be read.
    """
    example = json.dumps(
        {
            "environment": environment.value,
            "store": "neon",
            "snapshot": "ID",
            "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "taken_by": "NAME",
            "databases": databases,
        }
    )
    if file is None:
        raise UsageError(
            f"{environment} is changed only after a snapshot. Take one in Neon (a snapshot, or a "
            f"branch of {environment}), write down which, and name the file: "
            f"--snapshot-evidence FILE\n    {example}"
        )
    try:
        content = file.read_bytes()
        snapshot = Snapshot.model_validate_json(content)
    except OSError as error:
        raise UsageError(f"`{file}` can't be read: {error.strerror}.") from None
    except ValidationError as error:
        faults = "\n".join(
            f"    {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()
        )
        raise UsageError(
            f"`{file}` proves no snapshot:\n{faults}\n    fix: write it as {example}"
        ) from None
    return Evidence(snapshot, hashlib.sha256(content).hexdigest())


def check_evidence(
    evidence: Evidence,
    environment: Environment,
    changed: Mapping[str, datetime | None],
    now: datetime,
) -> None:
    """Hold a snapshot against what is about to change.

    Args:
        evidence: the snapshot.
        environment: where the databases are.
        changed: databases that are about to change, with the time of their last migration.
        now: with a time zone.

    Raises:
        MigrationError: it is of another environment, too old, or does not hold what would be
            needed to go back; all at once.
    """
    taken, faults = evidence.snapshot.taken_at, []
    if evidence.snapshot.environment is not environment:
        faults.append(f"it is of {evidence.snapshot.environment}, not of {environment}")
    if taken > now:
        faults.append("it is from the future")
    if now - taken > OLDEST:
        faults.append(f"it is older than {OLDEST // timedelta(hours=1)} hours")
    missing = sorted(changed.keys() - set(evidence.snapshot.databases))
    if missing:
        faults.append(f"it does not hold {', '.join(missing)}")
    for database, last in sorted(changed.items()):
        if last is not None and last > taken:
            faults.append(
                f"{database} was changed at {last:%Y-%m-%d %H:%M:%S %Z}, after it was taken"
            )
    if faults:
        raise MigrationError(
            f"The snapshot {evidence.snapshot.snapshot} does not let you go back:\n"
            + "\n".join(f"    {f}" for f in faults)
            + "\n    fix: take a new one, and name it with --snapshot-evidence"
        )
