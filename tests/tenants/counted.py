"""Entry point of a copy of the project: `totara` commands with their calls and opens counted."""

from __future__ import annotations

import cProfile
import json
import os
import sys
from collections import Counter
from pathlib import Path

from typer.testing import CliRunner

from totara_infra.cli.main import app

COUNTS = "COUNTS"
"""Variable with the file that takes the counts."""


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
    found = {}
    for command in sys.argv[1:]:
        opened.clear()
        profile = cProfile.Profile()
        done = profile.runcall(CliRunner().invoke, app, command.split())
        called: Counter[str] = Counter()
        for entry in profile.getstats():
            code = entry.code
            if not isinstance(code, str) and f"{os.sep}totara_infra{os.sep}" in code.co_filename:
                place = code.co_filename.partition(f"totara_infra{os.sep}")[2]
                called[f"{place}:{code.co_qualname}"] += entry.callcount
        said = f"{done.exception!r} {done.output[-1000:]}" if done.exit_code else ""
        found[command] = {"said": said, "opened": dict(opened), "called": called}
    Path(os.environ[COUNTS]).write_text(json.dumps(found))
