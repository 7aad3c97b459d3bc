"""A copy of the project for a test to change, and the `totara` command in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.command import totara
from tests.conftest import PROJECT
from totara_infra.local.project import state_directory

COPIED = (
    "__main__.py", "totara_infra", "stacks", "pyproject.toml", "requirements",
    "release-calendar.yaml",
    "Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.dev.yaml", "Pulumi.uat.yaml", "Pulumi.prod.yaml",
)  # fmt: skip


@dataclass(frozen=True)
class ProjectCopy:
    """A copy of the project in a folder of its own."""

    root: Path
    port: int = 5300

    @classmethod
    def make(cls, root: Path, port: int = 5300) -> ProjectCopy:
        root.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            source = PROJECT / name
            if source.is_dir():
                shutil.copytree(source, root / name)
            else:
                shutil.copy2(source, root / name)
        return cls(root, port)

    def environment(self) -> dict[str, str]:
        """As for a user who has nothing set, with the copy before the installed package."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_", "TOTARA_"))
        }
        return kept | {
            "PYTHONPATH": str(self.root),
            "TOTARA_STATE_DIRECTORY": str(self.root / ".totara"),
            "TOTARA_PORT": str(self.port),
            "TOTARA_POLICIES": "0",
        }

    def share_installations(self) -> None:
        """Use the project's engine and emulator, with a state of its own."""
        folder = self.root / ".totara"
        folder.mkdir(exist_ok=True)
        for name in ("bin", "emulator", "home", "engine.json"):
            if (state_directory() / name).exists():
                (folder / name).symlink_to(state_directory() / name)

    def totara(self, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        """Run `totara` in the copy; a traceback is a failure, whatever was asked."""
        result = totara(
            *arguments, cwd=self.root, env=self.environment(), given=answers, seconds=600
        )
        assert "Traceback" not in result.stderr, result.stderr
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints as JSON."""
        result = self.totara(*arguments, "--format", "json")
        assert result.returncode == code, result.stderr
        return json.loads(result.stdout)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def replace(self, name: str, before: str, after: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {name}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def read_yaml(self, name: str) -> Any:
        return yaml.safe_load((self.root / name).read_text(encoding="utf-8"))

    def files(self) -> dict[str, bytes]:
        """Every file that people write, to tell whether something was touched."""
        return {
            str(p.relative_to(self.root)): p.read_bytes()
            for pattern in ("stacks/*", "stacks/.*", "Pulumi*", ".new-*")
            for p in self.root.glob(pattern)
            if p.is_file()
        }

    def line(self, name: str, text: str) -> int:
        """Number of the line that holds a text, which stands there once."""
        lines = (self.root / name).read_text(encoding="utf-8").splitlines()
        found = [number for number, line in enumerate(lines, 1) if text in line]
        assert len(found) == 1, f"{text!r} stands in lines {found} of {name}"
        return found[0]
