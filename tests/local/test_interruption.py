"""Interruptions: the child is told once and waited for, and one line says what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import subprocess, sys, time
from totara_infra.cli import main
from totara_infra.local.interruption import passed_on, told, take_all_signals

take_all_signals()

def work(folder):
    child_program = (
        "import signal, sys, time, pathlib\\n"
        "told = []\\n"
        "signal.signal(signal.SIGINT, lambda *_: told.append(1))\\n"
        f"pathlib.Path({folder!r}, 'began').touch()\\n"
        "end = time.monotonic() + 30\\n"
        "while not told and time.monotonic() < end: time.sleep(0.02)\\n"
        "time.sleep(0.5)\\n"
        f"pathlib.Path({folder!r}, 'ended').write_text(str(len(told)))\\n"
    )
    with passed_on() as child:
        child.start([sys.executable, "-c", child_program]).wait()
    if child.interrupted:
        raise KeyboardInterrupt

def app():
    with told("Stands: all. Run it again."):
        work(sys.argv[1])

main.app = app
main.run()
"""


@pytest.mark.parametrize(
    ("send", "number"),
    [
        (os.kill, signal.SIGINT),
        (os.kill, signal.SIGTERM),
        (os.kill, signal.SIGHUP),
        # As a terminal does: every process of the group gets it.
        (os.killpg, signal.SIGINT),
    ],
)
def test_a_child_ends_what_it_has_begun_and_one_line_says_so(tmp_path: Path, send, number):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "began").exists():
        assert time.monotonic() < deadline and parent.poll() is None
        time.sleep(0.02)
    send(parent.pid, number)

    _, said = parent.communicate(timeout=60)

    assert parent.returncode == 130
    assert said == "Interrupted. Stands: all. Run it again.\n"
    assert (tmp_path / "ended").read_text() == "1"
