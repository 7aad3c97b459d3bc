"""Clearing away what a migration left that failed outside a transaction, wherever it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg
from psycopg import sql

from totara_infra.migrations.effects import Thing, dropped, made
from totara_infra.migrations.statements import Statement

_VALID = "SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(%s)"


def clear(connection: psycopg.Connection, back: Iterable[Statement]) -> None:
    """Run an undo as far as there is something to undo.

    Each statement of the migration may have run, failed, or not been reached.

    Args:
        connection: in a transaction.
        back: the statements of the undo.

    Raises:
        psycopg.Error: one of them fails all the same.
    """
    for statement in back:
        for command in _still_needed(connection, statement):
            connection.execute(command)


def _still_needed(
    connection: psycopg.Connection, statement: Statement
) -> Iterator[sql.SQL | sql.Composed | bytes]:
    if statement.nested:
        # The block that it stands in runs as a whole.
        return
    dropped_here = [t for t in dropped([statement]) if t.kind == "index"]
    if statement.kind == "DropStmt" and dropped_here:
        for index in dropped_here:
            if _valid(connection, index) is not None:
                yield _drop(index.name)
        return
    made_here = [t for t in made([statement]) if t.kind == "index"]
    if statement.kind == "IndexStmt" and made_here:
        valid = _valid(connection, made_here[0])
        if valid:
            return
        if valid is False:
            yield _drop(made_here[0].name)
    yield statement.text.encode()


def _valid(connection: psycopg.Connection, index: Thing) -> bool | None:
    """Whether an index is valid; None where there is none."""
    row = connection.execute(_VALID, (index.name,)).fetchone()
    return bool(row[0]) if row else None


def _drop(index: str) -> sql.Composed:
    # The name is written as SQL writes it, by the parser's rules or by PostgreSQL itself.
    return sql.SQL("DROP INDEX {}").format(sql.SQL(index))
