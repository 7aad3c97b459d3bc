"""A bare emulator with the blueprint's secrets, which lead to a real PostgreSQL."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.migrations.server import DATABASES, Server
from tests.ports import free_port
from tests.secrets.containers import make_containers
from totara_infra.local import emulator
from totara_infra.local.locked_environment import EMULATOR
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.migrations.flyway.client import Flyway
from totara_infra.migrations.flyway.install import ensure_installed as ensure_flyway
from totara_infra.operations.live import Live


@dataclass(frozen=True)
class Place:
    """An environment, its databases, and the way to run `totara migrations` on it."""

    environment: str
    rehearse: bool
    live: Live
    server: Server
    state: Path

    def command(self, action: str, *words: str) -> list[str]:
        rehearse = ["--rehearse"] if self.rehearse else []
        start = [sys.executable, "-m", "totara_infra.cli", "migrations", action]
        return [*start, self.environment, *words, *rehearse]

    def run(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        """The command's own entry point, in this process: starting Python takes longer than it."""
        from totara_infra.cli.main import run

        command = self.command(action, *words)
        out, err, code = io.StringIO(), io.StringIO(), 0
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["totara", *command[3:]])
            try:
                run()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
        return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())

    def start(self, action: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(action, *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
            cwd=PROJECT,
        )

    def data(self, action: str, *words: str) -> Any:
        done = self.run(action, *words, "--format", "json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def secret(self, database: str) -> str:
        segment = database.removeprefix("bank_")
        return f"/bank/{self.environment}/{segment}/neon-db-migrate-url"

    def store(self, database: str, url: str) -> None:
        self.live.client("secretsmanager").put_secret_value(
            SecretId=self.secret(database), SecretString=url
        )

    def store_all(self) -> None:
        for database in DATABASES:
            self.store(database, self.server.url(database))


@pytest.fixture(scope="session")
def installed() -> Path:
    EMULATOR.ensure_installed()
    ensure_flyway()
    return state_directory()


_start, _end = Flyway.__enter__, Flyway.__exit__


@contextlib.contextmanager
def own_flyway() -> Iterator[Flyway]:
    """A Flyway beside the one that the commands share."""
    running = Flyway()
    _start(running)
    yield running
    _end(running, None, None, None)


@pytest.fixture(scope="module")
def flyway(installed) -> Iterator[None]:
    """One real Flyway for all commands that run in this process: starting Java takes seconds.

    Commands in a process of their own start and end theirs.
    """
    with Flyway() as running, pytest.MonkeyPatch.context() as patch:

        def enter(self: Flyway) -> Flyway:
            self._process = running._process
            return self

        patch.setattr(Flyway, "__enter__", enter)
        patch.setattr(Flyway, "__exit__", lambda *_: None)
        yield
        patch.undo()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def emulated(installed, tmp_path_factory) -> Iterator[Path]:
    """A working folder of its own with what takes long to install."""
    state = tmp_path_factory.mktemp("state")
    for name in ("emulator", "flyway"):
        (state / name).symlink_to(installed / name)
    before = {n: os.environ.pop(n, None) for n in (STATE_DIRECTORY_VARIABLE, "TOTARA_PORT")}
    os.environ[STATE_DIRECTORY_VARIABLE] = str(state)
    os.environ["TOTARA_PORT"] = str(free_port())
    yield state
    for name in emulator.recorded_names():
        emulator.stop(name)
    for name, text in before.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text


def place_of(environment: str, rehearse: bool, server: Server, state: Path) -> Place:
    from totara_infra.delivery.stacks import live_context

    emulator.start(f"{environment}-rehearsal" if rehearse else environment, region="ap-southeast-2")
    blueprint, live = live_context(environment, rehearse)
    make_containers(blueprint, live)
    place = Place(environment, rehearse, live, server, state)
    place.store_all()
    return place


@pytest.fixture(scope="module")
def place(server, emulated, flyway) -> Place:
    return place_of("local", False, server, emulated)
