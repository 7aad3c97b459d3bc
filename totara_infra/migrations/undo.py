"""Undoing migrations: the U file and the row of Flyway's history in one transaction.

Flyway's free edition has no undo. Ours takes the newest migration first and refuses as soon as
history, files and database don't match one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from totara_infra.migrations.connections import DirectUrl, MigrationError, locked
from totara_infra.migrations.effects import dropped
from totara_infra.migrations.execution import Outcome, Result, Say, State
from totara_infra.migrations.files import MigrationFile
from totara_infra.migrations.flyway.client import Flyway
from totara_infra.migrations.half_done import clear
from totara_infra.migrations.lint import LintReport
from totara_infra.migrations.statements import SqlSyntaxError, Statement, parse_file
from totara_infra.model.databases import Database
from totara_infra.model.problems import UsageError

HISTORY = sql.Identifier("public", "flyway_schema_history")
_HARMFUL = ("append-only", "cascade", "dynamic-sql", "encoding", "syntax", "undo-scope")
"""Rules whose breach in a U file can lose what its V file did not make."""
_FLYWAY_LOCKS = 0x466C
"""Upper half of the keys of Flyway's advisory locks, `Fl`; the hash that it adds may carry."""


@dataclass(frozen=True)
class Step:
    """One migration that is to be undone.

    Attributes:
        version: three digits.
        forward: its V file.
        undo: its U file.
        failed: it stopped half-way, so that only a part of it is there.
    """

    version: str
    forward: MigrationFile
    undo: MigrationFile
    failed: bool = False


@dataclass(frozen=True)
class UndoPlan:
    """What is to be undone in one database, newest first."""

    state: State
    steps: tuple[Step, ...]


def planned(states: Sequence[State], to: str | None) -> list[UndoPlan]:
    """What would be undone, the database that was migrated last coming first.

    Args:
        states: how the databases stand, in the order in which they are migrated.
        to: version that stays as the newest, `000` for none; None undoes one migration.

    Raises:
        MigrationError: history and files don't match, or an undo is missing.
        UsageError: no such version.
    """
    plans, faults = [], []
    for state in reversed(states):
        found = state.inspection
        name = state.target.place.name
        if found is None:
            faults.append(state.error)
            continue
        newest = found.applied[-1] if found.applied else None
        # What failed half-way is what an undo is for; every other fault forbids it.
        failed = newest is not None and newest.state == "FAILED"
        if found.faults and not (failed and len(found.faults) == 1):
            faults.append(state.error)
            continue
        applied = [m.version for m in found.applied]
        if to is not None and to != "000" and to not in applied:
            raise UsageError(f"{name} has no migration {to}; it is at {(applied or ['000'])[-1]}.")
        chosen = applied[-1:] if to is None else [v for v in applied if v > to]
        pairs = state.target.folder.pairs()
        missing = [v for v in chosen if v not in pairs]
        if missing:
            faults.append(f"{name}: there is no U file for {', '.join(missing)}")
            continue
        broken = {m.version for m in found.applied if m.state == "FAILED"}
        steps = tuple(Step(v, *pairs[v], v in broken) for v in reversed(chosen))
        plans.append(UndoPlan(state, steps))
    if faults:
        raise MigrationError(
            "Nothing was undone, since not everything matches:\n" + "\n".join(faults)
        )
    return plans


def require_harmless(report: LintReport, plans: Sequence[UndoPlan]) -> None:
    """Refuse undos that take away what was there before; Flyway does not watch over U files.

    Raises:
        MigrationError: every statement that would.
    """
    files = {s.undo.name for p in plans for s in p.steps}
    faults = [str(p) for p in report.problems if p.file in files and p.rule in _HARMFUL]
    if faults:
        raise MigrationError("Nothing was undone, since rows would be lost:\n" + "\n".join(faults))


