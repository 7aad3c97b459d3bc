"""Makes and mends `.venv`: Python, the pinned installer, the locked packages, this project.

The Makefile runs it with any Python 3.11 or newer, before a single package is installed, so it uses
the standard library only. The stamp is written last: whatever is interrupted is done again.
"""

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

from .errors import LocalEnvironmentError
from .packages import registry_settings, run_logged, sync_environment
from .progress import step
from .project import project_root, setup_log

OLDEST_PYTHON = (3, 11)
_STAMP = ".totara-stamp"
_INSTALLER_LOCK = Path(__file__).parent / "installer.lock"


def fingerprint(root: Path) -> str:
    """Return what `.venv` depends on as one hash: both locks, the packaging and the folder.

    The folder counts because scripts in a virtual environment hold absolute paths.

    Args:
        root: The project.
    """
    digest = hashlib.sha256(str(root).encode())
    locks = (root / "requirements" / "project.lock", root / "pyproject.toml", _INSTALLER_LOCK)
    for file in locks:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_ready(root: Path) -> bool:
    """Tell whether `.venv` is whole and up to date.

    Args:
        root: The project.
    """
    folder = root / ".venv"
    stamp = folder / _STAMP
    whole = stamp.is_file() and (folder / "bin" / "python").exists()
    return whole and stamp.read_text() == fingerprint(root)


def prepare(root: Path) -> None:
    """Make `.venv` ready; does nothing where it is.

    Args:
        root: The project.

    Raises:
        LocalEnvironmentError: This Python can't make one, or the packages could not be had.
    """
    if is_ready(root):
        return
    folder = root / ".venv"
    (folder / _STAMP).unlink(missing_ok=True)
    setup_log().unlink(missing_ok=True)
    with step("Installing the Python packages", "about 1 minute"):
        python = _make(folder)
        settings = registry_settings(python)
        uv = _installer(python)
        purpose = "install the Python packages"
        lock = root / "requirements" / "project.lock"
        sync_environment(python, lock, purpose=purpose, uv=uv, settings=settings)
        run_logged(
            [uv, "pip", "install", "--python", python, "--no-deps", "--editable", root],
            purpose="install this project into .venv",
            environment=settings,
        )
    (folder / _STAMP).write_text(fingerprint(root))


def _make(folder: Path) -> Path:
    """Return the Python of a virtual environment that has pip, made if need be."""
    python = folder / "bin" / "python"
    if _has_pip(python):
        return python
    if importlib.util.find_spec("ensurepip") is None:
        raise LocalEnvironmentError(
            f"{sys.executable} can't make a virtual environment: its module ensurepip is missing.",
            "Some systems package it apart from Python.",
            "Install it (on Debian and Ubuntu: python3-venv), or name another Python: "
            "`make up PYTHON=python3.12`.",
        )
    # Whatever is there is a torso or belongs to a Python that has gone.
    shutil.rmtree(folder, ignore_errors=True)
    run_logged([sys.executable, "-m", "venv", folder], purpose="make the virtual environment .venv")
    return python


def _has_pip(python: Path) -> bool:
    if not python.exists():
        return False
    try:
        run_logged([python, "-m", "pip", "--version"], purpose="find pip")
    except (LocalEnvironmentError, OSError):
        return False
    return True


def _installer(python: Path) -> Path:
    """Return the pinned uv in the virtual environment, installed if need be."""
    run_logged(
        [python, "-m", "pip", "install", "--require-hashes", "--requirement", _INSTALLER_LOCK],
        purpose="install the Python packages",
    )
    return python.parent / "uv"


def main() -> int:
    """Make `.venv` ready and return the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        sys.stderr.write(f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed.\n")
        return 1
    try:
        prepare(project_root())
    except LocalEnvironmentError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0
