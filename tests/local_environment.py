"""A local environment that the command itself brings up, for a folder of tests to share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.command import PULUMI, run, totara
from tests.conftest import PROJECT
from tests.ports import free_port
from tests.ready_made import PERSISTING, Original, original, python
from totara_infra import Blueprint, load_catalogue, load_tenants, plan, read_stack
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.local.setup import ensure_ready
from totara_infra.operations.drift import Report, find_drift
from totara_infra.operations.live import Live

COMMAND_SECONDS = 500
SHARED = ("bin", "emulator", "home", "engine.json")


@dataclass(frozen=True)
class Environment:
    """A running local environment with a state folder of its own."""

    folder: Path
    variables: dict[str, str]
    blueprint: Blueprint
    live: Live

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `totara` command on it."""
        return totara(*arguments, env=self.variables, seconds=COMMAND_SECONDS)

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the engine on it, as the project's `pulumi` command does."""
        return run(PULUMI, *arguments, env=self.variables, seconds=COMMAND_SECONDS)

    def drift(self, *, authors: bool = False) -> Report:
        return find_drift(self.live, self.blueprint, "local", authors=authors)


@contextmanager
def brought_up(folder: Path, shared: Path) -> Iterator[Environment]:
    """A copy of what `totara up local` makes, with a working folder of its own; down afterwards.

    Args:
        folder: the working folder.
        shared: folder of this run of the tests, where the original is.
    """
    ensure_ready()
    _share_installations(folder)
    port = free_port()
    variables = _variables(folder, port)
    local_original(shared).copy(folder, port, lambda program: python(program, variables, PROJECT))
    settings = read_stack(PROJECT, "local", {"endpoint": f"http://127.0.0.1:{port}"})
    tenants = load_tenants(PROJECT, settings.tenants)
    blueprint = plan(load_catalogue().catalogue, settings, tenants)
    environment = Environment(folder, variables, blueprint, Live(settings))
    try:
        yield environment
    finally:
        environment.run("down", "local")


def local_original(shared: Path) -> Original:
    """The stack `local` of the project, brought up once in this run of the tests."""
    return original(shared, "local", lambda: _bring_up(shared / "original-local"))


def _share_installations(folder: Path) -> None:
    for name in SHARED:
        if (source := state_directory() / name).exists():
            (folder / name).symlink_to(source.resolve())


def _variables(folder: Path, port: int) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PULUMI_", "TOTARA_"))}
    own = {STATE_DIRECTORY_VARIABLE: str(folder), "TOTARA_PORT": str(port), "TOTARA_POLICIES": "0"}
    return kept | own | PERSISTING


def _bring_up(folder: Path) -> Original:
    folder.mkdir()
    _share_installations(folder)
    made = Original(folder, free_port())
    up = totara("up", "local", env=_variables(folder, made.port), seconds=COMMAND_SECONDS)
    assert up.returncode == 0, up.stdout + up.stderr
    return made
