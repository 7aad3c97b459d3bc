"""Looks for planted values wherever they could have ended up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import PROJECT
from tests.watching import watching


def in_files(folder: Path, values: Sequence[str]) -> list[str]:
    """Files below a folder that hold a value; installations that are linked in are left out."""
    needles = [v.encode() for v in values]
    return [
        f"file {file}"
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and any(n in file.read_bytes() for n in needles)
    ]


def in_git_index(repository: Path, values: Sequence[str]) -> list[str]:
    found = subprocess.run(
        ["git", "grep", "--cached", "-F", "-f", "-"],
        cwd=repository,
        input="\n".join(values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in (0, 1), found.stderr
    return [f"git index: {line}" for line in found.stdout.splitlines()]


def in_text(text: str, values: Sequence[str]) -> list[str]:
    return [f"output: {v}" for v in values if v in text]


class Watch:
    """Looks at arguments and environment of every process below this one, all the time."""

    def __init__(self, values: Sequence[str]) -> None:
        self._values = values
        self._watching = watching(self._run, 0.02)
        self.found: set[str] = set()
        self.seen: set[int] = set()

    def __enter__(self) -> Watch:
        self._watching.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._watching.__exit__(*error)

    def _run(self) -> None:
        for process in psutil.Process().children(recursive=True):
            self.found |= set(self._look(process.pid))

    def _look(self, pid: int) -> Iterator[str]:
        for name in ("cmdline", "environ"):
            try:
                content = Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
            except OSError:
                continue
            self.seen.add(pid)
            if any(v in content for v in self._values):
                yield f"{name} of process {pid}"


def everywhere(values: Sequence[str], text: str, *folders: Path) -> list[str]:
    return [
        *in_text(text, values),
        *(found for folder in folders for found in in_files(folder, values)),
        *in_git_index(PROJECT, values),
    ]
