"""A command `gh` that knows some of GitHub's addresses, and answers the others as GitHub does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

_PROGRAM = """#!/bin/sh
file="$(dirname "$0")/answers/${2%%\\?*}.json"
if [ -f "$file" ]; then cat "$file"; else echo 'gh: Not Found (HTTP 404)' >&2; exit 1; fi
"""


def gh(folder: Path, answers: Mapping[str, object]) -> None:
    """Put the command into a folder, which belongs on PATH.

    Args:
        folder: where.
        answers: address without query -> what GitHub says there.
    """
    shutil.rmtree(folder / "answers", ignore_errors=True)
    for address, answer in answers.items():
        file = folder / "answers" / f"{address}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer))
    program = folder / "gh"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
