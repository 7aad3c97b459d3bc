"""A rehearsal of prod stops at the gate that asks for secrets, and goes on once they are there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from tests.local.conftest import link_or_copy
from tests.secrets import leaks
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE

EMPTY = "/bank/prod/core/neon-db-url"


@pytest.fixture
def state(installed, tmp_path, monkeypatch):
    folder = tmp_path / "totara"
    (folder / "bin").mkdir(parents=True)
    (folder / "emulator").symlink_to(installed / "emulator")
    if (installed / "bin" / "pulumi").is_file():
        link_or_copy(installed / "bin" / "pulumi", folder / "bin" / "pulumi")
    (folder / "engine.json").write_bytes((installed / "engine.json").read_bytes())
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(folder))
    yield folder
    emulator.stop("prod-rehearsal")


def totara(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", *words],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        cwd=PROJECT,
        check=False,
    )


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_a_rehearsal_stops_at_the_gate_until_its_secrets_are_there(state):
    first = totara("up", "prod", "--rehearse")
    assert first.returncode == 1
    assert f"totara secrets put prod {EMPTY} --rehearse" in first.stdout + first.stderr

    seeded = totara("secrets", "seed", "prod", "--rehearse")
    assert seeded.returncode == 0, seeded.stderr
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.inventory import entries

    blueprint, live = live_context("prod", rehearse=True)
    client = live.client("secretsmanager")
    values = [client.get_secret_value(SecretId=p)["SecretString"] for p in entries(blueprint)]
    lines = [v.splitlines()[1] if v.startswith("-----") else v for v in values]

    with leaks.Watch(lines) as watch:
        second = totara("up", "prod", "--rehearse")
    assert second.returncode == 0, second.stdout + second.stderr
    assert not watch.found
    said = first.stdout + first.stderr + seeded.stdout + second.stdout + second.stderr
    assert not leaks.everywhere(lines, said, state)

    checked = totara("secrets", "check", "prod", "--rehearse")
    assert checked.returncode == 0, checked.stdout + checked.stderr
