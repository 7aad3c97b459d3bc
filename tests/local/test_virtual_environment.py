"""The Makefile's part of the set-up: one sentence whatever is missing, and the next run goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from totara_infra.local import virtual_environment
from totara_infra.local.project import project_root

MADE_BY_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")


@pytest.fixture
def clone(state_folder, tmp_path, monkeypatch) -> Path:
    """What a fresh clone has of the set-up, in a folder of its own."""
    root = tmp_path / "clone"
    shutil.copytree(project_root() / "requirements", root / "requirements")
    for name in ("Makefile", "pyproject.toml", "README.md"):
        shutil.copy(project_root() / name, root / name)
    local = Path("totara_infra") / "local"
    ignored = shutil.ignore_patterns("__pycache__", "provider")
    shutil.copytree(project_root() / local, root / local, ignore=ignored)
    shutil.copy(project_root() / "totara_infra" / "__init__.py", root / "totara_infra")
    return root


def make(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # As typed by a person, also where these tests were themselves started by make.
    inherited = {k: v for k, v in os.environ.items() if k not in MADE_BY_MAKE}
    return subprocess.run(
        ["make", f"PYTHON={sys.executable}", *arguments],
        cwd=root,
        env={**inherited, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def closed_registry(cache: Path) -> dict[str, str]:
    address = "http://127.0.0.1:9/simple"
    return {
        "PIP_INDEX_URL": address,
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_RETRIES": "1",
        "UV_DEFAULT_INDEX": address,
        "UV_CACHE_DIR": str(cache),
        "UV_FIND_LINKS": "",
        "UV_HTTP_RETRIES": "0",
    }


def test_an_unreachable_registry_is_said_and_the_next_run_recovers(clone, tmp_path, state_folder):
    failed = make(clone, "setup", **closed_registry(tmp_path / "empty"))

    assert failed.returncode != 0
    assert "the package registry can't be reached" in failed.stderr
    assert str(state_folder / "setup.log") in failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr
    assert len(failed.stderr.splitlines()) < 10
    assert not virtual_environment.is_ready(clone)

    # pip and the installer are there by now, and the packages in the middle are not.
    installer = Path(virtual_environment.__file__).parent / "installer.lock"
    pip = [clone / ".venv" / "bin" / "python", "-m", "pip", "install", "-q", "-r", installer]
    subprocess.run(pip, check=True)
    in_the_middle = make(clone, "setup", **closed_registry(tmp_path / "empty"))
    assert in_the_middle.returncode != 0
    assert "the package registry can't be reached" in in_the_middle.stderr

    recovered = make(clone, "setup")
    assert recovered.returncode == 0, recovered.stderr
    assert (clone / ".venv" / "bin" / "totara").is_file()
    assert virtual_environment.is_ready(clone)
    again = make(clone, "setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

    (clone / "requirements" / "project.lock").open("a").write("# changed\n")
    assert not virtual_environment.is_ready(clone)


def test_a_python_that_does_not_suit_is_said(clone):
    failed = make(clone, "up", "PYTHON=/bin/false")
    assert failed.returncode != 0
    assert "Python 3.11 or newer is needed" in failed.stderr


def test_a_python_without_ensurepip_is_said(clone, monkeypatch):
    monkeypatch.setattr(virtual_environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(virtual_environment.LocalEnvironmentError, match="python3-venv"):
        virtual_environment.prepare(clone)


def test_down_needs_nothing_to_be_installed(clone):
    done = make(clone, "down")
    assert done.returncode == 0
    assert "nothing was ever started" in done.stdout
    assert not (clone / ".venv").exists()


def test_help_is_the_default_and_names_every_target(clone):
    done = make(clone)
    for target in ("up", "down", "preview", "test", "bench", "lint"):
        assert f"make {target}" in done.stdout
