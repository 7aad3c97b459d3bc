"""What statements make, take away and touch, read from the parse tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.migrations.statements import Node, Statement, nodes

KINDS = {
    "OBJECT_AGGREGATE": "function",
    "OBJECT_DOMAIN": "type",
    "OBJECT_FUNCTION": "function",
    "OBJECT_INDEX": "index",
    "OBJECT_MATVIEW": "view",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TABLE": "table",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_TYPE": "type",
    "OBJECT_VIEW": "view",
}
"""The parser's kinds of objects -> ours, where they are not the same word."""
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')
_LENGTH = re.compile(r"\([0-9, ]*\)")
BEFORE = 1 << 1
DELETE, UPDATE, TRUNCATE = 1 << 3, 1 << 4, 1 << 5
"""Bits of a trigger's timing and events, `catalog/pg_trigger.h`."""


@dataclass(frozen=True, order=True)
class Thing:
    """Something in a database.

    Attributes:
        kind: table, view, function, index, column, constraint, trigger, policy, rule, schema,
            sequence, type, extension, statistics or role.
        name: with its schema, and for what belongs to a table with the table's too; for a function
            with the types of its arguments. In quotes where PostgreSQL needs them.
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
    return ".".join(identifier(p) for p in parts if p)


def identifier(text: str) -> str:
    """A name as SQL writes it: in quotes where it needs them."""
    return text if _PLAIN.fullmatch(text) else '"{}"'.format(text.replace('"', '""'))


def parts(name: str) -> list[str]:
    """A name in its parts: a point in quotes separates nothing."""
    return _PART.findall(name)


def words(items: Iterable[Any]) -> str:
    """The name that a list of the parser's strings makes."""
    return ".".join(identifier(i["String"]["sval"]) for i in items if "String" in i)


def type_name(node: Node) -> str:
    """A type in one spelling: `int` and `pg_catalog.int4` are `int4`, with length and brackets."""
    parts = [i["String"]["sval"] for i in node["names"]]
    if parts[0] == "pg_catalog" and len(parts) > 1:
        del parts[0]
    name = ".".join(identifier(p) for p in parts)
    # The parser leaves a zero out.
    sizes = [
        str(m["A_Const"]["ival"].get("ival", 0))
        for m in node.get("typmods", ())
        if "ival" in m.get("A_Const", ())
    ]
    length = f"({','.join(sizes)})" if sizes else ""
    return f"{name}{length}{'[]' if node.get('arrayBounds') else ''}"


_INPUT = ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC")


def signature(name: str, parameters: Iterable[Node]) -> str:
    """A function by what identifies it: name and types of the arguments that go in.

    Args:
        name: with its schema.
        parameters: nodes `FunctionParameter` as the parser gives them.
    """
    types = [
        type_name(p["argType"])
        for p in (q["FunctionParameter"] for q in parameters)
        if p["mode"] in _INPUT
    ]
    # A length is no part of a function's identity.
    return f"{name}({', '.join(_LENGTH.sub('', t) for t in types)})"


def function_named(node: Node) -> str:
    """The function that an `ObjectWithArgs` names; without brackets where it gives no types."""
    name = words(node["objname"])
    if node.get("args_unspecified"):
        return name
    if "objfuncargs" in node or "objargs" not in node:
        return signature(name, node.get("objfuncargs", ()))
    types = [type_name(a["TypeName"]) for a in node["objargs"]]
    return f"{name}({', '.join(types)})"


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
            name = signature(words(node["funcname"]), node.get("parameters", ()))
            yield Thing("function", name)
        case "CreateSeqStmt":
            yield Thing("sequence", relation(node["sequence"]))
        case "CreateEnumStmt" | "CreateDomainStmt":
            yield Thing("type", words(node.get("typeName") or node["domainname"]))
        case "CompositeTypeStmt":
            yield Thing("type", relation(node["typevar"]))
        case "CreateSchemaStmt" if "schemaname" in node:
            yield Thing("schema", identifier(node["schemaname"]))
        case "CreateRoleStmt":
            yield Thing("role", node["role"])
        case "IndexStmt" if "idxname" in node:
            schema = node["relation"].get("schemaname")
            yield Thing("index", words(_strings(schema, node["idxname"])))
        case "CreateTrigStmt":
            name = f"{relation(node['relation'])}.{identifier(node['trigname'])}"
            yield Thing("trigger", name)
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
        kind = KINDS.get(node["removeType"], node["removeType"].removeprefix("OBJECT_").lower())
        for thing in node["objects"]:
            ((shape, content),) = thing.items()
            match shape:
                case "List":
                    yield Thing(kind, words(content["items"]))
                case "ObjectWithArgs":
                    yield Thing(kind, function_named(content))
                case "TypeName":
                    yield Thing(kind, words(content["names"]))
                case "String":
                    yield Thing(kind, identifier(content["sval"]))


