"""Entry point of a copy of the project: `totara` commands with their calls and opens counted."""

from __future__ import annotations

import cProfile
import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path

from typer.testing import CliRunner

from totara_infra.cli.main import app

COUNTS = "COUNTS"
"""Variable with the file that takes the counts."""


PROGRAM = "up local"
"""Stands for what `up` and `preview` hand to the engine, whose own work is not counted."""


def _program() -> None:
    """Check and plan as `up` does, and declare everything, under Pulumi's mocks."""
    from tests.program.test_graph import run_with
    from totara_infra import load_tenants, read_stack
    from totara_infra.delivery.validation import refuse_invalid
    from totara_infra.local.project import project_root

    refuse_invalid()
    settings = read_stack(project_root(), "local", {"endpoint": "http://127.0.0.1:1"})
    run_with(settings, load_tenants(project_root(), settings.tenants))


def _said(command: str, profile: cProfile.Profile) -> str:
    """Run a command under the profile; what it said if it failed."""
    if command == PROGRAM:
        profile.runcall(_program)
        return ""
    done = profile.runcall(CliRunner().invoke, app, command.split())
    # With 1 a command says that something is left to do, once it has looked at everything.
    ended = isinstance(done.exception, SystemExit | None) and done.exit_code in (0, 1)
    return "" if ended else f"{done.exception!r} {done.output[-1000:]}"


def run() -> None:
    """Run each argument as a command; write how often it opened files and called functions."""
    root = Path(__file__).resolve().parent
    opened: Counter[str] = Counter()

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(str(root)):
            name = str(Path(str(arguments[0])).relative_to(root))
            if name.endswith(".yaml"):
                opened[name] += 1

    sys.addaudithook(heard)
    # Nothing here lives long enough to be worth looking for.
    gc.disable()
    found = {}
    for command in sys.argv[1:]:
        opened.clear()
        profile = cProfile.Profile()
        said = _said(command, profile)
        called: Counter[str] = Counter()
        for entry in profile.getstats():
            code = entry.code
            if not isinstance(code, str) and f"{os.sep}totara_infra{os.sep}" in code.co_filename:
                place = code.co_filename.partition(f"totara_infra{os.sep}")[2]
                called[f"{place}:{code.co_qualname}"] += entry.callcount
        found[command] = {"said": said, "opened": dict(opened), "called": called}
    Path(os.environ[COUNTS]).write_text(json.dumps(found))
