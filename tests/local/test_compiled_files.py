"""Compiled files where the environment forbids to write them beside the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

FORBIDDEN = "PYTHONDONTWRITEBYTECODE"
PREFIX = "PYTHONPYCACHEPREFIX"


@pytest.fixture
def copy(tmp_path) -> Path:
    """The sources alone, without compiled files of any earlier run."""
    return Path(
        shutil.copytree(
            PROJECT / "totara_infra",
            tmp_path / "copy" / "totara_infra",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    )


def run(copy: Path, state: Path, **variables: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if k not in (FORBIDDEN, PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", "sequence", "--help"],
        cwd=copy.parent,
        env=inherited | {"TOTARA_STATE_DIRECTORY": str(state)} | variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def compiled(folder: Path) -> list[Path]:
    return [*folder.rglob("main.*.pyc")]


def test_they_come_into_the_state_folder_and_not_beside_the_sources(copy, tmp_path):
    state = tmp_path / "state"
    assert "Usage" in run(copy, state, **{FORBIDDEN: "1"})
    assert compiled(state / "compiled")
    assert not [*copy.rglob("__pycache__")]


def test_a_folder_of_the_users_own_is_kept(copy, tmp_path):
    state, own = tmp_path / "state", tmp_path / "own"
    run(copy, state, **{FORBIDDEN: "1", PREFIX: str(own)})
    assert compiled(own)
    assert not state.exists()


def test_nothing_is_changed_where_nothing_is_forbidden(copy, tmp_path):
    run(copy, tmp_path / "state")
    assert compiled(copy)
    assert not (tmp_path / "state").exists()
