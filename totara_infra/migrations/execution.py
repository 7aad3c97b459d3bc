"""Looking at the databases of an environment, and bringing them up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from totara_infra.migrations.connections import DirectUrl, MigrationError, locked, read_urls
from totara_infra.migrations.evidence import Evidence, check_evidence, needed
from totara_infra.migrations.files import Folder
from totara_infra.migrations.flyway.client import Flyway, Inspection
from totara_infra.migrations.lint import LintReport
from totara_infra.migrations.order import Place
from totara_infra.migrations.rules import NAME_RULES
from totara_infra.migrations.unmanaged import unmanaged
from totara_infra.model.problems import Problem
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.live import Live

Say = Callable[[str], None]
"""Takes a line of progress."""


class Outcome(StrEnum):
    """What became of one database."""

    APPLIED = "applied"
    UP_TO_DATE = "up to date"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    """An earlier database failed, so this one was left alone."""


@dataclass(frozen=True)
class Target:
    """A database with its files and the way to it."""

    environment: Environment
    place: Place
    folder: Folder
    url: DirectUrl = field(repr=False)


@dataclass(frozen=True)
class State:
    """How a database stands.

    Attributes:
        target: the database.
        inspection: what Flyway found; None where it could not look.
        error: why it could not, or what does not match.
    """

    target: Target
    inspection: Inspection | None
    error: str = ""

    @property
    def pending(self) -> list[str]:
        """Versions that are still to come."""
        return [m.version for m in self.inspection.pending] if self.inspection else []

    @property
    def applied(self) -> list[str]:
        """Versions that are in the database."""
        return [m.version for m in self.inspection.applied] if self.inspection else []

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "database": self.target.place.name,
            "reason": self.target.place.reason,
            "folder": self.target.folder.name,
            "applied": self.applied,
            "pending": [
                {"version": m.version, "script": m.script}
                for m in (self.inspection.pending if self.inspection else ())
            ],
            "error": self.error,
        }


@dataclass(frozen=True)
class Result:
    """What was done to one database."""

    database: str
    outcome: Outcome
    applied: tuple[str, ...]
    """Versions that were applied now."""
    pending: tuple[str, ...]
    """Versions that are still to come."""
    error: str = ""

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "database": self.database,
            "outcome": self.outcome.value,
            "applied": list(self.applied),
            "pending": list(self.pending),
            "error": self.error,
        }


def targets(live: Live, places: Sequence[Place], folders: Sequence[Folder]) -> list[Target]:
    """The databases that have files, in order, with their direct URLs.

    Raises:
        MigrationError: a secret is absent, empty or wrong; all at once.
        AwsRefusedError: AWS does not answer.
    """
    by_name = {f.database: f for f in folders}
    chosen = [p for p in places if p.name in by_name]
    urls = read_urls(live, chosen)
    return [Target(live.settings.environment, p, by_name[p.name], urls[p.name]) for p in chosen]


def inspect(flyway: Flyway, chosen: Sequence[Target]) -> list[State]:
    """Look at every database, whatever is wrong with some. Changes nothing."""
    states: list[State] = []
    for target in chosen:
        try:
            # Its own words for a server that does not answer are a page long.
            target.url.connect().close()
            found = flyway.inspect(target.url, target.folder)
            fault = _faults(target, found)
            if not fault and not found.applied:
                fault = unmanaged(target.url, target.place.database, target.folder)
        except MigrationError as error:
            states.append(State(target, None, str(error)))
        else:
            states.append(State(target, found, fault))
    return states


def _faults(target: Target, found: Inspection) -> str:
    if not found.faults:
        return ""
    lines = [f"{target.place.name}: {fault}" for fault in found.faults]
    if _half_done(found):
        lines.append(_way_back(target))
    else:
        lines.append(
            "    fix: restore the files as they were applied; what is new goes into a further "
            "migration"
        )
    return "\n".join(lines)


def _half_done(found: Inspection) -> bool:
    return any(m.state == "FAILED" for m in found.applied)


def _way_back(target: Target) -> str:
    name = target.place.name
    return (
        f"    fix: `totara migrations undo {target.environment} --database {name} --yes` clears "
        "away what is left of it, wherever it stopped; then correct the file and apply again"
    )


def blocking(report: LintReport, states: Sequence[State]) -> list[Problem]:
    """Broken rules that forbid to go on: of names, and of files that are still to come."""
    pending: set[str] = set()
    for state in states:
        for version in state.pending:
            pending |= {f.name for f in state.target.folder.read()[0] if f.version == version}
    return [p for p in report.problems if p.rule in NAME_RULES or p.file in pending]


def require_sound(states: Sequence[State], problems: Sequence[Problem]) -> None:
    """Refuse to change anything while something does not match, anywhere.

    Raises:
        MigrationError: all that does not match.
    """
    faults = [*(str(p) for p in problems), *(s.error for s in states if s.error)]
    if faults:
        raise MigrationError(
            "Nothing was changed, since not everything matches:\n" + "\n".join(faults)
        )


def require_snapshot(
    environment: Environment, evidence: Evidence | None, states: Sequence[State]
) -> None:
    """Hold the snapshot against the databases that are about to change.

    Raises:
        MigrationError: it would not let anybody go back.
    """
    if evidence is None or not needed(environment):
        return
    changed: Mapping[str, datetime | None] = {
        s.target.place.name: max(
            (m.installed_on for m in s.inspection.applied if m.installed_on), default=None
        )
        for s in states
        if s.inspection is not None
    }
    check_evidence(evidence, environment, changed, datetime.now(UTC))


def apply(flyway: Flyway, states: Sequence[State], wait_seconds: float, say: Say) -> list[Result]:
    """Apply what is pending, database by database, and stop at the first failure.

    Args:
        flyway: running.
        states: how the databases stand, in order.
        wait_seconds: how long to wait for somebody else who migrates a database.
        say: takes lines of progress.

    Returns:
        What became of every database, in the same order.
    """
    results: list[Result] = []
    for state in states:
        name = state.target.place.name
        if results and results[-1].outcome in (Outcome.FAILED, Outcome.NOT_REACHED):
            left = tuple(state.pending)
            results.append(Result(name, Outcome.NOT_REACHED, (), left))
        elif not state.pending:
            results.append(Result(name, Outcome.UP_TO_DATE, (), ()))
        else:
            results.append(_apply(flyway, state, wait_seconds, say))
            done = results[-1]
            say(f"{name}: {done.outcome.value}, {len(done.applied)} migrations")
    return results


def _apply(flyway: Flyway, state: State, wait_seconds: float, say: Say) -> Result:
    target = state.target
    name, applied, error = target.place.name, [], ""
    try:
        with locked(target.url, wait_seconds, say):
            try:
                applied = flyway.migrate(target.url, target.folder)
            except MigrationError as failure:
                error = str(failure)
                # Flyway says what failed, not what it had applied before.
                after = flyway.inspect(target.url, target.folder)
                applied = _since(state, after)
                if _half_done(after):
                    error += f"\n{_way_back(target)}"
    except MigrationError as failure:
        error = error or str(failure)
    if error:
        left = tuple(v for v in state.pending if v not in applied)
        return Result(name, Outcome.FAILED, tuple(applied), left, error)
    outcome = Outcome.APPLIED if applied else Outcome.UP_TO_DATE
    return Result(name, outcome, tuple(applied), ())


def _since(before: State, after: Inspection) -> list[str]:
    good = [m.version for m in after.applied if m.state == "SUCCESS"]
    return [v for v in good if v in before.pending]