def carry_out(
    flyway: Flyway, plans: Sequence[UndoPlan], wait_seconds: float, say: Say
) -> list[Result]:
    """Undo, database by database, and stop at the first failure.

    Returns:
        What became of every database; `applied` are the versions that were undone, `pending` those
        that were to be undone and are still there.
    """
    results: list[Result] = []
    for plan in plans:
        name, todo = plan.state.target.place.name, tuple(s.version for s in plan.steps)
        if results and results[-1].outcome in (Outcome.FAILED, Outcome.NOT_REACHED):
            results.append(Result(name, Outcome.NOT_REACHED, (), todo))
            continue
        if not todo:
            results.append(Result(name, Outcome.UP_TO_DATE, (), ()))
            continue
        done: list[str] = []
        error = ""
        try:
            with locked(plan.state.target.url, wait_seconds, say) as connection:
                _same_as_planned(flyway, plan)
                for step in plan.steps:
                    _undo(connection, plan.state, step)
                    done.append(step.version)
                    say(f"{name}: {step.undo.path.name} done")
        except MigrationError as failure:
            error = str(failure)
        left = tuple(v for v in todo if v not in done)
        outcome = Outcome.FAILED if error else Outcome.APPLIED
        results.append(Result(name, outcome, tuple(done), left, error))
    return results


def _same_as_planned(flyway: Flyway, plan: UndoPlan) -> None:
    """Whoever held the lock before us may have gone on."""
    target = plan.state.target
    now = flyway.inspect(target.url, target.folder)
    if plan.state.inspection is None or now.applied != plan.state.inspection.applied:
        raise MigrationError(
            f"{target.place.name}: somebody else has changed it since it was looked at.\n"
            "    fix: run it again"
        )


def _undo(connection: psycopg.Connection, state: State, step: Step) -> None:
    url, database = state.target.url, state.target.place.database
    text = step.undo.text()
    statements = _parsed(step.undo)
    tables = [
        t.name for t in dropped(statements) if t.kind == "table" and t.name in database.append_only
    ]
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '10s'")
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(HISTORY))
            rank = _newest(connection, database, step)
            _alone(connection, database)
            for table in tables:
                _empty(connection, table)
            if step.failed:
                clear(connection, statements)
            else:
                connection.execute(text.encode())
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE installed_rank = %s").format(HISTORY), (rank,)
            )
            rest = connection.execute(
                sql.SQL("SELECT EXISTS (SELECT FROM {})").format(HISTORY)
            ).fetchone()
            if rest == (False,):
                connection.execute(sql.SQL("DROP TABLE {}").format(HISTORY))
    except psycopg.Error as error:
        raise MigrationError(
            f"{step.undo.name}: {_words(url, error)}\n"
            "    nothing of it stayed: the undo and the history are one transaction"
        ) from None


def _parsed(file: MigrationFile) -> list[Statement]:
    try:
        return parse_file(file.text())
    except SqlSyntaxError as error:
        raise MigrationError(f"{file.name}:{error.line}: {error.what}") from None


def _words(url: DirectUrl, error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error)
    return url.hidden(
        said + (f" ({error.diag.message_detail})" if error.diag.message_detail else "")
    )


def _newest(connection: psycopg.Connection, database: Database, step: Step) -> int:
    """Rank of the newest row of the history, if it is the migration that is to be undone."""
    row = connection.execute(
        sql.SQL(
            "SELECT installed_rank, version, script, type FROM {} "
            "ORDER BY installed_rank DESC LIMIT 1"
        ).format(HISTORY)
    ).fetchone()
    expected = (step.version, step.forward.path.name, "SQL")
    if row is None or tuple(row[1:]) != expected:
        found = "nothing" if row is None else f"{row[2]} ({row[3]})"
        raise MigrationError(
            f"{database.name}: the newest entry of the history is {found}, not "
            f"{step.forward.path.name}"
        )
    return int(row[0])


def _alone(connection: psycopg.Connection, database: Database) -> None:
    """Nobody runs Flyway here without our lock."""
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        " AND classid::bigint BETWEEN %s AND %s"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (_FLYWAY_LOCKS - 1, _FLYWAY_LOCKS + 1),
    ).fetchone()
    if row != (0,):
        raise MigrationError(
            f"{database.name}: somebody runs Flyway on it by other means.\n"
            "    fix: wait until that has ended"
        )


def _empty(connection: psycopg.Connection, table: str) -> None:
    """An append-only table is dropped only while nothing was ever written to it."""
    name = sql.Identifier(*table.split("."))
    row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone()
    if row != (False,):
        raise MigrationError(
            f"{table} has rows, and they may only ever be added to: no undo drops it.\n"
            "    fix: leave it, and correct what is wrong with a further migration"
        )
