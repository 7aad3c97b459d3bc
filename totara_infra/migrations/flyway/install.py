"""Installs Java, Flyway and the driver when they are first needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from totara_infra.local import packages
from totara_infra.local.progress import step
from totara_infra.local.project import project_root, state_directory
from totara_infra.local.setup import one_at_a_time

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
    if _is_installed(folder):
        return folder
    with one_at_a_time():
        if not _is_installed(folder):
            _install(folder)
    return folder


def _is_installed(folder: Path) -> bool:
    stamp = folder / _STAMP
    return stamp.is_file() and stamp.read_text() == _fingerprint()


def _install(folder: Path) -> None:
    unfinished = state_directory() / "flyway.unfinished"
    settings = packages.registry_settings(Path(sys.executable))
    if certificates := settings.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_FILE"):
        settings.setdefault("REQUESTS_CA_BUNDLE", certificates)
    packages_lock, jars_lock = _locks()
    with step("Installing Flyway and a Java runtime", "about 20 seconds"):
        packages.install_environment(unfinished, packages_lock, purpose=_PURPOSE)
        packages.run_logged(
            [
                unfinished / "bin" / "python",
                "-I",
                Path(__file__).with_name("fetch_jars.py"),
                jars_lock,
                unfinished / "jars",
            ],
            purpose=_PURPOSE,
            environment=settings,
        )
    (unfinished / _STAMP).write_text(_fingerprint())
    shutil.rmtree(folder, ignore_errors=True)
    # Only a whole installation gets the real name.
    unfinished.rename(folder)


def _locks() -> tuple[Path, Path]:
    folder = project_root() / "requirements"
    return folder / "flyway.lock", folder / "flyway-jars.lock"


def _fingerprint() -> str:
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in _locks())).hexdigest()
