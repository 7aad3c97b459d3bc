"""The record of files that were found valid, so that nobody waits for the same answer twice.

`totara up` asks before the engine starts, and the program asks again whoever started the engine;
people ask after every change. The record holds while every file, and the code that judged them, is
as it was; a file that is changed, added or removed makes it void. What was found wrong is never
recorded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from totara_infra.local.kept import library_version
from totara_infra.local.project import project_root, state_directory

_PACKAGE = Path(__file__).resolve().parent.parent
_WRITTEN = ("Pulumi*.y*ml", "release-calendar.y*ml", "stacks/*", "totara_infra/catalogue/**/*")
"""Patterns of the files that people write, in the project's folder."""
_JUDGES = ("botocore", "pydantic", "yaml")
"""Libraries that decide what is right."""


def fingerprint() -> str:
    """A digest of all that the answer depends on, but the day."""
    digest = hashlib.sha256(f"{sys.version} {[library_version(name) for name in _JUDGES]}".encode())
    root = project_root()
    for path in _files(root, _WRITTEN):
        digest.update(f"\0{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    for path in _files(_PACKAGE, ("**/*.py",)):
        about = path.stat()
        digest.update(f"\0{path} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


def _files(folder: Path, patterns: Collection[str]) -> Iterator[Path]:
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return (path for path in sorted(found) if path.is_file())


def recall(readers: Collection[str], now: str) -> Mapping[str, Any] | None:
    """What was recorded of the files as they are; None where nothing holds.

    Args:
        readers: names of the further readers that must have been asked.
        now: the fingerprint of the files.

    Returns:
        `summary` and `notes`, as `totara validate --format json` has them.
    """
    try:
        record = json.loads(_file().read_text(encoding="utf-8"))
        holds = (
            set(readers) <= set(record["readers"])
            and (record["until"] is None or _today() <= date.fromisoformat(record["until"]))
            and record["fingerprint"] == now
        )
        found = {"summary": record["summary"], "notes": record["notes"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if holds else None


def remember(
    before: str,
    readers: Collection[str],
    summary: Mapping[str, int],
    notes: Collection[Mapping[str, Any]],
    until: date | None,
) -> None:
    """Record that nothing was wrong, where this checkout has a working folder.

    Args:
        before: the fingerprint as it was before the files were read.
        readers: names of the further readers that were asked.
        summary: what was read, counted.
        notes: what deserves a look.
        until: the last day on which the notes are all there is to note.
    """
    if not _file().parent.is_dir() or fingerprint() != before:
        return
    record = {
        "fingerprint": before,
        "readers": sorted(readers),
        "summary": dict(summary),
        "notes": list(notes),
        "until": until.isoformat() if until is not None else None,
    }
    unfinished = _file().with_name(f"{_file().name}.{os.getpid()}")
    # A folder that can't be written to costs a second, and nothing else.
    with contextlib.suppress(OSError):
        unfinished.write_text(json.dumps(record), encoding="utf-8")
        unfinished.replace(_file())


def _file() -> Path:
    return state_directory() / "validated.json"


def _today() -> date:
    # A day begins up to fourteen hours earlier elsewhere than in UTC.
    return (datetime.now(UTC) + timedelta(hours=14)).date()
