"""One stack for all sign-in tests, in a working folder and on a port of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from tests.identity.signing_in import Bank
from tests.ports import free_port
from totara_infra.local.project import state_directory
from totara_infra.local.setup import ensure_ready


@pytest.fixture(scope="session")
def bank(tmp_path_factory):
    """`totara up local`, down again afterwards."""
    ensure_ready()
    folder = tmp_path_factory.mktemp("identity") / "totara"
    folder.mkdir()
    for name in ("bin", "emulator", "home", "engine.json"):
        if (state_directory() / name).exists():
            (folder / name).symlink_to((state_directory() / name).resolve())
    port = free_port()
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PULUMI_")},
        "TOTARA_STATE_DIRECTORY": str(folder),
        "TOTARA_PORT": str(port),
    }
    command = [sys.executable, "-m", "totara_infra.cli"]
    options = {"env": environment, "cwd": PROJECT, "capture_output": True, "text": True}
    up = subprocess.run([*command, "up", "local"], check=False, **options)
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield Bank(f"http://127.0.0.1:{port}", environment)
    finally:
        subprocess.run([*command, "down", "local"], check=False, **options)
