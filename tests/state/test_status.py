"""`totara state status`: locks, operations that nobody finished, damaged states."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.ports import free_port
from tests.state.conftest import Backend
from totara_infra.cli.main import app
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.status import refuse_unsound
from totara_infra.delivery.state.store import FolderStore
from totara_infra.local.project import state_directory


def status(code: int, stack: str = "local") -> str:
    done = CliRunner().invoke(app, ["state", "status", stack])
    assert done.exit_code == code, done.output
    return done.output


def status_data(code: int) -> dict:
    done = CliRunner().invoke(app, ["state", "status", "local", "--format", "json"])
    assert done.exit_code == code, done.output
    return json.loads(done.output)


def ended() -> int:
    """The id of a process that is no more."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_a_sound_state_is_said_to_be_sound(backend: Backend):
    backend.write()

    told = status(0)

    assert f"file://{backend.folder}: 1 resources" in told
    assert "Nobody holds it, and nothing was left unfinished." in told
    assert status_data(0)["sound"]
    refuse_unsound("local")


def test_a_stack_without_state_needs_no_mending(backend: Backend):
    assert "no state" in status(0)


def test_an_emulator_whose_state_is_gone_is_said_to_be_left_alone(backend: Backend, monkeypatch):
    monkeypatch.setattr("totara_infra.local.emulator.running", lambda stack: object())

    assert "the state that belongs to it is gone" in status(1)
    # An update that is the first one has made an empty state a moment ago.
    empty = {"version": 3, "checkpoint": {"stack": "local", "latest": None}}
    backend.write().write_text(json.dumps(empty))
    assert "is empty" in status(0)


def test_a_compressed_state_is_read(backend: Backend):
    whole = backend.write([("creating", "kms/key:Key", "key/pii")])
    content = gzip.compress(whole.read_bytes())
    whole.unlink()
    whole.with_name("local.json.gz").write_bytes(content)

    assert "creating key/pii" in status(1)
    whole.with_name("local.json.gz").write_bytes(content[: len(content) // 2])
    assert "damaged or cut off" in status(1)


def test_a_running_holder_is_named_and_waited_for(backend: Backend):
    backend.write()
    backend.lock(os.getpid())

    told = status(1)

    assert f"locked by process {os.getpid()} of deploy" in told
    assert "which is running" in told
    assert "pulumi cancel" not in told
    assert status_data(1)["locks"][0]["alive"] is True


def test_a_dead_holder_is_named_with_the_way_to_lift_the_lock(backend: Backend):
    backend.write()
    pid = ended()
    backend.lock(pid)

    told = status(1)

    assert f"locked by process {pid} of deploy" in told
    assert "has ended without lifting its lock" in told
    assert "pulumi cancel -s local" in told
    assert status_data(1)["locks"][0]["alive"] is False


def test_another_process_that_got_the_same_id_since_is_not_the_holder(backend: Backend):
    backend.write()
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as younger:
        backend.lock(younger.pid, timestamp=an_hour_ago.isoformat())
        assert "has ended without lifting its lock" in status(1)
        younger.communicate(b"\n")


def test_a_holder_on_another_machine_is_looked_for_there(backend: Backend):
    backend.write()
    backend.lock(4711, hostname="runner-12")

    told = status(1)

    assert "look on runner-12" in told
    assert "pulumi cancel -s local" in told
    assert status_data(1)["locks"][0]["alive"] is None


def test_a_lock_that_nobody_can_read_is_named_by_its_place(backend: Backend):
    backend.write()
    lock = backend.lock(1)
    lock.write_text("{")

    assert str(lock) in status(1)


def test_operations_that_nobody_finished_are_explained(backend: Backend):
    backend.write(
        [
            ("creating", "cognito/userPool:UserPool", "user_pool/staff"),
            ("deleting", "ssm/parameter:Parameter", "window"),
        ]
    )

    told = status(1)

    assert "creating user_pool/staff (aws:cognito/userPool:UserPool): it may exist in AWS" in told
    assert "deleting window" in told
    assert "totara state rebuild local" in told
    with pytest.raises(StateError, match="would make a second one"):
        refuse_unsound("local")


def test_a_state_that_is_cut_off_is_damaged(backend: Backend):
    state = backend.write()
    state.write_text(state.read_text()[:40])

    assert str(state) in status(1)
    assert status_data(1)["condition"] == "damaged"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 3}', '{"checkpoint": {"latest": 1}}'])
def test_what_is_no_state_is_damaged(backend: Backend, content):
    backend.write().write_text(content)

    assert "no state" in status(1)


def test_a_killed_update_of_an_emulator_is_seen_by_its_mark(backend: Backend):
    backend.write()
    mark = state_directory() / "local.updating"
    mark.write_text(json.dumps({"pid": ended()}))
    assert "was killed, and what it made is in no state" in status(1)
    assert status_data(1)["interrupted"]

    mark.write_text(json.dumps({"pid": os.getpid()}))
    assert not status_data(0)["interrupted"]


@pytest.mark.parametrize("command", ["verify", "drift"])
def test_who_looks_while_an_update_is_running_is_told(backend: Backend, command):
    backend.write()
    quiet = CliRunner().invoke(app, [command, "local"])
    assert "An update of stack local" not in quiet.output
    backend.lock(os.getpid())

    told = CliRunner().invoke(app, [command, "local"])

    assert f"An update of stack local is running (process {os.getpid()} of deploy" in told.output


def test_an_unknown_stack_is_bad_input(backend: Backend):
    done = subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", "state", "status", "nowhere"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_lock_keeps_others_off_and_goes_with_its_block(backend: Backend):
    backend.write()
    store = FolderStore(f"file://{backend.folder}")
    backend.lock(ended())
    with store.locked("local"):
        (mine,) = store.locks("local")
        assert mine.pid == os.getpid()
        assert mine.alive
        with pytest.raises(StateError, match=f"process {os.getpid()}"), store.locked("local"):
            pass
        assert len(store.locks("local")) == 1
    assert store.locks("local") == []
    backend.lock(4711, hostname="runner-12")
    with pytest.raises(StateError, match="runner-12"), store.locked("local"):
        pass


def test_a_bucket_that_does_not_answer_is_said_with_the_way_to_mend_it(
    backend: Backend, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulated")
    address = f"127.0.0.1:{free_port()}"
    url = f"s3://bank-state?endpoint={address}&disableSSL=true&region=ap-southeast-2"
    done = subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", "state", "status", "local"],
        env=os.environ | {"PULUMI_BACKEND_URL": url},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "The state's bucket bank-state does not answer" in done.stderr
    assert address in done.stderr
    assert "Traceback" not in done.stderr
