"""What statements make, take away and touch, read from the parse tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.migrations.statements import Node, Statement, nodes

_DROPPED = {
    "OBJECT_FUNCTION": "function",
    "OBJECT_INDEX": "index",
    "OBJECT_MATVIEW": "view",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TABLE": "table",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_TYPE": "type",
    "OBJECT_VIEW": "view",
}
BEFORE = 1 << 1
DELETE, UPDATE, TRUNCATE = 1 << 3, 1 << 4, 1 << 5
"""Bits of a trigger's timing and events, `catalog/pg_trigger.h`."""


@dataclass(frozen=True, order=True)
class Thing:
    """Something in a database.

    Attributes:
        kind: table, view, function, index, column, constraint, trigger, schema, sequence, type or
            role.
        name: with its schema, and for what belongs to a table with the table's too.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def inside(self, other: Thing) -> bool:
        """Whether dropping the other drops this one too."""
        return other.kind in ("schema", "table", "view") and self.name.startswith(f"{other.name}.")


def relation(node: Node) -> str:
    """`schema.name` of a RangeVar; the name alone where no schema is written."""
    parts = (node.get("catalogname"), node.get("schemaname"), node.get("relname"))
    return ".".join(p for p in parts if p)


def _words(items: Iterable[Any]) -> str:
    return ".".join(i["String"]["sval"] for i in items if "String" in i)


def made(statements: Iterable[Statement]) -> set[Thing]:
    """What statements make."""
    return {thing for statement in statements for thing in _made(statement)}


def _made(statement: Statement) -> Iterator[Thing]:
    node = statement.node
    match statement.kind:
        case "CreateStmt" if node["relation"].get("relpersistence") != "t":
            yield Thing("table", relation(node["relation"]))
        case "CreateTableAsStmt" if node["into"]["rel"].get("relpersistence") != "t":
            kind = "view" if node["objtype"] == "OBJECT_MATVIEW" else "table"
            yield Thing(kind, relation(node["into"]["rel"]))
        case "ViewStmt":
            yield Thing("view", relation(node["view"]))
        case "CreateFunctionStmt":
            yield Thing("function", _words(node["funcname"]))
        case "CreateSeqStmt":
            yield Thing("sequence", relation(node["sequence"]))
        case "CreateEnumStmt" | "CreateDomainStmt":
            yield Thing("type", _words(node.get("typeName") or node["domainname"]))
        case "CompositeTypeStmt":
            yield Thing("type", relation(node["typevar"]))
        case "CreateSchemaStmt" if "schemaname" in node:
            yield Thing("schema", node["schemaname"])
        case "CreateRoleStmt":
            yield Thing("role", node["role"])
        case "IndexStmt" if "idxname" in node:
            schema = node["relation"].get("schemaname")
            yield Thing("index", f"{schema}.{node['idxname']}" if schema else node["idxname"])
        case "CreateTrigStmt":
            yield Thing("trigger", f"{relation(node['relation'])}.{node['trigname']}")
        case "AlterTableStmt":
            yield from _altered(node, "AT_AddColumn", "AT_AddConstraint")


def dropped(statements: Iterable[Statement]) -> dict[Thing, Statement]:
    """What statements drop, and which statement does."""
    return {thing: statement for statement in statements for thing in _dropped(statement)}


def _dropped(statement: Statement) -> Iterator[Thing]:
    node = statement.node
    if statement.kind == "DropRoleStmt":
        for role in node["roles"]:
            yield Thing("role", role["RoleSpec"].get("rolename", ""))
    elif statement.kind == "AlterTableStmt":
        yield from _altered(node, "AT_DropColumn", "AT_DropConstraint")
    elif statement.kind == "DropStmt":
        kind = _DROPPED.get(node["removeType"], node["removeType"].removeprefix("OBJECT_").lower())
        for thing in node["objects"]:
            ((shape, content),) = thing.items()
            match shape:
                case "List":
                    yield Thing(kind, _words(content["items"]))
                case "ObjectWithArgs":
                    yield Thing(kind, _words(content["objname"]))
                case "TypeName":
                    yield Thing(kind, _words(content["names"]))
                case "String":
                    yield Thing(kind, content["sval"])


def _altered(node: Node, column: str, constraint: str) -> Iterator[Thing]:
    table = relation(node["relation"])
    for command in node["cmds"]:
        change = command["AlterTableCmd"]
        definition = change.get("def", {})
        if change["subtype"] == column:
            name = change.get("name") or definition["ColumnDef"]["colname"]
            yield Thing("column", f"{table}.{name}")
        elif change["subtype"] == constraint:
            name = change.get("name") or definition["Constraint"].get("conname")
            if name:
                yield Thing("constraint", f"{table}.{name}")


def relations(statement: Statement) -> Iterator[str]:
    """Every table or view that a statement names, with its schema where that is written."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind == "RangeVar" or "relname" in node:
            yield relation(node)
    # Statements hold their main relation without a RangeVar around it.
    for key in ("relation", "view", "sequence"):
        main = statement.node.get(key)
        if isinstance(main, dict) and "relname" in main:
            yield relation(main)


def functions_called(statement: Statement) -> Iterator[str]:
    """Names of the functions that a statement calls."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind in ("FuncCall", "CreateTrigStmt"):
            yield _words(node["funcname"])


def roles_named(statement: Statement) -> Iterator[str]:
    """Roles that a statement makes, drops, grants to or revokes from."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind == "RoleSpec" and "rolename" in node:
            yield node["rolename"]
    if statement.kind in ("CreateRoleStmt", "AlterRoleStmt"):
        role = statement.node["role"]
        yield role if isinstance(role, str) else role.get("rolename", "")


def rewritten(statement: Statement) -> Iterator[tuple[str, str]]:
    """Tables whose rows a statement changes or removes, with the word for it; CTEs included."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind in ("UpdateStmt", "DeleteStmt") and "relation" in node:
            yield relation(node["relation"]), kind.removesuffix("Stmt").upper()
        elif kind == "MergeStmt":
            commands = {c["MergeWhenClause"]["commandType"] for c in node["mergeWhenClauses"]}
            for command in sorted(commands & {"CMD_UPDATE", "CMD_DELETE"}):
                yield relation(node["relation"]), command.removeprefix("CMD_")
        elif kind == "InsertStmt":
            if node.get("onConflictClause", {}).get("action") == "ONCONFLICT_UPDATE":
                yield relation(node["relation"]), "ON CONFLICT DO UPDATE"
        elif kind == "TruncateStmt":
            for table in node["relations"]:
                yield relation(table["RangeVar"]), "TRUNCATE"


def everywhere(statement: Statement) -> Iterator[tuple[str, str]]:
    """Tables that a statement empties or overwrites as a whole: no WHERE."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind in ("UpdateStmt", "DeleteStmt") and "whereClause" not in node:
            yield relation(node["relation"]), f"{kind.removesuffix('Stmt').upper()} without WHERE"
        elif kind == "TruncateStmt":
            for table in node["relations"]:
                yield relation(table["RangeVar"]), "TRUNCATE"


def trigger_function(statement: Statement) -> str:
    """Name of the function that a CREATE TRIGGER executes."""
    return _words(statement.node["funcname"])
