"""A working folder of its own for each test, with the slow installations shared."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.ports import free_port
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.local.pulumi_engine import built_engine
from totara_infra.local.setup import ensure_ready


@pytest.fixture
def state_folder(tmp_path, monkeypatch) -> Path:
    """An empty working folder instead of the developer's own `.totara`."""
    for name in list(os.environ):
        if name.startswith(("PULUMI_", "TOTARA_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "totara"
    folder.mkdir()
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(folder))
    monkeypatch.setenv("TOTARA_PORT", str(free_port()))
    yield folder
    for name in emulator.recorded_names():
        emulator.stop(name)


@pytest.fixture(scope="session")
def installed_emulator() -> Path:
    """The folder of the emulator's real installation."""
    ensure_ready()
    return state_directory() / "emulator"


@pytest.fixture(scope="session")
def real_engine() -> Path:
    """The engine that this machine uses, whole."""
    engine = ensure_ready().path
    # One that is built here is what the tests want, but one on PATH is as real.
    return built_engine() if built_engine().is_file() else engine


@pytest.fixture
def emulated(state_folder, installed_emulator) -> Path:
    """A working folder that has the emulator."""
    (state_folder / "emulator").symlink_to(installed_emulator)
    return state_folder


@pytest.fixture
def with_engine(state_folder, real_engine) -> Path:
    """A working folder that has the engine as if it had been built there."""
    target = state_folder / "bin" / "pulumi"
    target.parent.mkdir()
    link_or_copy(real_engine, target)
    return state_folder


def link_or_copy(source: Path, target: Path) -> None:
    """A hard link, since the engine looks beside the file that a symbolic one leads to."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        shutil.copy2(source, target)
