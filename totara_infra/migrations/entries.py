"""The things of a schema while statements change them: made, replaced, dropped, renamed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as changed

from totara_infra.migrations.effects import Thing, identifier, parts, relation
from totara_infra.migrations.schema import Entry, Schema, gone_with
from totara_infra.migrations.statements import Node, nodes


class Entries:
    """The things of a schema while statements change them."""

    def __init__(self, schema: Schema, number: int) -> None:
        self.entries = dict(schema.entries)
        self.temporary = set(schema.temporary)
        self.number = number

    @property
    def now(self) -> Schema:
        """The schema as it is so far."""
        return Schema(self.entries, frozenset(self.temporary))

    def add(self, thing: Thing) -> bool:
        """Make a thing unless it exists; whether it was made."""
        return self.put(thing, Entry(self.number), replace=False)

    def put(self, thing: Thing, entry: Entry, replace: bool) -> bool:
        """Make a thing, or put another definition in its place where that is asked for."""
        earlier = self.entries.get(thing)
        if earlier is not None and not replace:
            return False
        # What is replaced is still what the earlier migration made.
        self.entries[thing] = changed(entry, born=earlier.born) if earlier else entry
        return True

    def remove(self, thing: Thing, cascade: bool) -> None:
        """Drop a thing with all that goes with it."""
        for gone in gone_with(self.entries, thing, cascade):
            self.entries.pop(gone, None)

    def move(self, old: Thing, name: str) -> None:
        """Rename a thing; what is inside or refers to it follows."""
        names = {old: Thing(old.kind, name)}
        for other in self.entries:
            if other.inside(old):
                names[other] = Thing(other.kind, name + other.name.removeprefix(old.name))
        twin = self._twin(old)
        if twin is not None:
            names[twin] = Thing(twin.kind, ".".join([*parts(twin.name)[:-1], parts(name)[-1]]))
        self.entries = {
            names.get(thing, thing): changed(
                entry,
                holder=names.get(entry.holder, entry.holder) if entry.holder else None,
                uses=frozenset(names.get(u, u) for u in entry.uses),
            )
            for thing, entry in self.entries.items()
        }

    def _twin(self, thing: Thing) -> Thing | None:
        """The index of a constraint, or the constraint of an index: they share one name."""
        if thing.kind == "index":
            holder = self.entries[thing].holder
            return holder if holder is not None and holder.kind == "constraint" else None
        if thing.kind == "constraint":
            return next((t for t, e in self.entries.items() if e.holder == thing), None)
        return None

    def taken_in(self, schema: str) -> Callable[[str], bool]:
        """Whether a relation or constraint of a schema has a name."""
        taken = {
            parts(t.name)[-1]
            for t in self.entries
            if t.kind in ("table", "view", "sequence", "index", "constraint")
            and t.name.startswith(f"{identifier(schema)}.")
        }
        return lambda name: identifier(name) in taken

    def uses_of(self, query: Node) -> frozenset[Thing]:
        """The relations that a query reads."""
        found = (self.now.relation(relation(n)) for k, n in nodes(query) if k == "RangeVar")
        return frozenset(t for t in found if t is not None)

    def columns(self, table: str) -> dict[Thing, Entry]:
        """The columns of a table."""
        prefix = f"{table}."
        return {
            t: e
            for t, e in self.entries.items()
            if t.kind == "column" and t.name.startswith(prefix)
        }
