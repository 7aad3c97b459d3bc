"""Emulators are started, found and stopped by their very process, on loopback only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from totara_infra.local import emulator, process_record
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.locked_environment import EMULATOR

REGION = "ap-southeast-2"


def test_a_port_taken_by_something_else_is_one_sentence_with_the_way_out(emulated, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("TOTARA_PORT", str(port))

        with pytest.raises(LocalEnvironmentError) as caught:
            emulator.start("local", region=REGION)

        assert f"Port {port} is taken" in str(caught.value)
        assert f"TOTARA_PORT={port + 1} make up" in str(caught.value)
        assert "\n" not in str(caught.value)
        if sys.platform == "linux":
            assert f"process {os.getpid()}" in str(caught.value)
        assert emulator.running("local") is None

    assert emulator.start("local", region=REGION).port == port


def test_it_listens_on_loopback_only_and_records_its_region(emulated):
    started = emulator.start("local", region=REGION)

    listening = {
        connection.laddr.ip
        for connection in psutil.Process(started.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}
    assert emulator.running("local") == started
    assert emulator.endpoint("local") == f"http://127.0.0.1:{started.port}"
    assert started.region == REGION


def test_starting_again_leaves_the_running_one_alone(emulated):
    assert emulator.start("local", region=REGION) == emulator.start("local", region=REGION)


def test_stacks_have_emulators_of_their_own(emulated):
    local = emulator.start("local", region=REGION)
    rehearsal = emulator.start("prod-rehearsal", region=REGION)

    assert rehearsal.port != local.port
    assert emulator.recorded_names() == ["local", "prod-rehearsal"]
    emulator.stop("local")
    assert emulator.running("prod-rehearsal") == rehearsal


def test_a_process_that_got_the_same_id_later_is_never_stopped(state_folder):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        created = psutil.Process(other.pid).create_time()
        record = {
            "pid": other.pid,
            "create_time": created - 3600,
            "port": 1,
            "endpoint": "http://127.0.0.1:1",
            "region": REGION,
        }
        process_record.write(state_folder / "emulators" / "local.json", record)

        try:
            assert emulator.endpoint("local") is None
            assert emulator.stop("local") is None
            assert other.poll() is None
        finally:
            other.kill()


def test_an_emulator_that_does_not_start_says_where_its_log_is(emulated, monkeypatch):
    monkeypatch.setattr(emulator, "emulator_command", lambda: ["/bin/false"])

    with pytest.raises(LocalEnvironmentError, match=r"emulator\.log"):
        emulator.start("local", region=REGION)
    assert emulator.recorded_names() == []


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_refused(state_folder, monkeypatch, port):
    monkeypatch.setenv("TOTARA_PORT", port)
    with pytest.raises(LocalEnvironmentError, match=port):
        emulator.asked_port("local")


def test_an_unreachable_registry_is_said_and_the_next_run_recovers(
    state_folder, tmp_path, monkeypatch
):
    with monkeypatch.context() as cut_off:
        cut_off.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
        cut_off.setenv("UV_CACHE_DIR", str(tmp_path / "empty-cache"))
        cut_off.setenv("UV_HTTP_RETRIES", "0")
        cut_off.setenv("UV_FIND_LINKS", "")
        with pytest.raises(LocalEnvironmentError) as caught:
            EMULATOR.ensure_installed()
    assert "can't be reached" in caught.value.what
    assert str(state_folder / "setup.log") in caught.value.why
    assert not EMULATOR.is_installed()

    EMULATOR.ensure_installed()

    assert emulator.start("local", region=REGION)


def test_half_an_installation_is_never_used(state_folder, installed_emulator):
    half = state_folder / "emulator" / "bin"
    half.mkdir(parents=True)
    (half / "python").symlink_to(sys.executable)

    with pytest.raises(LocalEnvironmentError, match="not installed"):
        EMULATOR.python()
