"""Checks the GitHub workflows with actionlint, built once from the Go module in `actionlint/`.

`python -m totara_infra.local.workflow_lint FILE…` does so from the Makefile.
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.go_build import go_toolchain, run_go
from totara_infra.local.progress import note, step
from totara_infra.local.project import state_directory
from totara_infra.local.setup import one_at_a_time

MODULE = "github.com/rhysd/actionlint/cmd/actionlint"
MODULE_FOLDER = Path(__file__).parent / "actionlint"
_PURPOSE = "build actionlint"


def actionlint() -> Path:
    """Return actionlint in the version that is pinned, built if need be.

    Raises:
        LocalEnvironmentError: It could not be built.
    """
    program = state_directory() / "bin" / f"actionlint-{_fingerprint()}"
    if program.is_file():
        return program
    with one_at_a_time():
        if not program.is_file():
            _build(program)
    return program


def _build(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    # Only a whole program gets the real name: building ends in a rename.
    with tempfile.TemporaryDirectory(dir=program.parent, prefix=".building-") as folder:
        unfinished = Path(folder) / "actionlint"
        with go_toolchain() as go, step("Building actionlint", "about 20 seconds"):
            run_go(
                go,
                ["build", "-trimpath", "-ldflags=-s -w", "-o", unfinished, MODULE],
                module=MODULE_FOLDER,
                purpose=_PURPOSE,
            )
        for old in program.parent.glob("actionlint-*"):
            old.unlink()
        unfinished.rename(program)


def _fingerprint() -> str:
    """What the program is made of, as a name: its version and the hashes of all its modules."""
    content = b"".join((MODULE_FOLDER / name).read_bytes() for name in ("go.mod", "go.sum"))
    return hashlib.sha256(content).hexdigest()[:16]


def main(files: Sequence[str]) -> int:
    """Check workflows and return the exit code.

    Args:
        files: The workflows.
    """
    try:
        program = actionlint()
    except LocalEnvironmentError as error:
        note(str(error))
        return error.exit_code
    # Other linters that a machine happens to have must not decide what passes.
    return subprocess.run([program, "-shellcheck=", "-pyflakes=", *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
