"""Folders of migrations and the names in them."""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from totara_infra.migrations.rules import LONGEST_DESCRIPTION, RULES, VERBS
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.problems import Problem, UsageError, shown

IN_REPOSITORY = Path("db") / "migrations"
"""Where a domain's repository keeps its migrations."""
ENDING = "_rollback"
"""What an undo's description ends with."""
_SAVE = "Save it as UTF-8 without a byte order mark."
# UTF-32 first: its mark starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_NAME = re.compile(r"(?P<kind>[VU])(?P<number>[^_]*)__(?P<description>.+)\.sql")
_DESCRIPTION = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True)
class MigrationFile:
    """A file whose name could be read.

    Attributes:
        path: the file.
        name: the path as people should read it.
        undo: whether it is a U file.
        number: from 1.
        description: without `_rollback`.
    """

    path: Path
    name: str
    undo: bool
    number: int
    description: str

    @property
    def version(self) -> str:
        """The number as the name has it: three digits."""
        return f"{self.number:03}"

    def content(self) -> Content:
        """What is in it, whatever its bytes are.

        Raises:
            UsageError: it can't be read.
        """
        try:
            return decoded(self.path.read_bytes())
        except OSError as error:
            raise UsageError(f"{self.name} can't be read: {error.strerror}.") from None

    def text(self) -> str:
        """Its SQL.

        Raises:
            UsageError: it can't be read, or is no text.
        """
        content = self.content()
        if content.text is None:
            raise UsageError(f"{self.name}: {content.fault}. {_SAVE}")
        return content.text


@dataclass(frozen=True)
class Content:
    """What a file's bytes say.

    Attributes:
        text: with newlines as line ends; None where the bytes are no text.
        fault: what is wrong with the bytes; empty where nothing is.
    """

    text: str | None
    fault: str = ""


