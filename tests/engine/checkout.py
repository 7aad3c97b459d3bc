"""A copy of the project in which a test may change every file, and its two commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.command import PULUMI, TOTARA, run
from tests.conftest import PROJECT
from tests.ports import free_port
from totara_infra.blueprint import Blueprint, plan
from totara_infra.delivery.stacks import REHEARSAL_SETTINGS
from totara_infra.model.stack import StackSettings, read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.operations.live import Live
from totara_infra.resolver import load_catalogue

FILES = ("Pulumi.yaml", "__main__.py", "pyproject.toml", "release-calendar.yaml")
ENVIRONMENTS = ("local", "dev", "uat", "prod")
FOLDERS = ("requirements", "stacks", "totara_infra")
NOISE = (
    "Traceback (most recent call last)",
    "warning: ",
    "Warning:",
    "was never retrieved",
    "was never awaited",
    "Exception ignored",
    "No such file or directory",
    "panic: ",
    "goroutine ",
)
"""What nobody should ever see: traces of the machinery, and warnings that mean nothing."""
NEW_ENGINE_SECONDS = 240


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        seconds: wall time.
        processor_seconds: what it and everything that it started used of the processors.
    """

    code: int
    out: str
    err: str
    seconds: float
    processor_seconds: float

    @property
    def text(self) -> str:
        return f"{self.out}\n{self.err}"

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Change:
    """What the engine's event log says of one resource: operation, logical name, properties."""

    operation: str
    name: str
    properties: tuple[str, ...] = ()


class Checkout:
    """A copy of the project, run through the real entry points of the virtual environment.

    `PYTHONPATH` makes the entry points, the engine's program and its plugins use the copy's code.
    """

    def __init__(self, root: Path, engine: Path, emulator: Path) -> None:
        self.root = root
        self.state = root / ".totara"
        self.port = free_port()
        for name in (*FILES, *(f"Pulumi.{e}.yaml" for e in ENVIRONMENTS)):
            shutil.copy2(PROJECT / name, root / name)
        for name in FOLDERS:
            shutil.copytree(PROJECT / name, root / name)
        (self.state / "bin").mkdir(parents=True)
        (self.state / "emulator").symlink_to(emulator)
        target = self.state / "bin" / "pulumi"
        try:
            # A hard link: the engine looks for its language host beside the file itself.
            target.hardlink_to(engine)
        except OSError:
            shutil.copy2(engine, target)
        where = self.python("import totara_infra; print(totara_infra.__file__)")
        assert where.startswith(str(root)), f"the commands use {where} instead of the copy"

    @property
    def environment(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PULUMI_", "TOTARA_", "AWS_"))
        }
        return {
            **inherited,
            "PYTHONPATH": str(self.root),
            "TOTARA_PORT": str(self.port),
            # The policies have tests of their own; elsewhere they would only cost time.
            "TOTARA_POLICIES": "0",
        }

    def command(self, program: str, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / program), *arguments]

    def run(self, program: str, *arguments: str, **variables: str) -> Outcome:
        """Run `TOTARA` or `PULUMI` on the copy; its output must be fit for people."""
        started = time.monotonic()
        done = run(
            program,
            *arguments,
            cwd=self.root,
            env={**self.environment, **variables},
            seconds=NEW_ENGINE_SECONDS,
        )
        seconds = time.monotonic() - started
        outcome = Outcome(
            done.returncode, done.stdout, done.stderr, seconds, done.processor_seconds or seconds
        )
        self.assert_no_noise(outcome.text)
        return outcome

    def totara(self, *arguments: str, code: int = 0, **variables: str) -> Outcome:
        outcome = self.run(TOTARA, *arguments, **variables)
        assert outcome.code == code, outcome.text
        return outcome

    def pulumi(self, *arguments: str, code: int = 0, **variables: str) -> Outcome:
        outcome = self.run(PULUMI, *arguments, "--non-interactive", **variables)
        assert outcome.code == code, outcome.text
        return outcome

    def changes(self, *arguments: str) -> set[Change]:
        """What a run of `pulumi` did or would do to resources of ours, from its event log."""
        log = self.root / "events.jsonl"
        log.unlink(missing_ok=True)
        self.pulumi(*arguments, "--event-log", str(log), PULUMI_DEBUG_COMMANDS="true")
        found = set()
        for line in log.read_text().splitlines():
            step = json.loads(line).get("resOutputsEvent", {}).get("metadata")
            if step is None or step["type"].startswith(("pulumi:", "totara:")):
                continue
            if step["op"] not in ("same", "refresh"):
                properties = tuple(step.get("diffs") or ())
                found.add(Change(step["op"], step["urn"].split("::", 3)[-1], properties))
        return found

    def assert_no_noise(self, text: str) -> None:
        """Neither what was printed nor what the engine wrote into its log is noise."""
        logs = {str(log): log.read_text() for log in self.state.glob("runs/*/*.log")}
        for place, content in {"the output": text, **logs}.items():
            for noise in NOISE:
                assert noise not in content, f"`{noise}` in {place}:\n{content[-4000:]}"

    def python(self, program: str, **variables: str) -> str:
        """Run a few lines of Python on the copy's code and return what they print."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.root,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the copy."""
        file = self.root / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} has {text.count(old)} times: {old}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def start_emulator(self) -> None:
        """Start the emulator of the stack `local`, with nothing in it."""
        self.python(
            "from totara_infra.local import emulator\n"
            "emulator.start('local', region='ap-southeast-2')"
        )

    def emulator_record(self, stack: str = "local") -> Path:
        return self.state / "emulators" / f"{stack}.json"

    def settings(self, environment: str = "local", *, rehearse: bool = False) -> StackSettings:
        stack = f"{environment}-rehearsal" if rehearse else environment
        record = json.loads(self.emulator_record(stack).read_text())
        overrides = {
            "stack": stack,
            "endpoint": record["endpoint"],
            **(REHEARSAL_SETTINGS if rehearse else {}),
        }
        return read_stack(self.root, environment, overrides)

    def live(self, environment: str = "local", *, rehearse: bool = False) -> Live:
        return Live(self.settings(environment, rehearse=rehearse))

    def blueprint(self, environment: str = "local", *, rehearse: bool = False) -> Blueprint:
        settings = self.settings(environment, rehearse=rehearse)
        catalogue = load_catalogue(self.root / "totara_infra" / "catalogue").catalogue
        return plan(catalogue, settings, load_tenants(self.root, settings.tenants))

    def processes(self) -> list[psutil.Process]:
        """Every process that runs on the copy: engines, plugins, emulators, commands."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PYTHONPATH") == str(self.root):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_for_no_process(self, seconds: float = 20) -> None:
        _, alive = psutil.wait_procs(self.processes(), timeout=seconds)
        assert not alive, [process.cmdline() for process in alive]

    def close(self) -> None:
        """End whatever still runs on the copy."""
        for process in self.processes():
            process.kill()
