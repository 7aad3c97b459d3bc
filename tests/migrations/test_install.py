"""Flyway comes when it is needed, whole and as pinned, or not at all."""

from __future__ import annotations

import subprocess

import pytest

from tests.conftest import PROJECT
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE
from totara_infra.migrations.flyway.fetch_jars import MIRROR
from totara_infra.migrations.flyway.install import ensure_installed


def test_a_repository_that_does_not_answer_is_said_and_nothing_is_half_there(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9/maven")
    with pytest.raises(LocalEnvironmentError, match="can't be reached") as caught:
        ensure_installed()
    assert "install Flyway" in caught.value.what
    assert caught.value.fix
    assert not (tmp_path / "flyway").exists()


def test_a_jar_that_is_not_the_pinned_one_is_refused(installed, tmp_path) -> None:
    lock = tmp_path / "jars.lock"
    lines = (PROJECT / "requirements" / "flyway-jars.lock").read_text().splitlines()
    other = lines[-1].split()[0]
    lock.write_text(f"{other} {'0' * 64}\n")
    done = subprocess.run(
        [
            installed / "flyway" / "bin" / "python",
            "-I",
            PROJECT / "totara_infra" / "migrations" / "flyway" / "fetch_jars.py",
            lock,
            tmp_path / "jars",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{other} has SHA-256" in done.stdout
    assert not list((tmp_path / "jars").glob("*.jar"))