def _strings(*names: str | None) -> list[Node]:
    return [{"String": {"sval": n}} for n in names if n]


def _altered(node: Node, column: str, constraint: str) -> Iterator[Thing]:
    table = relation(node["relation"])
    for command in node["cmds"]:
        change = command["AlterTableCmd"]
        definition = change.get("def", {})
        if change["subtype"] == column:
            name = change.get("name") or definition["ColumnDef"]["colname"]
            yield Thing("column", f"{table}.{identifier(name)}")
        elif change["subtype"] == constraint:
            name = change.get("name") or definition["Constraint"].get("conname")
            if name:
                yield Thing("constraint", f"{table}.{identifier(name)}")


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
            yield words(node["funcname"])


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


def emptied(statement: Statement) -> Iterator[tuple[str, str]]:
    """Tables that a statement empties or overwrites as a whole, or a column of them, and how."""
    for kind, node in nodes({statement.kind: statement.node}):
        if kind in ("UpdateStmt", "DeleteStmt") and not _chooses(node.get("whereClause")):
            yield relation(node["relation"]), f"{kind.removesuffix('Stmt').upper()} without WHERE"
        elif kind == "MergeStmt":
            clauses = [c["MergeWhenClause"]["commandType"] for c in node["mergeWhenClauses"]]
            if "CMD_DELETE" in clauses:
                yield relation(node["relation"]), "MERGE … DELETE"
        elif kind == "TruncateStmt":
            for table in node["relations"]:
                yield relation(table["RangeVar"]), "TRUNCATE"
        elif kind == "RefreshMatViewStmt" and node.get("skipData"):
            yield relation(node["relation"]), "REFRESH … WITH NO DATA"
        elif kind == "AlterTableStmt":
            for command in node["cmds"]:
                change = command["AlterTableCmd"]
                using = change.get("def", {}).get("ColumnDef", {}).get("raw_default")
                if change["subtype"] == "AT_AlterColumnType" and using and not _chooses(using):
                    yield relation(node["relation"]), "a type whose USING names no column"
                elif change["subtype"] == "AT_DetachPartition":
                    yield relation(node["relation"]), "DETACH PARTITION"


def _chooses(expression: Node | None) -> bool:
    """Whether an expression depends on the row: `WHERE true` does not."""
    return expression is not None and any(
        kind in ("ColumnRef", "CurrentOfExpr") for kind, _ in nodes(expression)
    )


def unqualified(statement: Statement, temporary: frozenset[str]) -> Iterator[str]:
    """What a statement changes without naming its schema, or how it changes the search path.

    Args:
        statement: any.
        temporary: names of temporary tables, which have no schema.
    """
    for kind, node in nodes({statement.kind: statement.node}):
        if kind == "VariableSetStmt" and node.get("name") == "search_path":
            if statement.kind == "VariableSetStmt":
                yield "it changes the search path"
        elif kind == "FuncCall" and words(node["funcname"]).split(".")[-1] == "set_config":
            if '"search_path"' in str(node.get("args")).replace("'", '"'):
                yield "it changes the search path"
        elif kind in _CHANGES and statement.kind != "CreateFunctionStmt":
            for name in _changed(kind, node):
                if "." not in name and name not in temporary:
                    yield f"{name} has no schema"
    for thing in dropped([statement]):
        if thing.kind in _NEED_SCHEMA and "." not in thing.name and thing.name not in temporary:
            yield f"{thing} has no schema"


_CHANGES = (
    "AlterObjectSchemaStmt",
    "AlterTableStmt",
    "CopyStmt",
    "CreatePolicyStmt",
    "CreateTrigStmt",
    "DeleteStmt",
    "IndexStmt",
    "InsertStmt",
    "MergeStmt",
    "RenameStmt",
    "RuleStmt",
    "TruncateStmt",
    "UpdateStmt",
)
_NEED_SCHEMA = ("function", "index", "sequence", "table", "type", "view")


def _changed(kind: str, node: Node) -> Iterator[str]:
    """Names of the relations that a node changes."""
    if kind == "TruncateStmt":
        yield from (relation(table["RangeVar"]) for table in node["relations"])
    elif kind == "CreatePolicyStmt":
        yield relation(node["table"])
    elif "relation" in node:
        yield relation(node["relation"])


def trigger_function(statement: Statement) -> str:
    """Name of the function that a CREATE TRIGGER executes."""
    return words(statement.node["funcname"])
