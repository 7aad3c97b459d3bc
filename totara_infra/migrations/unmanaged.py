"""Databases that have something in them and no history of migrations."""

from __future__ import annotations

import psycopg

from totara_infra.migrations.connections import DirectUrl, MigrationError
from totara_infra.migrations.files import Folder
from totara_infra.migrations.live_schema import differences, read_schema, within
from totara_infra.migrations.replay import replay
from totara_infra.migrations.schema import Schema
from totara_infra.migrations.statements import SqlSyntaxError, parse_file
from totara_infra.model.databases import Database

_SHOWN = 5
"""Differences that a message lists."""


def unmanaged(url: DirectUrl, database: Database, folder: Folder) -> str:
    """Why a database without history can't be migrated; empty where it is as good as new.

    Schemas alone do not count: whoever makes a database may make them.

    Args:
        url: the database, in whose history nothing is applied.
        database: says which schemas are its own.
        folder: its migrations.

    Raises:
        MigrationError: its catalogs can't be read.
    """
    versions = _replayed(folder)
    names = {s.name for s in database.schemas} | {"public"}
    names |= {t.name for s in versions.values() for t in s.entries if t.kind == "schema"}
    try:
        with url.connect() as connection:
            live = within(read_schema(connection), names)
    except psycopg.Error as error:
        raise MigrationError(f"{url.database}: {url.hidden(str(error))}") from None
    things = sorted(t for t in live.entries if t.kind in ("table", "view", "sequence", "function"))
    if not things:
        return ""
    return (
        f"{url.database}: it has {len(things)} tables, views, sequences and functions, such as "
        f"{things[0]}, but no history of migrations. {_nearest(versions, live)}\n"
        "    why: migration 001 would run on top of what is there, and a history written by hand "
        "would claim what nobody has proved\n"
        "    fix: if the secret leads to the wrong database, correct it. If this is a copy or a "
        "restored one, bring public.flyway_schema_history over from where it comes from, then "
        "`totara migrations status` holds it against the files. Otherwise migrate an empty "
        "database and load the rows into that"
    )


def _replayed(folder: Folder) -> dict[str, Schema]:
    """Version -> the schema after it, as far as the files can be read."""
    schema, found = Schema(), dict[str, Schema]()
    for version, (forward, _) in folder.pairs().items():
        text = forward.content().text
        try:
            schema = replay(schema, parse_file(text or ""), forward.number)
        except SqlSyntaxError:
            # The rules say so too, with the line.
            break
        found[version] = schema
    return found


def _nearest(versions: dict[str, Schema], live: Schema) -> str:
    """Which version the database is most like, and in what it differs."""
    compared = {v: differences(s.outline(), live.outline()) for v, s in versions.items()}
    if not compared:
        return "No file could be read to compare it with."
    version = min(compared, key=lambda v: len(compared[v]))
    found = compared[version]
    if not found:
        return (
            f"Names, columns, types and functions are those of migration {version}; conditions, "
            "defaults, views' queries and rows were not compared."
        )
    more = f"; {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"It is most like migration {version}, but {'; '.join(found[:_SHOWN])}{more}."
