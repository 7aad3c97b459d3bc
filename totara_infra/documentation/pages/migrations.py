"""Schema migrations: the databases in order, what each holds, and the rules."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, codes, link, mark, table, text
from totara_infra.documentation.pages.page import module_link
from totara_infra.migrations.handbook import chapter
from totara_infra.migrations.order import Place

PATH = "operations/migrations.md"


def write(facts: Facts) -> list[str]:
    """Databases, commands, rules."""
    content = chapter(facts.catalogue, facts.sequence)
    width = max(len(command) for command, _ in content.commands)
    lines = [
        "Flyway brings each of the eight databases up to date with the files in "
        f"{code('db/migrations/')} of its domain's repository. "
        f"{link('How to write and run them', '../guides/migrations.md')}.",
        "",
        "```console",
        *(f"$ {command.ljust(width)}  # {what}" for command, what in content.commands),
        "```",
        "",
        *(f"* {text(principle)}" for principle in content.principles),
        "",
        "## The databases in order",
        "",
        "A database is migrated before the first module comes up that owns something in it.",
        *table(
            ("", "database", "before", "schemas", "tables", "secret"),
            (_place(facts, i, place) for i, place in enumerate(content.places, start=1)),
        ),
    ]
    for place in content.places:
        lines += _tables(facts, place)
    lines += [
        "## Rules",
        *table(
            ("rule", "asks", "because", ""),
            (
                (code(rule.id), text(rule.asks), text(rule.why), mark(rule.provenance))
                for rule in content.rules
            ),
        ),
    ]
    return lines


def _place(facts: Facts, number: int, place: Place) -> tuple[str, ...]:
    first = f"{module_link(facts, place.first, PATH)}, phase {place.phase}" if place.first else "-"
    database = place.database
    schemas = codes(s.name for s in database.schemas)
    count = str(len(database.tables))
    return str(number), code(place.name), first, schemas, count, code(place.secret)


def _tables(facts: Facts, place: Place) -> list[str]:
    rows = (
        (
            code(t.name),
            module_link(facts, t.owner, PATH),
            "rows are only added" if t.append_only else "",
            mark(t.provenance),
        )
        for t in place.database.tables
    )
    return [f"### {place.name}", *table(("table", "owner", "", ""), rows)]