def decoded(content: bytes) -> Content:
    """Read the bytes of a migration.

    A byte order mark is a fault, yet the text behind it is read, so that everything else that is
    wrong comes at once.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return Content(None, f"it starts with the byte order mark of {name}")
    fault = ""
    if content.startswith(codecs.BOM_UTF8):
        content = content.removeprefix(codecs.BOM_UTF8)
        fault = "it starts with a byte order mark (EF BB BF)"
    if (place := content.find(b"\0")) >= 0:
        # PostgreSQL's parser would stop there, and what follows would be looked at by nobody.
        return Content(None, f"line {_line(content, place)} has a NUL byte, as UTF-16 text does")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, byte = _line(content, error.start), content[error.start]
        return Content(None, f"line {line} has the byte {byte:02X}, which is not UTF-8")
    if (place := text.find("\ufeff")) >= 0:
        line = text.count("\n", 0, place) + 1
        fault = fault or f"line {line} has a byte order mark inside"
    return Content(text.replace("\r\n", "\n").replace("\r", "\n"), fault)


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


@dataclass(frozen=True)
class Folder:
    """The migrations of one database.

    Attributes:
        database: name of the database.
        path: the folder.
    """

    database: str
    path: Path

    @property
    def name(self) -> str:
        """The folder as people should read it: relative to where they stand."""
        return shown(self.path, Path.cwd())

    def files(self) -> list[Path]:
        """Everything in it, by name; folders too, since Flyway would look into them."""
        return sorted(p for p in self.path.iterdir() if not p.name.startswith("."))

    def read(self) -> tuple[list[MigrationFile], list[Problem]]:
        """Its migrations, and what is wrong with the names.

        Raises:
            UsageError: the folder can't be read.
        """
        found: list[MigrationFile] = []
        problems: list[Problem] = []
        try:
            paths = self.files()
        except OSError as error:
            raise UsageError(f"{self.name} can't be read: {error.strerror}.") from None
        for path in paths:
            file, faults = _read_name(path, self.database)
            problems += faults
            if file is not None:
                found.append(file)
        problems += _set_problems(found, self.database)
        return found, problems

    def pairs(self) -> dict[str, tuple[MigrationFile, MigrationFile]]:
        """Version -> its V and U file, in order. Only of folders whose names are right."""
        files, _ = self.read()
        forward = {f.version: f for f in files if not f.undo}
        undo = {f.version: f for f in files if f.undo}
        return {v: (forward[v], undo[v]) for v in sorted(forward) if v in undo}


def _read_name(path: Path, database: str) -> tuple[MigrationFile | None, list[Problem]]:
    name, problems = shown(path, Path.cwd()), []

    def fault(rule: str, what: str) -> None:
        problems.append(RULES[rule].problem(name, 0, what, database))

    if path.is_dir() or path.suffix != ".sql":
        fault("extension", f"`{path.name}` is not a file that ends in .sql")
        return None, problems
    matched = _NAME.fullmatch(path.name)
    if matched is None:
        fault("name-form", f"`{path.name}` is not the name of a migration")
        return None, problems
    undo, number = matched["kind"] == "U", matched["number"]
    description = matched["description"]
    if undo and not description.endswith(ENDING):
        fault("name-form", f"the undo `{path.name}` does not end in {ENDING}.sql")
    if not undo and description.endswith(ENDING):
        fault("name-form", f"`{path.name}` goes forward, but ends in {ENDING}.sql")
    description = description.removesuffix(ENDING)
    if not re.fullmatch(r"[0-9]{3}", number) or number == "000":
        fault("number", f"`{number}` is not a number of three digits from 001")
    if not _DESCRIPTION.fullmatch(description):
        fault("characters", f"`{description}` is not in lower_snake_case")
    if len(description) > LONGEST_DESCRIPTION:
        fault("length", f"the description has {len(description)} characters")
    if description.split("_", maxsplit=1)[0] not in VERBS:
        fault("verb", f"`{description}` starts with none of the verbs")
    if not number.isascii() or not number.isdigit():
        return None, problems
    return MigrationFile(path, name, undo, int(number), description), problems


def _set_problems(files: Sequence[MigrationFile], database: str) -> Iterator[Problem]:
    by_number: dict[bool, dict[int, list[MigrationFile]]] = {
        False: defaultdict(list),
        True: defaultdict(list),
    }
    for file in files:
        by_number[file.undo][file.number].append(file)
    forward, undo = by_number[False], by_number[True]
    for group in by_number.values():
        for number, same in group.items():
            for file in same[1:]:
                what = f"number {number:03} is taken by {same[0].path.name}"
                yield RULES["number-twice"].problem(file.name, 0, what, database)
    for position, number in enumerate(sorted(forward), start=1):
        if number != position:
            what = f"{number:03} stands where {position:03} is due"
            yield RULES["number-gap"].problem(forward[number][0].name, 0, what, database)
            break
    for number, same in forward.items():
        descriptions = {f.description for f in undo.get(number, [])}
        for file in same:
            if file.description not in descriptions:
                what = f"there is no U{number:03}__{file.description}{ENDING}.sql"
                yield RULES["undo-missing"].problem(file.name, 0, what, database)
    for number, same in undo.items():
        descriptions = {f.description for f in forward.get(number, [])}
        for file in same:
            if file.description not in descriptions:
                what = f"there is no V{number:03}__{file.description}.sql"
                yield RULES["undo-alone"].problem(file.name, 0, what, database)


def find_folders(catalogue: Catalogue, places: Sequence[Path]) -> list[Folder]:
    """The folders of migrations at some places, in the order of the domains.

    Args:
        catalogue: says which repository has which database.
        places: domain repositories (with `db/migrations/`, and the name of the repository),
            folders that are called after a database, or folders that hold either.

    Raises:
        UsageError: a place has no migrations, or a database has two places; all at once.
    """
    databases = {d.database: d.database for d in catalogue.domains}
    databases |= {d.repository: d.database for d in catalogue.domains}
    found: dict[str, Folder] = {}
    faults: list[str] = []
    for place in places:
        if not place.is_dir():
            faults.append(f"`{place}` is no folder.")
            continue
        here = _at(place.resolve(), databases)
        if not here:
            faults.append(
                f"`{place}` has no migrations. Give a domain repository under its own name, with "
                f"{IN_REPOSITORY}/, a folder called after a database, or a folder of either. "
                f"Repositories are {', '.join(d.repository for d in catalogue.domains)}; "
                f"databases are {', '.join(d.database for d in catalogue.domains)}."
            )
        for folder in here:
            other = found.setdefault(folder.database, folder)
            if other.path != folder.path:
                faults.append(f"{folder.database} is in both `{other.name}` and `{folder.name}`.")
    if faults:
        raise UsageError("\n".join(faults))
    order = [d.database for d in catalogue.domains]
    return sorted(found.values(), key=lambda f: order.index(f.database))


def _at(place: Path, databases: dict[str, str]) -> list[Folder]:
    single = _single(place, databases)
    if single is not None:
        return [single]
    return [
        folder
        for child in sorted(place.iterdir())
        if child.is_dir() and (folder := _single(child, databases)) is not None
    ]


def _single(place: Path, databases: dict[str, str]) -> Folder | None:
    if (place / IN_REPOSITORY).is_dir():
        return (
            Folder(databases[place.name], place / IN_REPOSITORY)
            if place.name in databases
            else None
        )
    parents = [place.name]
    # `bank-core/db/migrations` may be named itself.
    if place.parts[-2:] == IN_REPOSITORY.parts:
        parents.append(place.parent.parent.name)
    for name in parents:
        if name in databases and (
            any(place.glob("[VU]*.sql")) or name == databases[name] or len(parents) > 1
        ):
            return Folder(databases[name], place)
    return None
