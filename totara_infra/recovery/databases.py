"""The databases: whether they answer and have their tables, and how a drill loses them.

A drill touches databases on this machine only, whatever the secrets of an emulated stack say.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from totara_infra.delivery.runbooks import Finding
from totara_infra.migrations.connections import DirectUrl, MigrationError, read_urls
from totara_infra.migrations.order import Place, database_order
from totara_infra.model.databases import DatabaseCatalogue, read_databases
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign, listed, sign_of

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CANARY = "recovery_canary"
"""A schema of its own with one row, which a drill must have again at its end."""
_TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm')
"""


def _places(scene: Scene) -> tuple[list[Place], DatabaseCatalogue]:
    catalogue = scene.blueprint.scope.catalogue
    databases = read_databases(catalogue)
    places = database_order(catalogue, databases, scene.blueprint.sequence)
    return [p for p in places if p.database.schemas], databases


def _urls(scene: Scene) -> dict[str, DirectUrl]:
    places, _ = _places(scene)
    return read_urls(scene.live, places)


@contextmanager
def _connection(url: DirectUrl) -> Iterator[psycopg.Connection]:
    with url.connect() as connection:
        try:
            yield connection
        except psycopg.Error as error:
            raise MigrationError(f"{url.database}: {url.hidden(str(error))}") from None


def answer(scene: Scene) -> Sign:
    """Every database takes a connection through its direct URL."""
    urls, faults = _urls(scene), []
    for url in urls.values():
        try:
            url.connect().close()
        except MigrationError as error:
            faults.append(str(error).splitlines()[0])
    return sign_of(faults, f"{len(urls)} databases answer.")


def tables_there(scene: Scene) -> Sign:
    """Every table and view of the catalogue is there."""
    places, _ = _places(scene)
    wanted = {p.name: {o.name for o in (*p.database.tables, *p.database.views)} for p in places}
    missing = []
    for name, url in _urls(scene).items():
        with _connection(url) as connection:
            there = {str(row[0]) for row in connection.execute(_TABLES).fetchall()}
            missing += [f"{name} {table}" for table in sorted(wanted[name] - there)]
    count = sum(len(tables) for tables in wanted.values())
    return sign_of([f"{m} is gone" for m in missing], f"{count} tables and views are there.")


def tables_back(scene: Scene) -> Finding:
    """Whether every table and view of the catalogue is there."""
    sign = tables_there(scene)
    return Finding(sign.raised is False, sign.found)


def _require_own(scene: Scene) -> None:
    for url in _urls(scene).values():
        host = url.host
        if host not in _LOOPBACK:
            raise DrillError(
                f"The direct URL of {url.database} leads to another machine, and a drill drops "
                "what is there.\n    fix: put URLs of databases on this machine into the secrets "
                f"of {scene.words}"
            )


def keep_row(scene: Scene) -> None:
    """Write one row into each database, and keep it.

    Raises:
        DrillError: a database is not on this machine.
    """
    _require_own(scene)
    rows = {}
    for name, url in _urls(scene).items():
        with _connection(url) as connection:
            _make_canary(connection)
            rows[name] = str(uuid.uuid4())
            connection.execute(
                sql.SQL("INSERT INTO {}.mark (value) VALUES (%s)").format(sql.Identifier(_CANARY)),
                (rows[name],),
            )
    scene.facts["rows"] = rows


def _make_canary(connection: psycopg.Connection[Any]) -> None:
    schema = sql.Identifier(_CANARY)
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {}.mark (value text PRIMARY KEY)").format(schema)
    )


def remove_row(scene: Scene) -> None:
    """Take the schema with the row away again."""
    for url in _urls(scene).values():
        with _connection(url) as connection:
            connection.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(_CANARY))
            )


def drop_schemas(scene: Scene) -> None:
    """Every schema is dropped, with the history of the migrations.

    Raises:
        DrillError: a database is not on this machine.
    """
    _require_own(scene)
    for url in _urls(scene).values():
        with _connection(url) as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace"
                " WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')"
            ).fetchall()
            for (schema,) in found:
                connection.execute(
                    sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
                )
            connection.execute("DROP TABLE IF EXISTS public.flyway_schema_history")


def restore_rows(scene: Scene) -> None:
    """Bring the rows back, as a restored branch would."""
    rows = scene.facts["rows"]
    for name, url in _urls(scene).items():
        with _connection(url) as connection:
            _make_canary(connection)
            connection.execute(
                sql.SQL("INSERT INTO {}.mark (value) VALUES (%s) ON CONFLICT DO NOTHING").format(
                    sql.Identifier(_CANARY)
                ),
                (rows[name],),
            )


def rows_back(scene: Scene) -> Finding:
    """Whether every database has the row of before."""
    if "rows" not in scene.facts:
        return Finding(False, "Only the record of the incident can say to which moment rows go.")
    missing = []
    for name, url in _urls(scene).items():
        with _connection(url) as connection:
            try:
                found = connection.execute(
                    sql.SQL("SELECT value FROM {}.mark").format(sql.Identifier(_CANARY))
                ).fetchall()
            except psycopg.errors.UndefinedTable:
                found = []
            if (scene.facts["rows"][name],) not in found:
                missing.append(name)
    if missing:
        return Finding(False, f"The row of before is gone in {listed(missing)}.")
    return Finding(True, f"The row of before is in {len(scene.facts['rows'])} databases.")
