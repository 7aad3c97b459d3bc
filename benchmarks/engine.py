"""Runs of the real engine against emulators of their own, in a working folder of their own.

Nothing of the developer's stacks, state or running emulators is touched; only the installed engine
and emulator are shared.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from totara_infra.cli.deploy import DEFAULT_PARALLEL
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, project_root, state_directory
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.local.setup import ensure_ready
from totara_infra.model.stack import PROJECT, REHEARSAL_SUFFIX, StackSettings, settings_key

PARALLEL = DEFAULT_PARALLEL
"""Resources side by side: what `totara up` takes unless told otherwise."""
_SAMPLE_SECONDS = 0.1
_POLL_SECONDS = 0.002
_EMULATOR_SETTLES_SECONDS = 1.0


class EngineFailedError(Exception):
    """The engine ended with an error, so there is nothing to measure."""


@dataclass
class Event:
    """One of the engine's events.

    Attributes:
        seconds: when it was seen, on the clock of `time.perf_counter`; the engine's own stamps
            have whole seconds only.
        content: as the engine writes it.
    """

    seconds: float
    content: dict[str, Any]


@dataclass
class Run:
    """What one run of the engine took.

    Attributes:
        seconds: wall time of the whole command.
        peak_bytes: largest sum of resident memory of engine, language host and provider.
        peak_parts: resident memory of each at that moment, by name.
        events: what the engine reported, where that was asked for.
    """

    seconds: float = 0.0
    peak_bytes: int = 0
    peak_parts: dict[str, int] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A working folder of our own, with the engine and the emulator that are installed already."""
    ensure_ready()
    installed = state_directory()
    before = os.environ.get(STATE_DIRECTORY_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="totara-bench-") as temporary:
        folder = Path(temporary)
        state = folder / "totara"
        state.mkdir()
        (installed / "compiled").mkdir(exist_ok=True)
        for name in ("bin", "compiled", "emulator", "engine.json"):
            if (installed / name).exists():
                (state / name).symlink_to(installed / name)
        os.environ[STATE_DIRECTORY_VARIABLE] = str(state)
        try:
            yield folder
        finally:
            for name in emulator.recorded_names():
                emulator.stop(name)
            if before is None:
                del os.environ[STATE_DIRECTORY_VARIABLE]
            else:
                os.environ[STATE_DIRECTORY_VARIABLE] = before


