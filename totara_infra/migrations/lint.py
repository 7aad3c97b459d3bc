"""All rules held against folders of migrations, every breach at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from totara_infra.migrations import append_only, effects, history
from totara_infra.migrations.files import Folder, MigrationFile
from totara_infra.migrations.history import Step, steps
from totara_infra.migrations.locking import Finding, findings
from totara_infra.migrations.rules import RULES
from totara_infra.migrations.schema import Schema
from totara_infra.migrations.statements import SqlSyntaxError, Statement, parse_file
from totara_infra.model.databases import Database, DatabaseCatalogue
from totara_infra.model.problems import Problem

_TABLES = ("CreateStmt", "CreateTableAsStmt")
_TRANSACTIONS = ("TransactionStmt",)
_FOREIGN = ("CreateForeignServerStmt", "CreateForeignTableStmt", "CreateUserMappingStmt")
_FOREIGN_EXTENSIONS = ("dblink", "postgres_fdw")
_LOCKING_KINDS = {
    "ClusterStmt": "CLUSTER rewrites the table under a lock",
    "LockStmt": "LOCK TABLE",
    "VacuumStmt": "VACUUM is maintenance, and with FULL rewrites the table under a lock",
}
_SYSTEM_SCHEMAS = ("pg_catalog", "information_schema", "pg_temp")
_SILENCED = re.compile(r"--\s*squawk-ignore")


@dataclass
class _Parsed:
    file: MigrationFile
    text: str
    statements: list[Statement]
    used: set[tuple[int, str]] = field(default_factory=set)
    """Line and rule of the excuses that were needed."""
    before: Schema = field(default_factory=Schema)
    """What exists before it."""
    steps: list[Step] = field(default_factory=list)

    @property
    def after(self) -> Schema:
        """What exists after it."""
        return self.steps[-1].after if self.steps else self.before


@dataclass(frozen=True)
class LintReport:
    """What was looked at and what is wrong with it.

    Attributes:
        folders: the folders, one for each database.
        files: how many migrations were read.
        problems: by file, line and rule.
    """

    folders: tuple[Folder, ...]
    files: int
    problems: tuple[Problem, ...]


def lint(databases: DatabaseCatalogue, folders: Sequence[Folder]) -> LintReport:
    """Hold migrations against every rule.

    Args:
        databases: what belongs where, and which tables are append-only.
        folders: the folders, one for each database.

    Raises:
        UsageError: a file can't be read.
    """
    problems: list[Problem] = []
    found: list[tuple[Folder, list[MigrationFile]]] = []
    for folder in folders:
        files, faults = folder.read()
        problems += faults
        found.append((folder, files))
    judges: list[_Folder] = []
    for folder, files in found:
        judge = _Folder(databases, databases.by_name[folder.database])
        problems += judge.read(files)
        judges.append(judge)
    locks: dict[Path, list[Finding]] = {}
    # All files in one call: starting squawk takes longer than what it does.
    for finding in findings({f: t for judge in judges for f, t in judge.forward_texts()}):
        locks.setdefault(finding.file, []).append(finding)
    for judge in judges:
        problems += judge.problems(locks)
    count = sum(len(files) for _, files in found)
    return LintReport(tuple(folders), count, tuple(sorted(set(problems))))


class _Folder:
    """The rules about content, for one database."""

    def __init__(self, databases: DatabaseCatalogue, database: Database) -> None:
        self._databases = databases
        self._database = database
        self._locks: Mapping[Path, Sequence[Finding]] = {}
        self._parsed: list[_Parsed] = []

    def read(self, files: Sequence[MigrationFile]) -> Iterator[Problem]:
        """Take the files apart, each with the schema that the earlier ones leave."""
        for file in files:
            content = file.content()
            if content.fault:
                yield self._problem("encoding", file, 0, content.fault)
            if content.text is None:
                continue
            try:
                statements = parse_file(content.text)
            except SqlSyntaxError as error:
                yield self._problem("syntax", file, error.line, error.what)
                continue
            if not statements:
                yield self._problem("empty", file, 0, "there is no statement in it")
            self._parsed.append(_Parsed(file, content.text, statements))
        before = Schema()
        for number, one in sorted(self._forward_files().items()):
            one.before = before
            one.steps = steps(before, one.statements, number)
            before = one.after
        for one in self._parsed:
            if one.file.undo and (made := self._forward_files().get(one.file.number)) is not None:
                one.before = made.after
                one.steps = steps(made.after, one.statements, one.file.number)

    def _forward_files(self) -> dict[int, _Parsed]:
        return {p.file.number: p for p in self._parsed if not p.file.undo}

    def forward_texts(self) -> Iterator[tuple[MigrationFile, str]]:
        """The V files without statements that make what exists already.

        Who sees one file only takes such a table for a new one, which nobody uses yet.
        """
        for one in self._parsed:
            if not one.file.undo:
                text = one.text
                for step in one.steps:
                    statement = step.statement
                    if statement.kind in _TABLES and step.before == step.after:
                        text = text.replace(statement.text, _blank(statement.text), 1)
                yield one.file, text

    def problems(self, locks: Mapping[Path, Sequence[Finding]]) -> Iterator[Problem]:
        """All that is wrong with what was read.

        Args:
            locks: file -> what squawk says of it.
        """
        self._locks = locks
        forward = self._forward_files()
        for one in self._parsed:
            yield from self._everywhere(one)
            if one.file.undo:
                yield from self._undo(one, forward.get(one.file.number))
            else:
                yield from self._forward(one)
            yield from self._excuses(one)

    def _problem(self, rule: str, file: MigrationFile, line: int, what: str) -> Problem:
        return RULES[rule].problem(file.name, line, what, self._database.name)

    def _at(self, one: _Parsed, rule: str, statement: Statement, what: str) -> Iterator[Problem]:
        """The problem, unless a comment above the statement excuses it."""
        excuse = next((e for e in statement.excuses if e.rule == rule), None)
        if excuse is not None and RULES[rule].excusable:
            one.used.add((excuse.line, rule))
        else:
            yield self._problem(rule, one.file, statement.line, what)

    def _everywhere(self, one: _Parsed) -> Iterator[Problem]:
        for statement in one.statements:
            yield from self._one_database(one, statement)
            if statement.kind in _TRANSACTIONS:
                yield from self._at(one, "transaction", statement, "the file handles transactions")
            if statement.kind == "ReindexStmt" and _outside_transactions(statement):
                what = "Flyway runs REINDEX in a transaction, where CONCURRENTLY always fails"
                yield from self._at(one, "transaction", statement, what)
            node = statement.node
            if node.get("concurrent") and node.get("if_not_exists"):
                what = "IF NOT EXISTS passes by the invalid index that a failed run leaves"
                yield from self._at(one, "transaction", statement, what)
        outside = [s for s in one.statements if _outside_transactions(s)]
        if outside and (one.file.undo or len(outside) < len(one.statements)):
            where = "an undo" if one.file.undo else "a file with other statements"
            what = f"a statement that can't run in a transaction stands in {where}"
            yield from self._at(one, "transaction", outside[0], what)
        for step in one.steps:
            for what in effects.unqualified(step.statement, step.before.temporary):
                yield from self._at(one, "schema-named", step.statement, what)
        for thing in sorted(effects.made(one.statements)):
            if thing.kind in ("table", "view", "function", "sequence", "type") and (
                "." not in thing.name
            ):
                what = f"{thing} has no schema"
                yield self._problem("schema-named", one.file, _line_of(one, thing), what)

    def _one_database(self, one: _Parsed, statement: Statement) -> Iterator[Problem]:
        for what in self._elsewhere(statement):
            yield from self._at(one, "one-database", statement, what)

    def _elsewhere(self, statement: Statement) -> Iterator[str]:
        node = statement.node
        if statement.kind in ("CreatedbStmt", "DropdbStmt", "AlterDatabaseStmt"):
            yield "it is about a database as a whole"
        if statement.kind in _FOREIGN or (
            statement.kind == "CreateExtensionStmt" and node["extname"] in _FOREIGN_EXTENSIONS
        ):
            yield "it reaches into another database"
        if any(f.split(".")[-1].startswith("dblink") for f in effects.functions_called(statement)):
            yield "dblink reaches into another database"
        names = {*effects.relations(statement)}
        names |= {f for f in effects.functions_called(statement) if "." in f}
        names |= {t.name for t in effects.made([statement]) if t.kind not in ("role", "index")}
        names |= {t.name for t in effects.dropped([statement]) if t.kind not in ("role",)}
        for name in sorted(names):
            schema = name.split(".")[0]
            home = self._databases.home_of_schema.get(schema)
            if name.count(".") == 2 and schema in self._databases.by_name:
                yield f"`{name}` names a database"
            elif home is not None and home != self._database.name:
                yield f"schema `{schema}` is in {home}"
            elif "." in name and home is None and schema not in _SYSTEM_SCHEMAS:
                yield f"schema `{schema}` is not one of {self._database.name}"
        if statement.kind == "CreateSchemaStmt":
            schema = node.get("schemaname", "")
            home = self._databases.home_of_schema.get(schema)
            if home != self._database.name:
                where = f"belongs to {home}" if home else "is in no list of schemas"
                yield f"schema `{schema}` {where}"
        for role in sorted({*effects.roles_named(statement)}):
            for other in self._databases.by_name:
                if other != self._database.name and role.startswith(f"{other}_"):
                    yield f"role `{role}` belongs to {other}"

    def _forward(self, one: _Parsed) -> Iterator[Problem]:
        for found in self._locks.get(one.file.path, ()):
            for step in one.steps:
                statement = step.statement
                if statement.line <= found.line <= statement.last_line:
                    if found.rule != "destructive" or not history.own_drop(step, one.file.number):
                        yield from self._at(one, found.rule, statement, found.what)
                    break
        said = {f.line for f in self._locks.get(one.file.path, ()) if f.rule == "destructive"}
        for rule, statement, what in history.forward(one.before, one.steps, one.file.number):
            found_too = any(statement.line <= line <= statement.last_line for line in said)
            if rule != "destructive" or not found_too:
                yield from self._at(one, rule, statement, what)
        for statement in one.statements:
            if statement.kind in _LOCKING_KINDS:
                what = _LOCKING_KINDS[statement.kind]
                yield from self._at(one, "locking", statement, what)
            if statement.kind == "ReindexStmt" and not _outside_transactions(statement):
                yield from self._at(one, "locking", statement, "REINDEX under a lock")
            if statement.kind == "AlterObjectSchemaStmt":
                yield from self._at(one, "renaming", statement, "moves to another schema")
            if statement.kind == "RenameStmt" and statement.node["renameType"] not in (
                "OBJECT_COLUMN",
                "OBJECT_TABLE",
            ):
                yield from self._at(one, "renaming", statement, "renames something")
        for statement, what in (
            *append_only.breaches(one.steps, self._database),
            *append_only.weakened_guard(one.statements),
        ):
            yield from self._at(one, "append-only", statement, what)
        for table, what in append_only.unguarded(one.statements, self._database):
            line = _line_of(one, effects.Thing("table", table))
            yield self._problem("append-only-trigger", one.file, line, what)

    def _undo(self, one: _Parsed, counterpart: _Parsed | None) -> Iterator[Problem]:
        if counterpart is None:
            return
        number, name = one.file.number, counterpart.file.path.name
        before, made = counterpart.before, counterpart.steps
        for rule, where, what in history.backward(before, made, one.steps, number, name):
            if where is None:
                yield self._problem(rule, one.file, 0, what)
            else:
                yield from self._at(one, rule, where, what)
        own = history.made_by(counterpart.after, number)
        for statement, what in append_only.breaches(one.steps, self._database, own):
            yield from self._at(one, "append-only", statement, what)

    def _excuses(self, one: _Parsed) -> Iterator[Problem]:
        for number, line in enumerate(one.text.splitlines(), start=1):
            if _SILENCED.search(line):
                what = "squawk is silenced without a reason"
                yield self._problem("excuse", one.file, number, what)
        seen: set[int] = set()
        for statement in one.statements:
            for excuse in statement.excuses:
                if excuse.line in seen:
                    continue
                seen.add(excuse.line)
                rule = RULES.get(excuse.rule)
                if not excuse.rule:
                    what = "an excuse without a rule or without a reason"
                elif rule is None or not rule.excusable:
                    what = f"an excuse from `{excuse.rule}`, which can't be excused"
                elif (excuse.line, excuse.rule) not in one.used:
                    what = f"an excuse from `{excuse.rule}` that nothing needs"
                else:
                    continue
                yield self._problem("excuse", one.file, excuse.line, what)


def _outside_transactions(statement: Statement) -> bool:
    node = statement.node
    if statement.kind in ("IndexStmt", "DropStmt"):
        return bool(node.get("concurrent"))
    return statement.kind == "VacuumStmt" or (
        statement.kind == "ReindexStmt"
        and any(p["DefElem"]["defname"] == "concurrently" for p in node.get("params", []))
    )


def _blank(text: str) -> str:
    """As many lines of nothing; it still ends a statement."""
    return re.sub(r"[^\n]", " ", text)


def _line_of(one: _Parsed, thing: effects.Thing) -> int:
    return next((s.line for s in one.statements if thing in effects.made([s])), 0)
