"""The `totara` command in this process, on a folder of files that a test may break.

For tests that run a command hundreds of times with hardly anything to do. All others use
`tests/command.py`, where each command has a process, variables and signals of its own.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

# Imported while the project's folder is another one, a module would keep that folder.
import tests.command_imports  # noqa: F401
from tests.conftest import PROJECT
from totara_infra import resolver
from totara_infra.cli.main import run
from totara_infra.local import project
from totara_infra.model.loading import CATALOGUE_DIRECTORY, LoadedCatalogue

FILES = ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.prod.yaml", "release-calendar.yaml")


_read = resolver.load_catalogue


@cache
def _once() -> LoadedCatalogue:
    return _read(CATALOGUE_DIRECTORY)


def _load(directory: Path = CATALOGUE_DIRECTORY) -> LoadedCatalogue:
    """The packaged catalogue is read once: it is sound, and reading it takes most of the time."""
    return _once() if directory == CATALOGUE_DIRECTORY else _read(directory)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """The files that people write, in a folder of their own; the catalogue is the packaged one."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Project:
        root.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy2(PROJECT / name, root / name)
        shutil.copytree(PROJECT / "stacks", root / "stacks")
        return cls(root)

    def totara(self, *words: str) -> Ended:
        """Run the command; anything but an orderly end is the test's failure."""
        out, err = io.StringIO(), io.StringIO()
        loaded = [m for name, m in list(sys.modules.items()) if name.startswith("totara_infra")]
        here = [m for m in loaded if hasattr(m, "project_root")]
        with contextlib.ExitStack() as stack:
            for module in [*here, project]:
                stack.enter_context(mock.patch.object(module, "project_root", lambda: self.root))
            for module in [m for m in loaded if hasattr(m, "load_catalogue")]:
                stack.enter_context(mock.patch.object(module, "load_catalogue", _load))
            stack.enter_context(mock.patch.object(sys, "argv", ["totara", *words]))
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
            try:
                run()
                code = 0
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return Ended(code, out.getvalue(), err.getvalue())

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    @contextlib.contextmanager
    def holding(self, name: str, content: str | bytes) -> Iterator[Path]:
        """A file for the time of a test; what stood there before comes back."""
        path = self.root / name
        before = path.read_bytes() if path.is_file() else None
        try:
            yield self.write(name, content)
        finally:
            if before is None:
                path.unlink()
            else:
                path.write_bytes(before)
