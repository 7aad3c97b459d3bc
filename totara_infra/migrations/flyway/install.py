"""Installs Java, Flyway and the driver when they are first needed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from totara_infra.local import packages
from totara_infra.local.progress import step
from totara_infra.local.project import project_root, state_directory

_STAMP = "locks.sha256"
_PURPOSE = "install Flyway"


def ensure_installed() -> Path:
    """Install Flyway where it is missing or of another version; quick where it is there.

    Returns:
        The environment's folder, with `bin/python` and `jars/`.

    Raises:
        LocalEnvironmentError: a package or jar could not be had, or is not the pinned one.
    """
    folder = state_directory() / "flyway"
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text() == _fingerprint():
        return folder
    unfinished = state_directory() / "flyway.unfinished"
    with step("Installing Flyway and a Java runtime", "about 20 seconds"):
        packages.install_environment(unfinished, _locks()[0], purpose=_PURPOSE)
        fetch = Path(__file__).with_name("fetch_jars.py")
        packages.run_logged(
            [unfinished / "bin" / "python", "-I", fetch, _locks()[1], unfinished / "jars"],
            purpose=_PURPOSE,
        )
    (unfinished / _STAMP).write_text(_fingerprint())
    shutil.rmtree(folder, ignore_errors=True)
    # Only a whole installation gets the real name.
    unfinished.rename(folder)
    return folder


def _locks() -> tuple[Path, Path]:
    folder = project_root() / "requirements"
    return folder / "flyway.lock", folder / "flyway-jars.lock"


def _fingerprint() -> str:
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in _locks())).hexdigest()
