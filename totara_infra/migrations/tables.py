"""How statements change tables: columns, constraints, indexes, partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace as changed

from totara_infra.migrations.effects import Thing, identifier, parts, relation, type_name
from totara_infra.migrations.entries import Entries
from totara_infra.migrations.names import checked_columns, chosen, joined
from totara_infra.migrations.schema import Entry
from totara_infra.migrations.spelling import spelled
from totara_infra.migrations.statements import Node

_SERIAL = {
    "bigserial": "int8",
    "serial": "int4",
    "serial2": "int2",
    "serial4": "int4",
    "serial8": "int8",
    "smallserial": "int2",
}
_NOT_NULL, _DEFAULT = " NOT NULL", " DEFAULT"
_LABELS = {
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "excl",
    "CONSTR_FOREIGN": "fkey",
    "CONSTR_PRIMARY": "pkey",
    "CONSTR_UNIQUE": "key",
}
_INDEXED = ("CONSTR_EXCLUSION", "CONSTR_PRIMARY", "CONSTR_UNIQUE")
# In this order PostgreSQL chooses the names of what a CREATE TABLE leaves unnamed.
_ORDER = ("CONSTR_CHECK", "CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION", "CONSTR_FOREIGN")
_SECURITY = ("AT_EnableRowSecurity", "AT_ForceRowSecurity")
_NO_SECURITY = ("AT_DisableRowSecurity", "AT_NoForceRowSecurity")


class Tables(Entries):
    """Statements about tables."""

    def table_of_rows(self, target: Node, kind: str, query: Node) -> None:
        """A table or materialised view that a query fills; its columns are the query's affair."""
        if target.get("relpersistence") == "t":
            self.temporary.add(relation(target))
            return
        uses = self.uses_of(query) if kind == "view" else frozenset()
        thing = Thing(kind, relation(target))
        self.put(thing, Entry(self.number, definition=spelled(query), uses=uses), replace=False)

    def table(self, node: Node) -> None:
        """CREATE TABLE."""
        target = node["relation"]
        name = relation(target)
        if target.get("relpersistence") == "t" or target.get("schemaname") == "pg_temp":
            self.temporary.add(name)
            return
        if self.now.relation(name) is not None:
            return
        thing = Thing("table", name)
        parents = [r["RangeVar"] for r in node.get("inhRelations", ())]
        partition = "partbound" in node
        holder = Thing("table", relation(parents[0])) if partition else None
        self.put(thing, Entry(self.number, holder=holder), replace=False)
        for parent in parents:
            self._copy_columns(relation(parent), name, whole=True)
        constraints: list[tuple[Node, str]] = []
        for element in node.get("tableElts", ()):
            ((kind, content),) = element.items()
            if kind == "ColumnDef":
                constraints += self._column(target, content)
            elif kind == "Constraint":
                constraints.append((content, ""))
            elif kind == "TableLikeClause":
                self._copy_columns(relation(content["relation"]), name, whole=False)
        self._constraints(target, constraints)
        if partition:
            self._like_parent(target, relation(parents[0]))

    def _copy_columns(self, source: str, target: str, whole: bool) -> None:
        for thing, entry in self.columns(source).items():
            name = target + thing.name.removeprefix(source)
            shape = entry.shape if whole else entry.shape.replace(_DEFAULT, "")
            self.put(
                Thing("column", name),
                Entry(self.number, shape, entry.definition if whole else shape),
                replace=False,
            )

    def _column(self, target: Node, content: Node) -> list[tuple[Node, str]]:
        """A column, and the constraints that stand behind it with the column's name."""
        name = content["colname"]
        thing = Thing("column", f"{relation(target)}.{identifier(name)}")
        held = [c["Constraint"] for c in content.get("constraints", ())]
        if "typeName" not in content:
            # A partition says more of a column of its parent.
            return [(c, name) for c in held if c["contype"] in _LABELS]
        kind, default = type_name(content["typeName"]), ""
        required = False
        if kind in _SERIAL:
            kind, default, required = _SERIAL[kind], "serial", True
            self._sequence_of(target, name, thing)
        for constraint in held:
            match constraint["contype"]:
                case "CONSTR_NOTNULL" | "CONSTR_PRIMARY":
                    required = True
                case "CONSTR_DEFAULT" | "CONSTR_GENERATED":
                    default = _default(constraint, kind)
                case "CONSTR_IDENTITY":
                    required = True
                    self._sequence_of(target, name, thing)
        shape = kind + (_NOT_NULL if required else "") + (_DEFAULT if default else "")
        self.put(thing, Entry(self.number, shape, f"{shape} {default}".strip()), replace=False)
        return [(c, name) for c in held if c["contype"] in _LABELS]

    def _sequence_of(self, target: Node, column: str, holder: Thing) -> None:
        home = target.get("schemaname", "")
        name = chosen(target["relname"], column, "seq", self.taken_in(home))
        thing = Thing("sequence", f"{identifier(home)}.{identifier(name)}")
        self.put(thing, Entry(self.number, holder=holder), replace=False)

    def _constraints(self, target: Node, constraints: Sequence[tuple[Node, str]]) -> None:
        for contype in _ORDER:
            for constraint, column in constraints:
                if constraint["contype"] == contype:
                    self.constraint(target, constraint, column)

    def constraint(self, target: Node, content: Node, column: str = "") -> None:
        """A constraint of a table, with its index where it has one."""
        contype = content["contype"]
        table, home = relation(target), target.get("schemaname", "")
        if contype == "CONSTR_NOTNULL":
            for key in content.get("keys", ()):
                self._required(f"{table}.{identifier(key['String']['sval'])}", required=True)
            return
        if contype not in _LABELS:
            return
        columns = [column] if column else _columns(content)
        named = "" if contype == "CONSTR_PRIMARY" else joined(columns)
        if contype == "CONSTR_CHECK":
            named = columns[0] if len(columns) == 1 else ""
            read = checked_columns(content["raw_expr"])
            named = read[0] if len(read) == 1 else ""
        name = content.get("conname") or content.get("indexname")
        name = name or chosen(target["relname"], named, _LABELS[contype], self.taken_in(home))
        thing = Thing("constraint", f"{table}.{identifier(name)}")
        quoted = tuple(identifier(c) for c in columns)
        if contype == "CONSTR_CHECK":
            quoted = tuple(identifier(c) for c in checked_columns(content["raw_expr"]))
        uses = (
            frozenset({Thing("table", relation(content["pktable"]))})
            if contype == "CONSTR_FOREIGN"
            else frozenset()
        )
        # That a row is held against it later makes no difference in the end.
        definition = spelled(content, "skip_validation", "initially_valid", "conname")
        made = Entry(self.number, "", definition, columns=quoted, uses=uses)
        if not self.put(thing, made, replace=False):
            return
        if contype == "CONSTR_PRIMARY":
            for part in quoted:
                self._required(f"{table}.{part}", required=True)
        if contype in _INDEXED:
            index = Thing("index", f"{identifier(home)}.{identifier(name)}")
            if "indexname" in content:
                earlier = Thing("index", f"{identifier(home)}.{identifier(content['indexname'])}")
                old = self.entries.pop(earlier, Entry(self.number))
                self.entries[index] = changed(old, holder=thing)
            else:
                unique = "" if contype == "CONSTR_EXCLUSION" else "UNIQUE"
                entry = Entry(self.number, unique, holder=thing, columns=quoted)
                self.put(index, entry, replace=False)

    def index(self, target: Node, name: str, columns: Sequence[str], unique: bool) -> None:
        """An index of a table or materialised view."""
        table = relation(target)
        thing = Thing("index", f"{identifier(target.get('schemaname', ''))}.{identifier(name)}")
        if "schemaname" not in target:
            thing = Thing("index", identifier(name))
        holder = self.now.relation(table) or Thing("table", table)
        shape = "UNIQUE" if unique else ""
        quoted = tuple(identifier(c) for c in columns)
        self.put(thing, Entry(self.number, shape, holder=holder, columns=quoted), replace=False)

    def _partitions(self, table: str) -> list[Thing]:
        held = Thing("table", table)
        return [t for t, e in self.entries.items() if t.kind == "table" and e.holder == held]

    def indexes_of_partitions(self, target: Node, columns: Sequence[str], unique: bool) -> None:
        """An index of a partitioned table has one in every partition."""
        for partition in self._partitions(relation(target)):
            node = _range(partition)
            free = self.taken_in(node["schemaname"])
            self.index(node, chosen(node["relname"], joined(columns), "idx", free), columns, unique)
            self.indexes_of_partitions(node, columns, unique)

    def _like_parent(self, target: Node, parent: str) -> None:
        """A partition gets its parent's constraints, indexes and triggers of rows."""
        table, held = relation(target), Thing("table", parent)
        for thing, entry in list(self.entries.items()):
            last = parts(thing.name)[-1]
            copied = thing.kind == "constraint" and self._twin(thing) is None
            copied = copied or (thing.kind == "trigger" and '"row": true' in entry.definition)
            if thing.kind == "index" and entry.holder == held:
                free = self.taken_in(target.get("schemaname", ""))
                name = chosen(target["relname"], joined(entry.columns), "idx", free)
                self.index(target, name, entry.columns, entry.shape.startswith("UNIQUE"))
            elif thing.inside(held) and copied:
                copy = changed(entry, born=self.number)
                self.put(Thing(thing.kind, f"{table}.{last}"), copy, replace=False)
            elif thing.inside(held) and thing.kind == "constraint":
                self._key_like(target, entry)

    def _key_like(self, target: Node, entry: Entry) -> None:
        """A key of a partitioned table has one in the partition, under a name of its own."""
        home, table = target.get("schemaname", ""), relation(target)
        primary = '"CONSTR_PRIMARY"' in entry.definition
        columns, label = ("", "pkey") if primary else (joined(entry.columns), "key")
        name = identifier(chosen(target["relname"], columns, label, self.taken_in(home)))
        made = Thing("constraint", f"{table}.{name}")
        self.put(made, changed(entry, born=self.number), replace=False)
        index = Entry(self.number, "UNIQUE", holder=made, columns=entry.columns)
        self.put(Thing("index", f"{identifier(home)}.{name}"), index, replace=False)

    def _required(self, column: str, required: bool) -> None:
        thing = Thing("column", column)
        if (entry := self.entries.get(thing)) is None:
            return
        kind = entry.shape.replace(_NOT_NULL, "").replace(_DEFAULT, "")
        has_default = _DEFAULT in entry.shape
        default = entry.definition.partition(entry.shape)[2].strip()
        self._shape(thing, kind, required, default if has_default else "")

    def _shape(self, thing: Thing, kind: str, required: bool, default: str) -> None:
        shape = kind + (_NOT_NULL if required else "") + (_DEFAULT if default else "")
        definition = f"{shape} {default}".strip()
        self.entries[thing] = changed(self.entries[thing], shape=shape, definition=definition)

    def alter(self, target: Node, change: Node) -> None:
        """One command of an ALTER TABLE."""
        table = relation(target)
        column = Thing("column", f"{table}.{identifier(change.get('name', ''))}")
        definition = change.get("def", {})
        match change["subtype"]:
            case "AT_AddColumn":
                held = self._column(target, definition["ColumnDef"])
                self._constraints(target, held)
            case "AT_DropColumn":
                self._drop_column(column, change.get("behavior") == "DROP_CASCADE")
            case "AT_AddConstraint":
                self.constraint(target, definition["Constraint"])
            case "AT_DropConstraint":
                thing = Thing("constraint", column.name)
                self.remove(thing, change.get("behavior") == "DROP_CASCADE")
            case "AT_SetNotNull" | "AT_DropNotNull":
                self._required(column.name, change["subtype"] == "AT_SetNotNull")
            case "AT_AttachPartition" | "AT_DetachPartition":
                part = Thing("table", relation(definition["PartitionCmd"]["name"]))
                attached = change["subtype"] == "AT_AttachPartition"
                if part in self.entries:
                    holder = Thing("table", table) if attached else None
                    self.entries[part] = changed(self.entries[part], holder=holder)
            case _:
                self._alter_column(target, change, column)

    def _alter_column(self, target: Node, change: Node, column: Thing) -> None:
        subtype, definition = change["subtype"], change.get("def", {})
        whole = Thing("table", relation(target))
        if subtype in (*_SECURITY, *_NO_SECURITY) and whole in self.entries:
            flag = subtype.replace("Disable", "Enable").replace("NoForce", "Force")
            flags = set(self.entries[whole].definition.split()) - {flag}
            if subtype in _SECURITY:
                flags.add(flag)
            text = " ".join(sorted(flags))
            self.entries[whole] = changed(self.entries[whole], definition=text)
        if (entry := self.entries.get(column)) is None:
            return
        kind = entry.shape.replace(_NOT_NULL, "").replace(_DEFAULT, "")
        required = _NOT_NULL in entry.shape
        default = entry.definition.partition(entry.shape)[2].strip()
        if subtype == "AT_ColumnDefault":
            new = {"contype": "CONSTR_DEFAULT", "raw_expr": definition}
            self._shape(column, kind, required, _default(new, kind) if definition else "")
        elif subtype == "AT_AlterColumnType":
            kind = type_name(definition["ColumnDef"]["typeName"])
            self._shape(column, kind, required, default)
        elif subtype == "AT_AddIdentity":
            self._sequence_of(target, change["name"], column)
        elif subtype == "AT_DropIdentity":
            for thing, other in list(self.entries.items()):
                if thing.kind == "sequence" and other.holder == column:
                    self.remove(thing, cascade=False)
        elif subtype == "AT_DropExpression":
            self._shape(column, kind, required, "")

    def _drop_column(self, column: Thing, cascade: bool) -> None:
        last = parts(column.name)[-1]
        table = column.name.removesuffix(f".{last}")
        for thing in list(self.entries):
            entry = self.entries.get(thing)
            if entry is None or last not in entry.columns:
                continue
            own = thing.kind == "constraint" and thing.inside(Thing("table", table))
            if own or (thing.kind == "index" and entry.holder == Thing("table", table)):
                self.remove(thing, cascade)
        self.remove(column, cascade)


def _default(content: Node, kind: str) -> str:
    """A column's default; PostgreSQL keeps no NULL, unless it has to cut it to a length."""
    if content.get("raw_expr", {}).get("A_Const", {}).get("isnull") and "(" not in kind:
        return ""
    return spelled(content)


def _columns(content: Node) -> list[str]:
    if content["contype"] == "CONSTR_CHECK":
        return checked_columns(content["raw_expr"])
    if content["contype"] == "CONSTR_EXCLUSION":
        elements = (e["List"]["items"][0]["IndexElem"] for e in content["exclusions"])
        return [e.get("name", "expr") for e in elements]
    keys = content.get("fk_attrs") or content.get("keys", ())
    return [k["String"]["sval"] for k in keys]


def _range(table: Thing) -> Node:
    """A table's name as the parser writes it."""
    home, last = (p.strip('"').replace('""', '"') for p in parts(table.name))
    return {"schemaname": home, "relname": last}
