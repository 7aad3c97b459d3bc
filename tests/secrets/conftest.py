"""An emulated `local` with the containers, keys and roles that the blueprint plans, and no more."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command import totara
from tests.ports import free_port
from tests.secrets.containers import make_containers, make_roles
from totara_infra.blueprint import Blueprint
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.local.setup import ensure_ready
from totara_infra.operations.live import Live


@dataclass(frozen=True)
class Place:
    """An environment and the way to run `totara` on it."""

    blueprint: Blueprint
    live: Live
    state: Path
    temporary: Path

    @property
    def variables(self) -> dict[str, str]:
        own = {STATE_DIRECTORY_VARIABLE: str(self.state), "TMPDIR": str(self.temporary)}
        return {**os.environ, **own}

    def totara(self, *words: str, given: str = "") -> subprocess.CompletedProcess:
        return totara("secrets", *words, given=given, env=self.variables)

    def value(self, path: str) -> str:
        answer = self.live.client("secretsmanager").get_secret_value(SecretId=path)
        return str(answer.get("SecretString", ""))


@pytest.fixture(scope="session")
def installed() -> Path:
    ensure_ready()
    return state_directory()


@pytest.fixture(scope="module")
def place(installed, tmp_path_factory) -> Iterator[Place]:
    """Of a module's own, so that its tests know in which order they find it."""
    state = tmp_path_factory.mktemp("state")
    (state / "emulator").symlink_to(installed / "emulator")
    before = {n: os.environ.pop(n, None) for n in (STATE_DIRECTORY_VARIABLE, "TOTARA_PORT")}
    os.environ[STATE_DIRECTORY_VARIABLE] = str(state)
    os.environ["TOTARA_PORT"] = str(free_port())
    try:
        emulator.start("local", region="ap-southeast-2")
        from totara_infra.delivery.stacks import live_context

        blueprint, live = live_context("local", rehearse=False)
        make_containers(blueprint, live)
        make_roles(blueprint, live)
        yield Place(blueprint, live, state, tmp_path_factory.mktemp("temporary"))
    finally:
        emulator.stop("local")
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text
