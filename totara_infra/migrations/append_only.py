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
    identifier,
    made,
    relation,
    rewritten,
    trigger_function,
)
from totara_infra.migrations.history import Step
from totara_infra.migrations.schema import Schema, base
from totara_infra.migrations.statements import Statement, function_body, nodes
from totara_infra.model.databases import Database

GUARD = "fn_immutable_row"
"""Name, in any schema, of the function behind the protecting triggers."""
_TAKES_PROTECTION = {
    "AT_DetachPartition": "takes a partition from",
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
    steps: Sequence[Step], database: Database, own: frozenset[Thing] = frozenset()
) -> Iterator[tuple[Statement, str]]:
    """Statements that change an append-only table or weaken its protection, and how.

    Args:
        steps: the statements of one file, each with the schema that it finds.
        database: says which tables are append-only.
        own: what the file may drop, since the migration that it undoes made it.
    """
    guarded = database.append_only
    for step in steps:
        statement = step.statement
        # A function that would change such rows is refused where it is made.
        body = function_body(statement) if statement.kind == "CreateFunctionStmt" else []
        for one in (statement, *body):
            for table, word in rewritten(one):
                if (name := _guarded(table, guarded, step.before)) is not None:
                    yield statement, f"{word} of {name}"
        for thing in _dropped_guards(step, guarded, own):
            yield statement, f"drops {thing}"
        yield from ((statement, what) for what in _weakened(step, guarded, own))


def _guarded(table: str, guarded: set[str], schema: Schema) -> str | None:
    """The append-only table that a name means: itself, as a partition, or without its schema."""
    for name in schema.ancestors(table):
        if name in guarded:
            return table
    if "." in table or table in schema.temporary:
        return None
    return next((g for g in sorted(guarded) if g.endswith(f".{table}")), None)


def _dropped_guards(step: Step, guarded: set[str], own: frozenset[Thing]) -> Iterator[str]:
    for target in dropped([step.statement]):
        thing = step.before.found(target) or target
        table = thing.name.rsplit(".", maxsplit=1)[0]
        if thing in own:
            continue
        if thing.kind == "table" and _guarded(thing.name, guarded, step.before):
            yield thing.name
        elif thing.kind == "schema":
            yield from sorted(g for g in guarded if g.startswith(f"{thing.name}."))
        elif thing.kind == "trigger" and table in guarded and Thing("table", table) not in own:
            yield f"a trigger of {table}"
        elif thing.kind == "function" and base(thing).split(".")[-1] == GUARD:
            yield f"{base(thing)}(), which protects others"


def _weakened(step: Step, guarded: set[str], own: frozenset[Thing]) -> Iterator[str]:
    statement, node = step.statement, step.statement.node
    if any(
        "session_replication_role" in str(n)
        for k, n in nodes({statement.kind: node})
        if k in ("VariableSetStmt", "FuncCall")
    ):
        yield "switches every trigger off"
    if statement.kind == "CreateTrigStmt" and node.get("replace"):
        table = relation(node["relation"])
        trigger = Thing("trigger", f"{table}.{identifier(node['trigname'])}")
        if table in guarded and trigger in step.before and trigger not in own:
            yield f"replaces a trigger of {table}"
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
        if node.get("renameType") == "OBJECT_SCHEMA":
            inside = [g for g in guarded if g.startswith(f"{identifier(node['subname'])}.")]
            yield from (f"renames the schema of {table}" for table in sorted(inside))
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
