"""The engine's copies of a state: nobody else reads them, and there are not ever more of them."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from tests.state.conftest import Backend
from totara_infra.local import stack_state
from totara_infra.local.project import state_directory
from totara_infra.local.stack_state import MOST_COPIES

MOMENT = 1796090753000000000


def modes(folder: Path) -> set[tuple[str, int]]:
    return {
        ("folder" if path.is_dir() else "file", stat.S_IMODE(path.stat().st_mode))
        for path in [folder, *folder.rglob("*")]
    }


def updated(backend: Backend, times: int, stack: str = "local") -> None:
    """What that many updates leave, as the engine of release 3.274 names it."""
    for number in range(times):
        for kind, name in (
            ("backups", f"{stack}.{MOMENT + number}.json"),
            ("backups", f"{stack}.{MOMENT + number}.json.attrs"),
            ("history", f"{stack}-{MOMENT + number}.history.json"),
            ("history", f"{stack}-{MOMENT + number}.checkpoint.json"),
        ):
            file = backend.bookkeeping / kind / "totara-infra" / stack / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("{}")


def test_what_an_engine_wrote_for_everybody_is_made_private(backend: Backend):
    backend.write()
    updated(backend, 2)
    for path in backend.folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)

    stack_state.make_private()

    assert modes(backend.folder) == {("folder", 0o700), ("file", 0o600)}


def test_what_the_engine_writes_is_private(backend: Backend):
    # The wrapper hands over to the engine: its umask is what decides.
    program = (
        "import os\n"
        "from totara_infra.local import pulumi_command as command\n"
        "command.engine_command = lambda: ['/bin/sh', '-c', "
        "'mkdir -p \"$0\" && touch \"$0\"/file', os.environ['FOLDER']]\n"
        "command.ensure_engine = lambda: type('E', (), {'brings_language_host': True})\n"
        "command.run()\n"
    )
    folder = state_directory() / "state" / "made"
    subprocess.run(
        [sys.executable, "-c", program],
        env={"FOLDER": str(folder), "TOTARA_STATE_DIRECTORY": str(state_directory()),
             "PATH": "/usr/bin:/bin"},
        check=True,
    )  # fmt: skip

    assert modes(state_directory() / "state") == {("folder", 0o700), ("file", 0o600)}


def test_thirty_updates_leave_a_bounded_number_of_copies(backend: Backend):
    backend.write()
    updated(backend, 30)
    updated(backend, 30, "dev-rehearsal")

    stack_state.prune("local")

    left = [p.name for p in backend.bookkeeping.rglob("local*") if p.parent.name == "local"]
    copies = [n for n in left if n.endswith(".json") and ".history." not in n]
    assert len(copies) == MOST_COPIES == 10
    newest = {str(MOMENT + number) for number in range(25, 30)}
    assert len(left) == 4 * len(newest)
    assert all(any(moment in name for moment in newest) for name in left)
    assert backend.state().exists()
    other = [p for p in backend.bookkeeping.rglob("dev-rehearsal*") if p.is_file()]
    assert len(other) == 4 * 30
