"""A copy of the project with an environment of its own, changed as people change it: by file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from tests.command import TOTARA, run
from tests.conftest import PROJECT
from tests.local.conftest import link_or_copy
from tests.local_environment import local_original
from tests.ports import free_port
from tests.ready_made import PERSISTING, Original, python, shared_folder
from totara_infra.local.project import state_directory
from totara_infra.local.pulumi_engine import built_engine
from totara_infra.local.setup import ensure_ready

COPIED = (
    "Pulumi*.yaml", "__main__.py", "totara_infra", "stacks", "pyproject.toml", "requirements",
    "release-calendar.yaml",
)  # fmt: skip
REGION = "ap-southeast-2"


@dataclass(frozen=True)
class Copy:
    """A copy of the project.

    Attributes:
        folder: where it lies.
        port: of its emulator.
    """

    folder: Path
    port: int

    @property
    def state(self) -> Path:
        """The working folder."""
        return self.folder / ".totara"

    @property
    def changed(self) -> Path:
        """Is there when an update may have changed the environment."""
        return self.state / "changed"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables under which commands run the copy, and not the project."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_", "TOTARA_"))
        }
        return {
            **kept,
            "PYTHONPATH": str(self.folder),
            "TOTARA_STATE_DIRECTORY": str(self.state),
            "TOTARA_PORT": str(self.port),
            "TOTARA_POLICIES": "0",
        }

    def start(self, *arguments: str, program: str = TOTARA) -> subprocess.Popen[str]:
        """Start a command and go on beside it."""
        self._note(arguments)
        return subprocess.Popen(
            [sys.executable, "-c", f"from {program} import run; run()", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, program: str = TOTARA) -> tuple[int, str]:
        """Exit code and output of a command."""
        self._note(arguments)
        ended = run(program, *arguments, cwd=self.folder, env=self.environment, seconds=300)
        output = ended.stdout + ended.stderr
        assert "Traceback" not in output, output
        return ended.returncode, output

    def _note(self, arguments: tuple[str, ...]) -> None:
        if arguments[0] == "up":
            self.changed.touch()

    def up(self, *arguments: str) -> str:
        code, output = self.run("up", "local", *arguments)
        assert code == 0, output
        return output

    def config(self, key: str, *arguments: str) -> dict[str, Any]:
        code, output = self.run("config", "get", "local", key, "--format", "json", *arguments)
        content: dict[str, Any] = json.loads(output)
        assert code == (1 if content["differs"] else 0)
        return content

    def edit(self, name: str, **changes: Any) -> None:
        """Change keys of a YAML file; of a stack's file those of its configuration."""
        path = self.folder / name
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "config" in content:
            content["config"] |= {
                f"totara-infra:{k.replace('_', '-')}": v for k, v in changes.items()
            }
        else:
            content |= changes
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def restore(self) -> None:
        """The files as the project has them."""
        for name in ("stacks", "totara_infra/catalogue"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(PROJECT / name, self.folder / name)
        for kept in self.folder.glob("Pulumi.*.yaml"):
            path = PROJECT / kept.name
            salt = (yaml.safe_load(kept.read_text(encoding="utf-8")) or {}).get("encryptionsalt")
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            if salt is not None:
                content["encryptionsalt"] = salt
            kept.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def bring_up(self, made: Original) -> None:
        """Have the environment as its original is, whatever has become of it."""
        self.python("from totara_infra.local import emulator; emulator.stop('local')")
        for name in ("state", "local"):
            shutil.rmtree(self.state / name, ignore_errors=True)
        made.copy(self.state, self.port, self.python)
        self.changed.unlink(missing_ok=True)

    def python(self, program: str) -> None:
        python(program, self.environment | PERSISTING, self.folder)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="000000000000",
            aws_secret_access_key="emulated",
        )


def copy_project(folder: Path) -> Copy:
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in COPIED:
        for path in PROJECT.glob(pattern):
            if path.is_dir():
                shutil.copytree(
                    path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__")
                )
            elif "-rehearsal" not in path.name:
                shutil.copy2(path, folder / path.name)
    (folder / ".totara").mkdir()
    return Copy(folder, free_port())


@pytest.fixture
def project_copy(tmp_path: Path) -> Copy:
    """A copy whose files a test may spoil; nothing runs in it."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return local_original(shared_folder(tmp_path_factory.getbasetemp()))


@pytest.fixture(scope="session")
def running(original: Original, tmp_path_factory: pytest.TempPathFactory):
    """A copy whose stack `local` is up; the session's tests share it."""
    engine = ensure_ready().path
    copy = copy_project(tmp_path_factory.mktemp("appconfig") / "project")
    (copy.state / "emulator").symlink_to(state_directory() / "emulator")
    # The engine alone: what lies beside it is written by each project for itself.
    built = built_engine() if built_engine().is_file() else engine
    (copy.state / "bin").mkdir()
    link_or_copy(built, copy.state / "bin" / built.name)
    try:
        copy.bring_up(original)
        yield copy
    finally:
        code, output = copy.run("down", "local")
        assert code == 0, output


@pytest.fixture
def up(running: Copy, original: Original) -> Copy:
    """The shared environment as the project describes it, for a test to change by file."""
    running.restore()
    if running.changed.exists():
        running.bring_up(original)
    return running
