"""What the migrations put into the eight databases: schemas, tables, views, functions, owners."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.vocabulary import DomainId, ModuleId, Provenance

FILE = "databases.yaml"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
"""An identifier that needs no quotes; PostgreSQL cuts longer ones off after 63 bytes."""
QualifiedName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""`schema.name`."""


class Schema(Model):
    """A schema of a database."""

    name: Name
    owner: ModuleId
    """Module whose migration makes it, and that decides on what others put into it."""
    provenance: Provenance
    """Who says that it is in this database."""
    owner_provenance: Provenance


class DatabaseObject(Model):
    """A table, view or function."""

    name: QualifiedName
    owner: ModuleId
    """Module whose migration makes it."""
    provenance: Provenance
    published_as: str | None = None
    """The name without a schema, where the reference gives none."""


class Table(DatabaseObject):
    """A table."""

    append_only: Provenance | None = None
    """Who says that rows are only ever added; None where rows change."""
    columns: list[Name] = Field(default_factory=list)
    """Columns that the reference names."""


class Database(Model):
    """One of the eight databases."""

    name: Name
    domain: DomainId
    schemas: list[Schema]
    functions: list[DatabaseObject] = Field(default_factory=list)
    tables: list[Table] = Field(default_factory=list)
    views: list[DatabaseObject] = Field(default_factory=list)

    @property
    def objects(self) -> list[DatabaseObject]:
        """Everything in its schemas."""
        return [*self.functions, *self.tables, *self.views]

    @property
    def owners(self) -> set[str]:
        """Ids of all modules that own something here."""
        return {o.owner for o in self.objects} | {s.owner for s in self.schemas}

    @property
    def append_only(self) -> set[str]:
        """Names of the tables to which rows are only ever added."""
        return {t.name for t in self.tables if t.append_only is not None}

    @property
    def application_roles(self) -> tuple[str, str]:
        """Roles of the applications; rotation changes from one to the other and back."""
        return f"{self.name}_app_user", f"{self.name}_app_user_alt"


class DatabaseCatalogue(Model):
    """Content of `databases.yaml`."""

    databases: list[Database]

    @cached_property
    def by_name(self) -> dict[str, Database]:
        """The databases by name."""
        return {d.name: d for d in self.databases}

    @cached_property
    def home_of_schema(self) -> dict[str, str]:
        """Schema name -> name of its database."""
        return {s.name: d.name for d in self.databases for s in d.schemas}


def read_databases(
    catalogue: Catalogue, directory: Path = CATALOGUE_DIRECTORY
) -> DatabaseCatalogue:
    """Read what is in the databases and hold it against the rest of the catalogue.

    Args:
        catalogue: validated.
        directory: folder with `databases.yaml`.

    Raises:
        ProblemsError: every fault at once.
    """
    document = read_document(directory / FILE, directory.resolve().parent.parent)
    found = parse(document, DatabaseCatalogue)
    problems = _problems(catalogue, document, found)
    if problems:
        raise ProblemsError(problems)
    return found


def _problems(catalogue: Catalogue, document: Document, found: DatabaseCatalogue) -> list[Problem]:
    problems: list[Problem] = []
    expected = {d.database: d.id for d in catalogue.domains}
    homes: dict[str, str] = {}
    for index, database in enumerate(found.databases):
        here = ("databases", index)
        if expected.pop(database.name, None) != database.domain:
            problems.append(
                document.problem(
                    (*here, "name"),
                    "database-domain",
                    f"`{database.name}` is not the database of {database.domain}",
                    "each domain has one database, which its file names",
                    "correct the name or the domain, and list each database once",
                    database.domain,
                )
            )
        for number, schema in enumerate(database.schemas):
            if homes.setdefault(schema.name, database.name) != database.name:
                problems.append(
                    document.problem(
                        (*here, "schemas", number),
                        "schema-twice",
                        f"schema `{schema.name}` is in {homes[schema.name]} and {database.name}",
                        "a schema has one home, or nobody could tell where its tables are",
                        "remove it from one of the two",
                        database.domain,
                    )
                )
        problems += _object_problems(catalogue, document, index, database)
    problems += [
        document.problem(
            ("databases",),
            "database-missing",
            f"nothing is said about `{name}`",
            f"it is the database of {domain}",
            "list it with its schemas and tables",
            domain,
        )
        for name, domain in expected.items()
    ]
    return problems


def _object_problems(
    catalogue: Catalogue, document: Document, index: int, database: Database
) -> list[Problem]:
    problems: list[Problem] = []
    schemas, seen = {s.name for s in database.schemas}, set()
    groups: dict[str, list[tuple[str, str]]] = {
        "schemas": [(s.name, s.owner) for s in database.schemas],
        "functions": [(o.name, o.owner) for o in database.functions],
        "tables": [(o.name, o.owner) for o in database.tables],
        "views": [(o.name, o.owner) for o in database.views],
    }
    for group, members in groups.items():
        for number, (name, owner) in enumerate(members):
            place = ("databases", index, group, number)
            if owner not in catalogue.modules:
                problems.append(
                    document.problem(
                        place,
                        "unknown-module",
                        f"`{name}` belongs to {owner}",
                        "no domain declares that module",
                        "correct the id",
                        owner,
                    )
                )
            if name in seen:
                problems.append(
                    document.problem(
                        place,
                        "duplicate-name",
                        f"`{name}` stands twice in {database.name}",
                        "a name means one thing in a database",
                        "remove one of the two",
                        owner,
                    )
                )
            seen.add(name)
            if group != "schemas" and name.split(".", maxsplit=1)[0] not in schemas:
                problems.append(
                    document.problem(
                        place,
                        "unknown-schema",
                        f"`{name}` is in no schema of {database.name}",
                        "its schema is not listed here",
                        "list the schema, or move the table to the database that has it",
                        owner,
                    )
                )
    return problems
