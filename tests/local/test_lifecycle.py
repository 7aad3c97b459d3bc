"""Emulator and state always match, whatever was killed or interrupted in between."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from totara_infra.local import emulator, lifecycle, stack_state
from totara_infra.local.errors import LocalEnvironmentError

REGION = "ap-southeast-2"


def write_state(folder: Path, stack: str = "local") -> Path:
    file = folder / "state" / ".pulumi" / "stacks" / "totara-infra" / f"{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    return file


def write_lock(folder: Path, pid: int, stack: str = "local") -> Path:
    locks = folder / "state" / ".pulumi" / "locks" / "organization" / "totara-infra" / stack
    locks.mkdir(parents=True)
    content = {"pid": pid, "hostname": socket.gethostname(), "username": "someone"}
    (locks / "0000.json").write_text(json.dumps(content))
    return locks / "0000.json"


def bring_up(folder: Path) -> emulator.Emulator:
    assert lifecycle.prepare("local") == []
    started = emulator.start("local", region=REGION)
    write_state(folder)
    assert lifecycle.prepare("local", region=REGION) == []
    assert emulator.running("local") == started
    return started


def run_python(program: str) -> subprocess.Popen[str]:
    """Another command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_starts_afresh(messages: list[str], reason: str) -> None:
    assert len(messages) == 1
    assert reason in messages[0]
    assert emulator.running("local") is None
    assert stack_state.state_file("local") is None
    assert lifecycle.prepare("local") == []
    assert emulator.start("local", region=REGION)


def test_a_killed_emulator_takes_its_state_with_it(emulated):
    started = bring_up(emulated)
    psutil.Process(started.pid).send_signal(signal.SIGKILL)
    psutil.wait_procs([psutil.Process(started.pid)], timeout=5)

    assert_starts_afresh(lifecycle.prepare("local"), "no longer running")


def test_state_without_an_emulator_is_removed(emulated):
    write_state(emulated)

    assert_starts_afresh(lifecycle.prepare("local"), "no longer running")


def test_an_emulator_without_state_starts_afresh(emulated):
    started = bring_up(emulated)
    stack_state.remove("local")

    assert_starts_afresh(lifecycle.prepare("local"), "state that belongs to it is gone")
    assert not psutil.pid_exists(started.pid)


def test_state_of_an_earlier_emulator_is_removed(emulated):
    started = bring_up(emulated)
    an_hour_before = started.create_time - 3600
    os.utime(write_state(emulated), (an_hour_before, an_hour_before))

    assert_starts_afresh(lifecycle.prepare("local"), "older than its emulator")


def test_an_emulator_of_another_region_starts_afresh(emulated):
    bring_up(emulated)

    assert_starts_afresh(lifecycle.prepare("local", region="eu-west-1"), "eu-west-1")


def test_a_killed_update_starts_afresh(emulated):
    bring_up(emulated)
    lifecycle._release("local")
    command = run_python(
        """
        import os, signal
        from totara_infra.local import lifecycle
        with lifecycle.updating("local"):
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert command.wait(60) == -signal.SIGKILL

    assert_starts_afresh(lifecycle.prepare("local"), "interrupted")


def test_a_killed_engine_starts_afresh(emulated):
    bring_up(emulated)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with lifecycle.updating("local"):
        # The engine removes its lock however its update ends, unless it is killed.
        write_lock(emulated, gone.pid)

    assert_starts_afresh(lifecycle.prepare("local"), "interrupted")


def test_an_update_that_fails_in_an_orderly_way_keeps_emulator_and_state(emulated):
    started = bring_up(emulated)
    with pytest.raises(RuntimeError), lifecycle.updating("local"):
        raise RuntimeError("a gate refused")

    assert lifecycle.prepare("local") == []
    assert emulator.running("local") == started
    assert stack_state.state_file("local") is not None


def test_a_second_command_on_the_same_stack_is_refused(state_folder):
    command = run_python(
        """
        from totara_infra.local import lifecycle
        lifecycle.prepare("local")
        print("prepared", flush=True)
        input()
        """
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "prepared\n"
    try:
        for refused in (lifecycle.prepare, lifecycle.discard):
            with pytest.raises(LocalEnvironmentError, match=f"process {command.pid}") as caught:
                refused("local")
            assert "\n" not in str(caught.value)
        assert lifecycle.prepare("prod-rehearsal") == []
    finally:
        command.communicate("\n", timeout=60)

    assert lifecycle.prepare("local") == []


def test_an_engine_that_is_at_work_is_not_disturbed(state_folder, tmp_path):
    # The process has to be called like the engine: an id alone may belong to another by now.
    engine = tmp_path / "pulumi"
    engine.symlink_to(Path(sys.executable).resolve())
    with subprocess.Popen([engine, "-c", "import time; time.sleep(60)"]) as working:
        lock = write_lock(state_folder, working.pid)
        try:
            with pytest.raises(LocalEnvironmentError, match=f"process {working.pid}"):
                lifecycle.prepare("local")
            assert lock.exists()
        finally:
            working.kill()


def test_another_port_than_asked_is_said(emulated, monkeypatch):
    started = bring_up(emulated)
    monkeypatch.setenv("TOTARA_PORT", "4699")

    (message,) = lifecycle.prepare("local")

    assert str(started.port) in message
    assert "4699" in message
    assert emulator.running("local") == started


def test_down_leaves_no_process_and_nothing_but_caches(emulated):
    started = bring_up(emulated)
    with lifecycle.updating("local"):
        pass
    lifecycle._release("local")

    (message,) = lifecycle.discard("local")

    assert str(started.pid) in message
    assert not psutil.pid_exists(started.pid)
    assert [file.name for file in emulated.rglob("*") if file.is_file()] == []
    (again,) = lifecycle.discard("local")
    assert "down already" in again


def test_down_after_a_killed_update_leaves_nothing_either(emulated):
    bring_up(emulated)
    (emulated / "local.updating").write_text("{}")
    write_lock(emulated, 2**22 + 1)
    other = write_state(emulated, "prod-rehearsal")
    lifecycle._release("local")

    lifecycle.discard("local")

    assert [file for file in emulated.rglob("*") if file.is_file()] == [other]


def test_the_state_of_other_stacks_stays(state_folder):
    write_state(state_folder)
    others = [write_state(state_folder, stack) for stack in ("local-2", "prod-rehearsal", "dev")]

    lifecycle.discard("local")

    assert all(other.exists() for other in others)
    assert stack_state.state_file("local") is None


def test_a_backend_that_the_user_names_is_not_touched(emulated, tmp_path, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/elsewhere")
    ours = write_state(tmp_path / "elsewhere")

    assert lifecycle.prepare("local") == []
    assert f"file://{tmp_path}/elsewhere" in lifecycle.discard("local")[-1]
    assert ours.exists()


def test_an_emulator_whose_state_a_user_keeps_elsewhere_is_kept_after_a_killed_update(
    emulated, tmp_path, monkeypatch
):
    running = bring_up(emulated)
    lifecycle._release("local")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/elsewhere")
    mark = emulated / "local.updating"
    mark.write_text('{"pid": 0}')

    assert lifecycle.prepare("local") == []
    assert emulator.running("local") == running
    assert mark.exists()


@pytest.mark.parametrize("stack", ["dev", "uat", "prod", "prod-bank", "local-2"])
def test_stacks_in_aws_are_never_touched(state_folder, stack):
    state = write_state(state_folder, stack)
    for refused in (lifecycle.prepare, lifecycle.discard):
        with pytest.raises(LocalEnvironmentError, match=stack):
            refused(stack)
    assert state.exists()
