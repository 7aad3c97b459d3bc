"""The rules of migrations: what each asks, why, and how to mend what breaks it."""

from __future__ import annotations

from dataclasses import dataclass

from totara_infra.model.problems import Problem
from totara_infra.model.vocabulary import Provenance

LONGEST_DESCRIPTION = 50
"""Characters of a description, without the number, the undo's ending and the extension."""
VERBS = ("add", "alter", "backfill", "create", "drop", "index")
ALLOW = "totara-allow"
"""A comment `-- totara-allow RULE: REASON` above a statement excuses it from a rule."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: short name, stable across releases.
        asks: what it asks, as one sentence.
        why: why.
        fix: how to mend what breaks it.
        provenance: who says so.
        excusable: whether a comment with a reason excuses a statement from it.
    """

    id: str
    asks: str
    why: str
    fix: str
    provenance: Provenance = Provenance.ASSUMED
    excusable: bool = False

    def problem(self, file: str, line: int, what: str, database: str) -> Problem:
        """What breaks the rule, in one place."""
        return Problem(file, line, self.id, what, self.why, self.fix, database)


_PUBLISHED = Provenance.PUBLISHED
_NAMES = (
    Rule(
        "extension",
        "Only files that end in .sql lie in a folder of migrations.",
        "Flyway passes anything else by without a word, so it would never run",
        "rename it to end in .sql, or move it elsewhere",
        _PUBLISHED,
    ),
    Rule(
        "name-form",
        "A migration is called V{NNN}__{description}.sql, its undo "
        "U{NNN}__{description}_rollback.sql.",
        "Flyway reads kind, number and description from the name",
        "name it as in V001__create_accounts_table.sql and "
        "U001__create_accounts_table_rollback.sql",
        _PUBLISHED,
    ),
    Rule(
        "number",
        "The number has three digits.",
        "files then sort as they run, and V1 and V001 can't both exist",
        "write three digits, starting with 001",
        _PUBLISHED,
    ),
    Rule(
        "characters",
        "A description is written in lower-case letters, digits and single underscores.",
        "shells, file systems and Flyway read hyphens, spaces, dots and capitals differently",
        "write it in lower_snake_case",
        _PUBLISHED,
    ),
    Rule(
        "length",
        f"A description has at most {LONGEST_DESCRIPTION} characters.",
        "longer ones are cut off in lists and in the history of migrations",
        "say it more briefly; details belong into a comment in the file",
        _PUBLISHED,
    ),
    Rule(
        "verb",
        f"A description starts with a verb: {', '.join(f'{v}_' for v in VERBS)}.",
        "the list of files then reads as a list of changes",
        "start with one of these verbs",
        _PUBLISHED,
    ),
    Rule(
        "number-twice",
        "A number is used once in a database.",
        "Flyway refuses to start when two migrations have one version",
        "give the later one the next free number, and its undo too",
        _PUBLISHED,
    ),
    Rule(
        "number-gap",
        "Numbers run from 001 without a gap, in each database for itself.",
        "a number that is filled in later would run out of order, or not at all",
        "renumber the migrations that have not been applied anywhere",
        _PUBLISHED,
    ),
    Rule(
        "undo-missing",
        "Every V file has its U file.",
        "without one there is no way back but a restore",
        "write the U file with the same number and description, ending in _rollback.sql",
        _PUBLISHED,
    ),
    Rule(
        "undo-alone",
        "Every U file has its V file, of the same number and description.",
        "an undo for something else takes away what it should not",
        "give both the same number and description, or remove it",
        _PUBLISHED,
    ),
)
_CONTENT = (
    Rule(
        "encoding",
        "A file is UTF-8 text without a byte order mark.",
        "PostgreSQL refuses other bytes, and editors hide them",
        "save it as UTF-8 without a byte order mark",
    ),
    Rule(
        "syntax",
        "Every file is SQL that PostgreSQL's own parser accepts.",
        "it would fail half-way through a deployment",
        "correct the statement; psql's backslash commands are not SQL",
    ),
    Rule(
        "empty",
        "A file has at least one statement.",
        "Flyway would record a change that never was",
        "write the statements, or remove the file and its counterpart",
    ),
    Rule(
        "one-database",
        "A migration touches one database.",
        "the eight databases are restored, moved and undone each for itself",
        "move the statement into a migration of the database that it is about; what crosses the "
        "border goes through an API or an event",
        _PUBLISHED,
    ),
    Rule(
        "schema-named",
        "What is made or changed has its schema in front of its name, and the search path stays.",
        "otherwise it depends on the connection's search path what is meant",
        "write schema.name",
    ),
    Rule(
        "transaction",
        "A file leaves transactions to Flyway, and what can't run in one stands alone in its file.",
        "a failure half-way would leave a part of it behind",
        "remove BEGIN, COMMIT and ROLLBACK; give each CONCURRENTLY a file without other statements",
    ),
    Rule(
        "dynamic-sql",
        "SQL is written out, not put together while it runs, and in no other language.",
        "nobody can see beforehand what it will do",
        f"write the statements out, or say why it may be: `-- {ALLOW} dynamic-sql: REASON` above "
        "the statement",
        excusable=True,
    ),
    Rule(
        "append-only",
        "Nothing changes or removes rows of an append-only table, or weakens what protects them.",
        "ledger, audit and regulatory records must stay as they were written",
        "add a row that corrects the earlier one; new columns may be added, none changed",
        _PUBLISHED,
    ),
    Rule(
        "append-only-trigger",
        "The migration that makes an append-only table also gives it the triggers that refuse "
        "UPDATE, DELETE and TRUNCATE.",
        "a rule that only the applications keep is not kept",
        "in the same file add a row trigger BEFORE UPDATE OR DELETE and a statement trigger BEFORE "
        "TRUNCATE that execute fn_immutable_row()",
        _PUBLISHED,
    ),
    Rule(
        "destructive",
        "A V file loses no data: it drops, truncates and empties nothing.",
        "what it takes away, no undo brings back, and running code may still read it",
        "first release code that does without it; then say why it may go: "
        f"`-- {ALLOW} destructive: REASON` above the statement",
        excusable=True,
    ),
    Rule(
        "renaming",
        "Nothing is renamed or moved to another schema.",
        "code of the previous release, still running, looks for the old name",
        "add the new one beside it, backfill, and drop the old one in a later release, or say why "
        f"it may be: `-- {ALLOW} renaming: REASON` above the statement",
        excusable=True,
    ),
    Rule(
        "locking",
        "No statement stops reads or writes of a table that is in use while it works through it.",
        "payments would wait, and time out, for as long as it takes",
        "use the form that does not (CONCURRENTLY, NOT VALID and then VALIDATE CONSTRAINT, a "
        f"default), or say why it may be: `-- {ALLOW} locking: REASON` above the statement",
        excusable=True,
    ),
    Rule(
        "cascade",
        "CASCADE takes only what the same migration made.",
        "it also takes what depends on the thing, which the file does not name",
        "name what has to go, one by one and in order, and leave CASCADE out",
    ),
    Rule(
        "undo-scope",
        "A U file drops and empties only what its V file made.",
        "anything else was there before, and its rows are not the undo's to take",
        "remove the statement; what the V file replaced or altered is set back to its earlier "
        "definition, not dropped",
    ),
    Rule(
        "undo-complete",
        "After a U file everything is as it was before its V file.",
        "the migration could not be applied again, or the previous release would not run",
        "drop what the V file made, make again what it dropped, and give what it replaced or "
        "altered its earlier definition",
    ),
    Rule(
        "excuse",
        f"An excuse names a rule that it can excuse, has a reason, and is needed: "
        f"`-- {ALLOW} RULE: REASON`.",
        "who reviews the change has to see why the rule does not hold",
        f"write `-- {ALLOW} RULE: REASON` directly above the statement, or remove it",
    ),
)
NAME_RULES = frozenset(rule.id for rule in _NAMES)
"""Ids of the rules about names and numbers."""
RULES: dict[str, Rule] = {rule.id: rule for rule in (*_NAMES, *_CONTENT)}
"""All rules by id, names first."""
