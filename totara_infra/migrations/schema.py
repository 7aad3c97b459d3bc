"""What is in a database, as a value: things, what they look like, and what goes with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from totara_infra.migrations.effects import Thing, parts
from totara_infra.migrations.statements import Statement

RELATIONS = ("table", "view", "sequence", "index")
"""Kinds that share their names within a schema."""
DATALESS = ("view", "function", "index", "constraint", "trigger", "policy", "rule", "statistics")
"""Kinds that can be dropped and made again without losing a row."""
UNSEEN = 0
"""Number of the migration that made what was found in a live database."""


@dataclass(frozen=True)
class Entry:
    """One thing of a schema.

    Attributes:
        born: number of the migration that made it; a rename does not change it.
        shape: what the catalogs of a live database say of it too, such as a column's type.
        definition: all that its statement says of it; tells a replaced one from the earlier one.
        holder: it goes when this one goes: an index with its table, a partition with its parent.
        columns: those of an index or constraint.
        uses: what has to be there for it; CASCADE takes it along with any of these.
        runs: what a function runs when it is called.
    """

    born: int
    shape: str = ""
    definition: str = ""
    holder: Thing | None = None
    columns: tuple[str, ...] = ()
    uses: frozenset[Thing] = frozenset()
    runs: tuple[Statement, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Schema:
    """The things of a database. Never changes; `replay` makes the next one.

    Attributes:
        entries: every thing with what is known of it.
        temporary: names of temporary tables, which end with their connection.
    """

    entries: Mapping[Thing, Entry] = field(default_factory=dict)
    temporary: frozenset[str] = frozenset()

    def __contains__(self, thing: Thing) -> bool:
        return thing in self.entries

    def found(self, thing: Thing) -> Thing | None:
        """A thing as it is filed: a function named without its arguments gets them.

        `ALTER TABLE` and `DROP` take a view, an index or a sequence by any of these words.
        """
        if thing in self.entries:
            return thing
        if thing.kind == "function" and not thing.name.endswith(")"):
            same = [t for t in self.entries if t.kind == "function" and base(t) == thing.name]
            return same[0] if len(same) == 1 else None
        if thing.kind in RELATIONS:
            return self.relation(thing.name)
        return None

    def relation(self, name: str) -> Thing | None:
        """The table, view, sequence or index of a name."""
        return next((t for k in RELATIONS if (t := Thing(k, name)) in self.entries), None)

    def overloads(self, name: str) -> Iterator[Entry]:
        """Every function of a name; where no schema is given, of any schema."""
        for thing, entry in self.entries.items():
            if thing.kind == "function":
                full = base(thing)
                if full == name or ("." not in name and full.endswith(f".{name}")):
                    yield entry

    def ancestors(self, table: str) -> Iterator[str]:
        """A table and the tables of which it is a partition, from the nearest."""
        seen: set[str] = set()
        current: Thing | None = Thing("table", table)
        while current is not None and current.name not in seen:
            seen.add(current.name)
            yield current.name
            entry = self.entries.get(current)
            holder = entry.holder if entry else None
            current = holder if holder is not None and holder.kind == "table" else None

    def outline(self) -> dict[Thing, str]:
        """What a live database can be held against: things and their shapes.

        Roles and extensions belong to the server and are left out.
        """
        return {
            thing: f"{entry.shape} ON {_table(entry.holder)}"
            if thing.kind == "index"
            else entry.shape
            for thing, entry in self.entries.items()
            if thing.kind not in ("role", "extension")
        }


def _table(holder: Thing | None) -> str:
    """The table of an index, which a constraint may hold."""
    if holder is None:
        return ""
    return ".".join(parts(holder.name)[:2])


def base(function: Thing) -> str:
    """A function's name without its arguments."""
    return function.name.split("(", maxsplit=1)[0]


def gone_with(entries: Mapping[Thing, Entry], thing: Thing, cascade: bool) -> set[Thing]:
    """What goes when a thing is dropped, itself included."""
    gone: set[Thing] = set()
    fresh = {thing}
    while fresh:
        gone |= fresh
        fresh = {
            other
            for other, entry in entries.items()
            if other not in gone
            and (
                entry.holder in gone
                or any(other.inside(g) for g in gone)
                or (cascade and entry.uses & gone)
            )
        }
    return gone
