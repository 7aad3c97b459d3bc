"""Statements that lock tables or lose data, found by squawk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from totara_infra.migrations.files import MigrationFile
from totara_infra.model.problems import UsageError

# Rule of squawk -> ours, and what happens. Its other rules are about style.
_MEANING = {
    "adding-field-with-default": ("locking", "a column whose default has to be computed per row"),
    "adding-foreign-key-constraint": ("locking", "a foreign key that is checked while it is added"),
    "adding-not-nullable-field": ("locking", "SET NOT NULL reads the whole table under a lock"),
    "adding-required-field": ("locking", "a NOT NULL column without a default fails on any row"),
    "adding-serial-primary-key-field": ("locking", "a serial key rewrites the table"),
    "ban-alter-domain-with-add-constraint": ("locking", "a check of every column of the domain"),
    "ban-drop-column": ("destructive", "drops a column"),
    "ban-drop-database": ("destructive", "drops a database"),
    "ban-drop-schema": ("destructive", "drops a schema"),
    "ban-drop-table": ("destructive", "drops a table"),
    "changing-column-type": ("locking", "another column type rewrites the table under a lock"),
    "constraint-missing-not-valid": ("locking", "a constraint that is checked while it is added"),
    "disallowed-unique-constraint": ("locking", "a unique constraint builds its index under lock"),
    "renaming-column": ("renaming", "renames a column"),
    "renaming-table": ("renaming", "renames a table"),
    "require-concurrent-index-creation": ("locking", "an index that is built under a lock"),
    "require-concurrent-index-deletion": ("locking", "an index that is dropped under a lock"),
}
POSTGRESQL_VERSION = "17"
"""The version for which statements are judged; later ones lock no more than it."""


@dataclass(frozen=True)
class Finding:
    """What squawk says of one place.

    Attributes:
        file: the file.
        line: from 1.
        rule: id of our rule.
        what: what happens there.
    """

    file: Path
    line: int
    rule: str
    what: str


def findings(texts: Mapping[MigrationFile, str]) -> Iterator[Finding]:
    """Statements in V files that lock tables in use, lose data or rename.

    Each file is taken as one transaction, so what it makes itself it may lock.

    Args:
        texts: the files, with what is to be looked at of each.

    Raises:
        UsageError: squawk is missing or did not answer.
    """
    if not texts:
        return
    with tempfile.TemporaryDirectory() as folder:
        places: dict[str, Path] = {}
        for number, (file, text) in enumerate(texts.items()):
            copy = Path(folder) / f"{number}.sql"
            copy.write_text(text, encoding="utf-8")
            places[str(copy)] = file.path
        command = [
            _program(),
            "--reporter=json",
            "--assume-in-transaction",
            f"--pg-version={POSTGRESQL_VERSION}",
            *places,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    try:
        answers = json.loads(done.stdout)
    except json.JSONDecodeError:
        words = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise UsageError(
            f"squawk, which looks for locks, did not answer (it said: {words}). "
            "`make setup` installs it again."
        ) from None
    seen: set[tuple[Path, int, str]] = set()
    for answer in answers:
        meaning = _MEANING.get(answer["rule_name"])
        if meaning is None:
            continue
        rule, what = meaning
        path = places[answer["file"]]
        place = (path, answer["line"] + 1, rule)
        # One statement can break two of its rules that are one of ours.
        if place not in seen:
            seen.add(place)
            yield Finding(path, answer["line"] + 1, rule, what)


def _program() -> str:
    own = Path(sys.executable).parent / "squawk"
    found = str(own) if own.is_file() else shutil.which("squawk")
    if found is None:
        raise UsageError("squawk, which looks for locks, is missing. `make setup` installs it.")
    return found
