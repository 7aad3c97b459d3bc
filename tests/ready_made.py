"""Environments that are brought up once in a run of the tests; every further one is a copy.

Bringing an environment up takes most of the time of a test that needs one. Where it is not itself
what is tested, a copy of the engine's state and of the emulator's content does: `totara verify`,
`totara drift` and a refresh see no difference (tests/local/test_ready_made.py). Only the history is
not copied: CloudTrail knows of nothing that happened to the original.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from totara_infra.local.emulator import PERSISTS_VARIABLE

_STOP_SECONDS = 60
PERSISTING = {PERSISTS_VARIABLE: "1"}
"""What the commands that start the emulator of an original or of a copy need."""


@dataclass(frozen=True)
class Original:
    """An environment that was brought up and stopped.

    Attributes:
        state: its working folder.
        port: that its emulator had.
    """

    state: Path
    port: int

    def copy(self, state: Path, port: int, run_python: Callable[[str], object]) -> None:
        """Have the same environment in another working folder, on another port, and running.

        Args:
            state: the working folder; engine and emulator are in it already.
            port: for its emulator.
            run_python: runs lines of Python with the variables of that folder, `PERSISTING` too.
        """
        stacks = Path("state") / ".pulumi"
        for name in (
            stacks / "stacks",
            stacks / "meta.yaml",
            Path("local/state"),
            Path("local/s3"),
        ):
            source, target = self.state / name, state / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy2(source, target)
        before, after = f"127.0.0.1:{self.port}", f"127.0.0.1:{port}"
        for file in [
            *state.glob("state/.pulumi/stacks/**/*.json"),
            *state.glob("local/state/*.json"),
        ]:
            # Queues are known by their URLs, which have the port.
            file.write_bytes(file.read_bytes().replace(before.encode(), after.encode()))
        run_python(
            "from totara_infra.local import emulator, stack_state\n"
            "emulator.start('local', region='ap-southeast-2')\n"
            # As after an update: the state is the younger one of the two.
            "stack_state.state_file('local').touch()"
        )


def original(shared: Path, name: str, bring_up: Callable[[], Original]) -> Original:
    """The original of that name; whoever asks first brings it up, others wait.

    Args:
        shared: folder of this run of the tests, the same for all its workers.
        name: of the original.
        bring_up: brings it up, with `PERSISTING` in its variables; it is stopped here.
    """
    made = shared / f"original-{name}.json"
    with (shared / f"original-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            new = bring_up()
            _stop(new.state)
            made.write_text(json.dumps({"state": str(new.state), "port": new.port}))
    content = json.loads(made.read_text())
    return Original(Path(content["state"]), content["port"])


def _stop(state: Path) -> None:
    record = state / "emulators" / "local.json"
    process = psutil.Process(json.loads(record.read_text())["pid"])
    process.terminate()
    process.wait(_STOP_SECONDS)
    assert (state / "local" / "state" / "ssm.json").is_file(), "the emulator left nothing behind"


def python(program: str, variables: Mapping[str, str], folder: Path) -> None:
    """Run lines of Python with these variables."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def shared_folder(base: Path) -> Path:
    """The folder of this run of the tests, from the one of this worker."""
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
