"""A project with a history, and its command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.command import totara


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.test"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


def run(root: Path, *arguments: str, code: int = 0) -> str:
    done = totara(*arguments, cwd=root, env=os.environ | {"PYTHONPATH": str(root)})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
