"""What a migration does to what earlier ones made, and whether its undo takes back just that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from totara_infra.migrations.effects import (
    Thing,
    dropped,
    emptied,
    functions_called,
    identifier,
    relation,
)
from totara_infra.migrations.replay import replay
from totara_infra.migrations.schema import DATALESS, Entry, Schema
from totara_infra.migrations.statements import DYNAMIC, Statement

_LOST = ("column", "extension", "function", "schema", "sequence", "table", "type", "view")
"""Kinds whose loss running code notices."""
_RENAMES = ("AlterObjectSchemaStmt", "RenameStmt")
_REWIRES = ("AlterDomainStmt", "AlterExtensionContentsStmt", "AlterPolicyStmt")
"""They can make an earlier thing depend on a new one without a trace in the schema."""
Breach = tuple[str, Statement, str]
"""Rule, statement, what it does."""


@dataclass(frozen=True)
class Step:
    """A statement with the schema before and after it."""

    statement: Statement
    before: Schema
    after: Schema


def steps(schema: Schema, statements: Iterable[Statement], number: int) -> list[Step]:
    """The statements of a file one by one, from the schema that exists before it."""
    found: list[Step] = []
    for statement in statements:
        after = replay(schema, [statement], number)
        found.append(Step(statement, schema, after))
        schema = after
    return found


def made_by(schema: Schema, number: int) -> frozenset[Thing]:
    """What one migration made of a schema."""
    return frozenset(t for t, e in schema.entries.items() if e.born == number)


def forward(before: Schema, taken: Sequence[Step], number: int) -> Iterator[Breach]:
    """What a V file takes away of what it did not make."""
    end = taken[-1].after if taken else before
    for step in taken:
        yield from _unseen(step)
        for thing, entry in _removed(step, number):
            again = thing.kind in DATALESS and thing in end
            if thing.kind in _LOST and not again:
                yield "destructive", step.statement, f"drops {thing} {_origin(entry)}"
        for name, word in _emptied(step, number):
            yield "destructive", step.statement, f"{word} on {name}"
        own = made_by(step.after, number) | made_by(step.before, number)
        if (what := _cascade(step.statement, own, _reworked(before, step.before))) is not None:
            yield "cascade", step.statement, what


def backward(
    before: Schema, made: Sequence[Step], back: Sequence[Step], number: int, name: str
) -> Iterator[Breach | tuple[str, None, str]]:
    """Where an undo takes away more, or less, than its V file made.

    Args:
        before: the schema before the V file.
        made: the V file.
        back: the U file, from the schema after the V file.
        number: of both.
        name: of the V file.
    """
    there = made[-1].after if made else before
    end = back[-1].after if back else there
    own = made_by(there, number)
    reworked = _reworked(before, there) or any(s.statement.kind in _REWIRES for s in made)
    lost: set[Thing] = set()
    for step in back:
        yield from _unseen(step)
        for thing, entry in _removed(step, number):
            if thing.kind in DATALESS and thing in end:
                continue
            lost.add(thing)
            yield "undo-scope", step.statement, f"drops {thing} {_origin(entry)}"
        for thing in dropped([step.statement]):
            known = step.before.found(thing) or there.found(thing)
            own_part = any(thing.inside(o) for o in own) or thing.name in step.before.temporary
            if known is None and not own_part:
                yield "undo-scope", step.statement, f"{thing} was not made by {name}"
        for table, word in _emptied(step, number):
            what = f"{word} on {table}, which was there before {name}"
            yield "undo-scope", step.statement, what
        if (taken := _cascade(step.statement, own, reworked)) is not None:
            yield "cascade", step.statement, taken
    yield from (("undo-complete", None, w) for w in _remains(before, end, lost, name))


def _remains(before: Schema, end: Schema, lost: set[Thing], name: str) -> Iterator[str]:
    left = {t for t in end.entries if t not in before and t.kind != "role"}
    for thing in sorted(_outermost(left, end)):
        yield f"{thing} is left behind"
    missing = {t for t in before.entries if t not in end}
    for thing in sorted(_outermost(missing, before)):
        if thing not in lost:
            yield f"{thing}, which {name} drops, is not made again"
    for thing, entry in sorted(before.entries.items(), key=lambda pair: pair[0]):
        now = end.entries.get(thing)
        if now is not None and _looks(now) != _looks(entry):
            yield f"{thing} is not as it was before {name}: restore its earlier definition"


def _looks(entry: Entry) -> tuple[str, str, Thing | None]:
    return entry.shape, entry.definition, entry.holder


def _origin(entry: Entry) -> str:
    return f"of migration {entry.born:03}"


def _removed(step: Step, number: int) -> list[tuple[Thing, Entry]]:
    """What a statement drops of what other migrations made; not what goes along with it."""
    if step.statement.kind in _RENAMES:
        return []
    entries = step.before.entries
    gone = {t for t, e in entries.items() if t not in step.after and e.born != number}
    return [(t, entries[t]) for t in sorted(_outermost(gone, step.before))]


def _outermost(things: set[Thing], schema: Schema) -> set[Thing]:
    """Those that are not inside, or held by, another of them."""
    return {
        t
        for t in things
        if not ((schema.entries[t].holder in things) or any(t.inside(o) for o in things if o != t))
    }


def ran(schema: Schema, statement: Statement) -> list[Statement]:
    """A statement with all that the functions run that it calls, as far as migrations made them."""
    found, called = [statement], set[str]()
    if statement.kind == "CreateFunctionStmt":
        return []
    for one in found:
        for name in functions_called(one):
            if name not in called:
                called.add(name)
                for entry in schema.overloads(name):
                    found += entry.runs
    return found


def _unseen(step: Step) -> Iterator[Breach]:
    """What nobody can look into: where a function comes from a trigger, it does not run here."""
    if step.statement.kind == "CreateTrigStmt":
        return
    for one in ran(step.before, step.statement):
        if one.kind == DYNAMIC:
            yield "dynamic-sql", step.statement, f"{one.node['why']} can't be looked into"


def _emptied(step: Step, number: int) -> Iterator[tuple[str, str]]:
    for one in ran(step.before, step.statement):
        for name, word in emptied(one):
            thing = step.before.relation(name)
            own = thing is not None and step.before.entries[thing].born == number
            if not own and name not in step.before.temporary:
                through = "" if one is step.statement else ", in a function that is called,"
                yield name, f"{word}{through}"


def _reworked(before: Schema, after: Schema) -> bool:
    """Whether earlier things look different, so that they may depend on new ones."""
    return any(
        (now := after.entries.get(thing)) is not None
        and (_looks(now) != _looks(entry) or now.uses != entry.uses)
        for thing, entry in before.entries.items()
    )


def own_drop(step: Step, number: int) -> bool:
    """Whether a statement drops only what its own file made, or what is temporary."""
    targets = dropped([step.statement])
    return bool(targets) and all(
        t.name in step.before.temporary
        or ((found := step.before.found(t)) and step.before.entries[found].born == number)
        for t in targets
    )


def _cascade(statement: Statement, own: frozenset[Thing], reworked: bool) -> str | None:
    """CASCADE is safe on what the migration made, while nothing earlier was tied to it."""
    if statement.kind == "DropOwnedStmt":
        return "DROP OWNED takes whatever a role owns"
    if statement.kind == "TruncateStmt" and statement.node.get("behavior") == "DROP_CASCADE":
        return "TRUNCATE … CASCADE empties every table that refers to it"
    targets: list[Thing] = []
    if statement.kind == "DropStmt" and statement.node.get("behavior") == "DROP_CASCADE":
        targets = list(dropped([statement]))
    elif statement.kind == "AlterTableStmt":
        table = relation(statement.node["relation"])
        for command in statement.node["cmds"]:
            change = command["AlterTableCmd"]
            if change.get("behavior") == "DROP_CASCADE":
                kind = "column" if change["subtype"] == "AT_DropColumn" else "constraint"
                targets.append(Thing(kind, f"{table}.{identifier(change.get('name', ''))}"))
    foreign = [t for t in targets if not any(o == t or _named(o, t) for o in own)]
    if targets and (reworked or foreign):
        return f"CASCADE takes whatever depends on {(foreign or targets)[0]}"
    return None


def _named(own: Thing, target: Thing) -> bool:
    """A function dropped by its name alone."""
    return own.kind == target.kind == "function" and own.name.startswith(f"{target.name}(")