@contextlib.contextmanager
def empty_stack(
    folder: Path, program: str, settings: StackSettings, proxy: Proxy | None = None
) -> Iterator[Stack]:
    """A stack without resources, and an emulator as empty; both go afterwards.

    Args:
        folder: from `workplace`.
        program: `flat` or `tenants` for a program of this package, else the project's own.
        settings: of the stack.
        proxy: to stand between the stack and the emulator.
    """
    name = f"{settings.environment}-{program}{REHEARSAL_SUFFIX}"
    project = folder / program
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    source = Path(__file__).parent / program
    source = source if source.is_dir() else project_root()
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copy(source / file, project)
    running = emulator.start(name, region=settings.region)
    with contextlib.ExitStack() as ending:
        ending.callback(emulator.stop, name)
        endpoint = running.endpoint
        if proxy is not None:
            endpoint = ending.enter_context(proxy.before(running.endpoint))
        given = settings.model_copy(update={"endpoint": endpoint}).model_dump(mode="json")
        config = {f"{PROJECT}:{settings_key(k)}": _written(v) for k, v in given.items()}
        text = yaml.safe_dump({"config": config})
        (project / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
        stack = Stack(name, project)
        stack.run("stack", ["init", name])
        # Every round starts from the same: an emulator that has finished starting.
        time.sleep(_EMULATOR_SETTLES_SECONDS)
        yield stack
        stack.run("stack", ["rm", name, "--yes", "--force"])


def _written(value: object) -> object:
    """A setting as a stack's file holds it: text, or a list."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, list) else str(value)


@dataclass(frozen=True)
class Stack:
    """A stack of the engine, with the folder of its program."""

    name: str
    project: Path

    @property
    def endpoint(self) -> str:
        """Of its emulator, without a proxy."""
        return str(emulator.endpoint(self.name))

    def up(self, *, with_events: bool = False) -> Run:
        """`pulumi up`, as `totara up` runs it."""
        arguments = ["--yes", "--skip-preview", "--suppress-outputs", "--parallel", str(PARALLEL)]
        return self.run("up", ["--stack", self.name, *arguments], with_events=with_events)

    def preview(self) -> Run:
        """`pulumi preview`, which must find nothing to change."""
        arguments = ["--expect-no-changes", "--parallel", str(PARALLEL)]
        return self.run("preview", ["--stack", self.name, *arguments])

    def run(self, command: str, arguments: Sequence[str], *, with_events: bool = False) -> Run:
        """Run the engine and watch it.

        Raises:
            EngineFailedError: it ended with an error.
        """
        run = Run()
        log = self.project / f"{command}.log"
        events = self.project / "events.jsonl"
        line = [*engine_command(), command, *arguments, "--non-interactive", "--color", "never"]
        environment = engine_environment(self.name)
        # The program of this package that composes tenants imports it.
        environment["PYTHONPATH"] = str(project_root())
        if with_events:
            events.unlink(missing_ok=True)
            line += ["--event-log", str(events)]
            # The engine shows that option only then.
            environment["PULUMI_DEBUG_COMMANDS"] = "true"
        with log.open("wb") as out:
            started = time.perf_counter()
            process = subprocess.Popen(
                line, cwd=self.project, env=environment, stdout=out, stderr=subprocess.STDOUT
            )
            ended = threading.Event()
            watchers = [threading.Thread(target=_watch_memory, args=(process.pid, run, ended))]
            if with_events:
                watchers.append(
                    threading.Thread(target=_read_events, args=(events, run.events, ended))
                )
            for watcher in watchers:
                watcher.start()
            process.wait()
            run.seconds = time.perf_counter() - started
            ended.set()
            for watcher in watchers:
                watcher.join()
        if process.returncode != 0:
            text = log.read_text(encoding="utf-8", errors="replace").strip()
            raise EngineFailedError(f"`pulumi {command}` of {self.name} failed:\n{text[-3000:]}")
        return run


def _watch_memory(pid: int, run: Run, ended: threading.Event) -> None:
    engine = psutil.Process(pid)
    while not ended.wait(_SAMPLE_SECONDS):
        parts: dict[str, int] = {}
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in (engine, *engine.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    name = _part(process.cmdline())
                    parts[name] = parts.get(name, 0) + process.memory_info().rss
        if sum(parts.values()) > run.peak_bytes:
            run.peak_bytes, run.peak_parts = sum(parts.values()), parts


def _part(command: Sequence[str]) -> str:
    text = " ".join(command)
    if "language_host" in text or "pulumi-language" in text:
        return "language host"
    if "local.provider" in text or "pulumi-resource" in text:
        return "provider"
    return "engine"


def _read_events(path: Path, found: list[Event], ended: threading.Event) -> None:
    """Read events as they are written, until the engine has ended and all is read."""
    while not path.exists():
        if ended.wait(_POLL_SECONDS):
            return
    rest = ""
    with path.open(encoding="utf-8") as stream:
        while True:
            last = ended.is_set()
            chunk = stream.read()
            now = time.perf_counter()
            *lines, rest = (rest + chunk).split("\n")
            found += [Event(now, json.loads(line)) for line in lines if line.strip()]
            if last:
                return
            if not chunk:
                time.sleep(_POLL_SECONDS)


@dataclass(frozen=True)
class Proxy:
    """A proxy that delays every call, as a region far away would.

    Attributes:
        delay_seconds: added to each request.
    """

    delay_seconds: float

    @contextlib.contextmanager
    def before(self, endpoint: str) -> Iterator[str]:
        """Run it in a process of its own and give its address."""
        # In a process of its own: it must not share this one's interpreter with the watchers.
        from benchmarks import latency  # noqa: PLC0415 - imports asyncio servers, rarely needed

        with latency.serving(endpoint, self.delay_seconds) as address:
            yield address
