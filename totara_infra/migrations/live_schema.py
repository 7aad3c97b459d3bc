"""The schema of a live database, from its catalogs, in the form that a replay has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pgparse
import psycopg

from totara_infra.migrations.effects import Thing, identifier, parts, signature, type_name
from totara_infra.migrations.schema import UNSEEN, Entry, Schema
from totara_infra.migrations.spelling import source

HISTORY_TABLE = "flyway_schema_history"
"""Flyway's table in `public`, which is no migration's."""
_KINDS = {
    "I": "index",
    "S": "sequence",
    "c": "type",
    "f": "table",
    "i": "index",
    "m": "view",
    "p": "table",
    "r": "table",
    "v": "view",
}
# What an extension brought belongs to it.
_OWN = (
    "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM"
    " pg_catalog.pg_depend AS d WHERE d.deptype = 'e' AND d.objid = {oid}"
    " AND d.classid = 'pg_catalog.{catalog}'::regclass)"
)
_SCHEMAS = (
    "SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE n.nspname <> 'public' AND "
    + _OWN.format(oid="n.oid", catalog="pg_namespace")
)
_RELATIONS = (
    "SELECT n.nspname, c.relname, c.relkind::text"
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('S', 'c', 'f', 'm', 'p', 'r', 'v') AND "
    + _OWN.format(oid="c.oid", catalog="pg_class")
)
_INDEXES = (
    "SELECT n.nspname, c.relname, t.relname, i.indisunique, i.indisvalid"
    " FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE "
    + _OWN.format(oid="t.oid", catalog="pg_class")
)
_COLUMNS = (
    "SELECT n.nspname, c.relname, a.attname,"
    " pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef"
    " FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('f', 'p', 'r') AND "
    + _OWN.format(oid="c.oid", catalog="pg_class")
)
_FUNCTIONS = (
    "SELECT n.nspname, p.proname, p.prokind::text, p.prosrc, ARRAY(SELECT"
    " pg_catalog.format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a (t, o)"
    " ORDER BY o) FROM pg_catalog.pg_proc AS p"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE "
    + _OWN.format(oid="p.oid", catalog="pg_proc")
)
_TYPES = (
    "SELECT n.nspname, t.typname FROM pg_catalog.pg_type AS t"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace"
    " WHERE t.typtype IN ('d', 'e', 'r') AND " + _OWN.format(oid="t.oid", catalog="pg_type")
)
_STATISTICS = (
    "SELECT n.nspname, s.stxname FROM pg_catalog.pg_statistic_ext AS s"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace WHERE "
    + _OWN.format(oid="s.oid", catalog="pg_statistic_ext")
)
# A key that refers to a partitioned table has a constraint more for each partition.
_CONSTRAINTS = (
    "SELECT n.nspname, t.relname, c.conname FROM pg_catalog.pg_constraint AS c"
    " JOIN pg_catalog.pg_class AS t ON t.oid = c.conrelid"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace"
    " WHERE c.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT EXISTS (SELECT FROM"
    " pg_catalog.pg_constraint AS p WHERE p.oid = c.conparentid AND p.conrelid = c.conrelid) AND "
    + _OWN.format(oid="t.oid", catalog="pg_class")
)
_OF_TABLES = {
    "trigger": ("tgname", "pg_trigger", "tgrelid", "NOT x.tgisinternal"),
    "policy": ("polname", "pg_policy", "polrelid", "true"),
    "rule": ("rulename", "pg_rewrite", "ev_class", "x.rulename <> '_RETURN'"),
}


def read_schema(connection: psycopg.Connection) -> Schema:
    """What is in a database, without what extensions brought and without Flyway's history.

    Raises:
        psycopg.Error: the catalogs can't be read.
    """
    entries: dict[Thing, Entry] = {}
    with connection.transaction():
        # Types then come with their schema, however the connection was set up.
        connection.execute("SET LOCAL search_path = ''")
        for thing, shape, *holder in _things(connection):
            entries[thing] = Entry(UNSEEN, shape, holder=holder[0] if holder else None)
    return Schema({t: e for t, e in entries.items() if not _flyways(t)})


def _things(
    connection: psycopg.Connection,
) -> Iterator[tuple[Thing, str] | tuple[Thing, str, Thing]]:
    for (name,) in connection.execute(_SCHEMAS).fetchall():
        yield Thing("schema", identifier(name)), ""
    for schema, name, kind in connection.execute(_RELATIONS).fetchall():
        yield Thing(_KINDS[kind], _name(schema, name)), ""
    for schema, name, table, unique, valid in connection.execute(_INDEXES).fetchall():
        shape = ("UNIQUE" if unique else "") + ("" if valid else " INVALID")
        yield Thing("index", _name(schema, name)), shape, Thing("table", _name(schema, table))
    for schema, table, name, kind, required, default in connection.execute(_COLUMNS).fetchall():
        shape = _type(kind) + (" NOT NULL" if required else "") + (" DEFAULT" if default else "")
        yield Thing("column", _name(schema, table, name)), shape
    for schema, name, kind, text, arguments in connection.execute(_FUNCTIONS).fetchall():
        types = [
            {"FunctionParameter": {"argType": _node(a), "mode": "FUNC_PARAM_IN"}} for a in arguments
        ]
        thing = Thing("function", signature(_name(schema, name), types))
        yield thing, "" if kind == "a" else source(text or "")
    for schema, name in connection.execute(_TYPES).fetchall():
        yield Thing("type", _name(schema, name)), ""
    for schema, name in connection.execute(_STATISTICS).fetchall():
        yield Thing("statistics", _name(schema, name)), ""
    for schema, table, name in connection.execute(_CONSTRAINTS).fetchall():
        yield Thing("constraint", _name(schema, table, name)), ""
    for kind, (column, catalog, table, where) in _OF_TABLES.items():
        query = (
            f"SELECT n.nspname, t.relname, x.{column} FROM pg_catalog.{catalog} AS x"
            f" JOIN pg_catalog.pg_class AS t ON t.oid = x.{table}"
            " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace"
            f" WHERE {where} AND " + _OWN.format(oid="t.oid", catalog="pg_class")
        )
        for schema, relation, name in connection.execute(query.encode()).fetchall():
            yield Thing(kind, _name(schema, relation, name)), ""


def _name(*parts: str) -> str:
    return ".".join(identifier(p) for p in parts)


def _node(text: str) -> dict[str, object]:
    """A type as the parser takes it."""
    (parsed,) = pgparse.parse(f"SELECT NULL::{text}")
    target = parsed["stmt"]["SelectStmt"]["targetList"][0]["ResTarget"]
    node: dict[str, object] = target["val"]["TypeCast"]["typeName"]
    return node


def _type(text: str) -> str:
    return type_name(_node(text))


def _flyways(thing: Thing) -> bool:
    return thing.name.startswith(f"public.{HISTORY_TABLE}")


def within(schema: Schema, names: set[str]) -> Schema:
    """The part of a schema that is in some of PostgreSQL's schemas."""
    kept = {t: e for t, e in schema.entries.items() if parts(t.name)[0] in names}
    return replace(schema, entries=kept)


def differences(files: Mapping[Thing, str], live: Mapping[Thing, str]) -> list[str]:
    """Where a live database is not what the files make of it, in sentences.

    Args:
        files: the outline that a replay gives.
        live: the outline of the live database.
    """
    found = [f"{thing} is missing" for thing in sorted(files.keys() - live.keys())]
    found += [f"{thing} is in no migration" for thing in sorted(live.keys() - files.keys())]
    for thing in sorted(files.keys() & live.keys()):
        if files[thing] != live[thing]:
            if thing.kind == "function":
                found.append(f"{thing} has another body than in the files")
            else:
                found.append(f"{thing} is `{live[thing]}`, and in the files `{files[thing]}`")
    return found
