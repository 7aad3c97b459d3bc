"""Rules of tables to which rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from totara_infra.migrations.effects import (
    BEFORE,
    DELETE,
    TRUNCATE,
    UPDATE,
    Thing,
    dropped,
    made,
    relation,
    rewritten,
    trigger_function,
)
from totara_infra.migrations.statements import Statement, nodes
from totara_infra.model.databases import Database

GUARD = "fn_immutable_row"
"""Name, in any schema, of the function behind the protecting triggers."""
_TAKES_PROTECTION = {
    "AT_AlterColumnType": "changes the type of a column of",
    "AT_DisableRule": "switches a rule off on",
    "AT_DisableTrig": "switches a trigger off on",
    "AT_DisableTrigAll": "switches the triggers off on",
    "AT_DisableTrigUser": "switches the triggers off on",
    "AT_DropColumn": "drops a column of",
    "AT_EnableReplicaTrig": "switches a trigger off on",
}
_RIGHTS = {"update", "delete", "truncate", "trigger"}


def breaches(
    statements: Sequence[Statement], database: Database, own: frozenset[Thing] = frozenset()
) -> Iterator[tuple[Statement, str]]:
    """Statements that change an append-only table or weaken its protection, and how.

    Args:
        statements: those of one file.
        database: says which tables are append-only.
        own: what the file may drop, since the migration that it undoes made it.
    """
    guarded = database.append_only
    for statement in statements:
        for table, word in rewritten(statement):
            if table in guarded:
                yield statement, f"{word} of {table}"
        for thing in _dropped_guards(statement, guarded, own):
            yield statement, f"drops {thing}"
        yield from ((statement, what) for what in _weakened(statement, guarded, own))


def _dropped_guards(
    statement: Statement, guarded: set[str], own: frozenset[Thing]
) -> Iterator[str]:
    for thing in dropped([statement]):
        table = thing.name.rsplit(".", maxsplit=1)[0]
        if thing in own:
            continue
        if thing.kind == "table" and thing.name in guarded:
            yield thing.name
        elif thing.kind == "trigger" and table in guarded and Thing("table", table) not in own:
            yield f"a trigger of {table}"
        elif thing.kind == "function" and thing.name.split(".")[-1] == GUARD:
            yield f"{thing.name}(), which protects others"


def _weakened(statement: Statement, guarded: set[str], own: frozenset[Thing]) -> Iterator[str]:
    node = statement.node
    if statement.kind == "AlterTableStmt":
        table = relation(node["relation"])
        for command in node["cmds"] if table in guarded else ():
            change = command["AlterTableCmd"]
            if Thing("column", f"{table}.{change.get('name')}") in own:
                continue
            if words := _TAKES_PROTECTION.get(change["subtype"]):
                yield f"{words} {table}"
    elif statement.kind in ("RenameStmt", "AlterObjectSchemaStmt"):
        table = relation(node.get("relation", {}))
        if table in guarded:
            yield f"renames or moves {table} or something of it"
    elif statement.kind == "GrantStmt" and node.get("is_grant"):
        rights = {p["AccessPriv"].get("priv_name", "all") for p in node.get("privileges", [])}
        given = rights & _RIGHTS if rights else _RIGHTS
        for kind, thing in nodes(node.get("objects", [])):
            if kind == "RangeVar" and given and relation(thing) in guarded:
                yield f"grants {', '.join(sorted(given)).upper()} on {relation(thing)}"


def unguarded(statements: Sequence[Statement], database: Database) -> Iterator[tuple[str, str]]:
    """Append-only tables that a file makes without their triggers, and what is missing."""
    tables = {t.name for t in made(statements) if t.kind == "table"} & database.append_only
    for table in sorted(tables):
        rows = whole = 0
        for statement in statements:
            node = statement.node
            if statement.kind != "CreateTrigStmt" or relation(node["relation"]) != table:
                continue
            if trigger_function(statement).split(".")[-1] != GUARD:
                continue
            if not node.get("timing", 0) & BEFORE or "whenClause" in node or node.get("columns"):
                continue
            if node.get("row"):
                rows |= node["events"]
            else:
                whole |= node["events"]
        missing = [
            *(["UPDATE"] if not rows & UPDATE else []),
            *(["DELETE"] if not rows & DELETE else []),
            *(["TRUNCATE"] if not whole & TRUNCATE else []),
        ]
        if missing:
            yield table, f"nothing refuses {', '.join(missing)} on {table}"


def weakened_guard(statements: Sequence[Statement]) -> Iterator[tuple[Statement, str]]:
    """Statements that put another function in the place of the protecting one."""
    for statement in statements:
        if statement.kind == "CreateFunctionStmt" and statement.node.get("replace"):
            name = ".".join(p["String"]["sval"] for p in statement.node["funcname"])
            if name.split(".")[-1] == GUARD:
                yield statement, f"replaces {name}()"
