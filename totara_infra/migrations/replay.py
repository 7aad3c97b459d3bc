"""What a schema becomes when statements run on it, told from the statements alone.

A statement that PostgreSQL would refuse changes nothing here. What a DO block runs under a
condition counts as run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace as changed

from totara_infra.migrations.effects import (
    KINDS,
    Thing,
    dropped,
    function_named,
    identifier,
    parts,
    relation,
    signature,
    type_name,
    words,
)
from totara_infra.migrations.names import chosen, index_columns, joined
from totara_infra.migrations.schema import Entry, Schema, base, gone_with
from totara_infra.migrations.spelling import body_of, spelled
from totara_infra.migrations.statements import Node, Statement, function_body
from totara_infra.migrations.tables import Tables

_NAMED_LISTS = {
    "CreateDomainStmt": ("type", "domainname"),
    "CreateEnumStmt": ("type", "typeName"),
    "CreateRangeStmt": ("type", "typeName"),
    "CreateStatsStmt": ("statistics", "defnames"),
}


def replay(schema: Schema, statements: Iterable[Statement], number: int) -> Schema:
    """The schema after some statements.

    Args:
        schema: before them.
        statements: in order.
        number: of the migration that they belong to; stands in what they make.
    """
    work = _Replay(schema, number)
    for statement in statements:
        work.run(statement)
    return Schema(work.entries, frozenset(work.temporary))


class _Replay(Tables):
    """Statements that make, change and drop whole things; tables are in the class above."""

    def run(self, statement: Statement) -> None:
        handler = _HANDLERS.get(statement.kind)
        if handler is not None:
            handler(self, statement)
        elif statement.kind in _NAMED_LISTS:
            kind, key = _NAMED_LISTS[statement.kind]
            self.add(Thing(kind, words(statement.node[key])))

    def create_table(self, statement: Statement) -> None:
        self.table(statement.node)

    def create_table_as(self, statement: Statement) -> None:
        node = statement.node
        kind = "view" if node["objtype"] == "OBJECT_MATVIEW" else "table"
        self.table_of_rows(node["into"]["rel"], kind, node["query"])

    def select(self, statement: Statement) -> None:
        if "intoClause" in statement.node and not statement.nested:
            self.table_of_rows(statement.node["intoClause"]["rel"], "table", statement.node)

    def create_view(self, statement: Statement) -> None:
        node = statement.node
        if node["view"].get("relpersistence") == "t":
            self.temporary.add(relation(node["view"]))
            return
        thing = Thing("view", relation(node["view"]))
        uses = self.uses_of(node["query"])
        made = Entry(self.number, definition=spelled(node, "replace"), uses=uses)
        self.put(thing, made, bool(node.get("replace")))

    def create_function(self, statement: Statement) -> None:
        node = statement.node
        thing = Thing("function", signature(words(node["funcname"]), node.get("parameters", ())))
        made = Entry(
            self.number,
            shape=body_of(node),
            definition=spelled(node, "replace"),
            runs=tuple(function_body(statement)),
        )
        self.put(thing, made, bool(node.get("replace")))

    def define(self, statement: Statement) -> None:
        node = statement.node
        kind = KINDS.get(node["kind"], node["kind"].removeprefix("OBJECT_").lower())
        name = words(node["defnames"])
        if node["kind"] == "OBJECT_AGGREGATE":
            name = signature(name, node["args"][0].get("List", {}).get("items", ()))
        self.put(Thing(kind, name), Entry(self.number, definition=spelled(node, "replace")), False)

    def create_sequence(self, statement: Statement) -> None:
        node = statement.node
        if node["sequence"].get("relpersistence") == "t":
            self.temporary.add(relation(node["sequence"]))
            return
        thing = Thing("sequence", relation(node["sequence"]))
        if self.add(thing):
            self._owner(thing, node)

    def alter_sequence(self, statement: Statement) -> None:
        self._owner(Thing("sequence", relation(statement.node["sequence"])), statement.node)

    def _owner(self, thing: Thing, node: Node) -> None:
        for option in node.get("options", ()):
            part = option["DefElem"]
            if part["defname"] == "owned_by" and thing in self.entries:
                names = part["arg"]["List"]["items"]
                holder = Thing("column", words(names)) if len(names) > 1 else None
                self.entries[thing] = changed(self.entries[thing], holder=holder)

    def composite(self, statement: Statement) -> None:
        self.add(Thing("type", relation(statement.node["typevar"])))

    def create_schema(self, statement: Statement) -> None:
        node = statement.node
        if "schemaname" not in node:
            return
        self.add(Thing("schema", identifier(node["schemaname"])))
        for element in node.get("schemaElts", ()):
            ((kind, content),) = element.items()
            for key in ("relation", "view", "sequence"):
                if key in content:
                    inside = {"schemaname": node["schemaname"], **content[key]}
                    content = {**content, key: inside}
            self.run(changed(statement, kind=kind, node=content))

    def create_role(self, statement: Statement) -> None:
        self.add(Thing("role", identifier(statement.node["role"])))

    def create_extension(self, statement: Statement) -> None:
        self.add(Thing("extension", identifier(statement.node["extname"])))

    def create_index(self, statement: Statement) -> None:
        node = statement.node
        table, columns = node["relation"], index_columns(node)
        home = table.get("schemaname", "")
        name = node.get("idxname") or chosen(
            table["relname"], joined(columns), "idx", self.taken_in(home)
        )
        if node.get("idxname") and self.taken_in(home)(name):
            return
        self.index(table, name, columns, unique=bool(node.get("unique")))
        self.indexes_of_partitions(table, columns, unique=bool(node.get("unique")))

    def create_trigger(self, statement: Statement) -> None:
        node = statement.node
        thing = Thing("trigger", f"{relation(node['relation'])}.{identifier(node['trigname'])}")
        made = Entry(self.number, definition=spelled(node, "replace"))
        self.put(thing, made, bool(node.get("replace")))

    def create_policy(self, statement: Statement) -> None:
        node = statement.node
        thing = Thing("policy", f"{relation(node['table'])}.{identifier(node['policy_name'])}")
        self.put(thing, Entry(self.number, definition=spelled(node)), False)

    def create_rule(self, statement: Statement) -> None:
        node = statement.node
        thing = Thing("rule", f"{relation(node['relation'])}.{identifier(node['rulename'])}")
        made = Entry(self.number, definition=spelled(node, "replace"))
        self.put(thing, made, bool(node.get("replace")))

    def drop(self, statement: Statement) -> None:
        cascade = statement.node.get("behavior") == "DROP_CASCADE"
        for thing in dropped([statement]):
            self.temporary.discard(thing.name)
            if (found := self.now.found(thing)) is not None:
                self.remove(found, cascade)

    def alter_table(self, statement: Statement) -> None:
        for command in statement.node["cmds"]:
            self.alter(statement.node["relation"], command["AlterTableCmd"])

    def rename(self, statement: Statement) -> None:
        node = statement.node
        old = _renamed(node)
        found = self.now.found(old) if old is not None else None
        if found is None:
            return
        new = identifier(node["newname"])
        stem = base(found)
        arguments = found.name.removeprefix(stem)
        self.move(found, ".".join([*parts(stem)[:-1], new]) + arguments)

    def change_schema(self, statement: Statement) -> None:
        node = statement.node
        old = _renamed({**node, "renameType": node["objectType"]})
        found = self.now.found(old) if old is not None else None
        if found is None:
            return
        schema = identifier(node["newschema"])

        def there(thing: Thing) -> str:
            stem = base(thing)
            return ".".join([schema, *parts(stem)[1:]]) + thing.name.removeprefix(stem)

        # Its indexes and the sequences of its columns go with it.
        for thing in gone_with(self.entries, found, cascade=False):
            if thing == found or thing.kind in ("index", "sequence"):
                self.move(thing, there(thing))


def _renamed(node: Node) -> Thing | None:  # noqa: PLR0911
    """What a RENAME or SET SCHEMA is about."""
    kind = KINDS.get(node["renameType"], node["renameType"].removeprefix("OBJECT_").lower())
    kind = {"tabconstraint": "constraint"}.get(kind, kind)
    table = relation(node["relation"]) if "relation" in node else ""
    if kind in ("column", "constraint", "trigger", "policy", "rule") and table:
        return Thing(kind, f"{table}.{identifier(node['subname'])}")
    if table:
        return Thing(kind, table)
    if kind in ("schema", "role") and "subname" in node:
        return Thing(kind, identifier(node["subname"]))
    content = node.get("object", {})
    if "ObjectWithArgs" in content:
        return Thing(kind, function_named(content["ObjectWithArgs"]))
    if "List" in content:
        return Thing(kind, words(content["List"]["items"]))
    if "TypeName" in content:
        return Thing(kind, type_name(content["TypeName"]))
    return None


_HANDLERS: dict[str, Callable[[_Replay, Statement], None]] = {
    "AlterObjectSchemaStmt": _Replay.change_schema,
    "AlterSeqStmt": _Replay.alter_sequence,
    "AlterTableStmt": _Replay.alter_table,
    "CompositeTypeStmt": _Replay.composite,
    "CreateExtensionStmt": _Replay.create_extension,
    "CreateFunctionStmt": _Replay.create_function,
    "CreatePolicyStmt": _Replay.create_policy,
    "CreateRoleStmt": _Replay.create_role,
    "CreateSchemaStmt": _Replay.create_schema,
    "CreateSeqStmt": _Replay.create_sequence,
    "CreateStmt": _Replay.create_table,
    "CreateTableAsStmt": _Replay.create_table_as,
    "CreateTrigStmt": _Replay.create_trigger,
    "DefineStmt": _Replay.define,
    "DropRoleStmt": _Replay.drop,
    "DropStmt": _Replay.drop,
    "IndexStmt": _Replay.create_index,
    "RenameStmt": _Replay.rename,
    "RuleStmt": _Replay.create_rule,
    "SelectStmt": _Replay.select,
    "ViewStmt": _Replay.create_view,
}
