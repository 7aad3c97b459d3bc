"""Installs the AWS emulator into an environment of its own, because it pins botocore."""

import hashlib
import shutil
from pathlib import Path

from totara_infra.local import packages
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.progress import step
from totara_infra.local.project import project_root, state_directory

_STAMP = "lock.sha256"


def emulator_python() -> Path:
    """Return the Python that has the emulator.

    Raises:
        LocalEnvironmentError: The emulator is not installed.
    """
    if not is_installed():
        raise LocalEnvironmentError(
            "The AWS emulator is not installed.",
            fix="Run `make up`, which installs it.",
        )
    return _folder() / "bin" / "python"


def is_installed() -> bool:
    """Tell whether the emulator is there, whole and of the locked version."""
    stamp = _folder() / _STAMP
    return stamp.is_file() and stamp.read_text() == _fingerprint()


def ensure_installed() -> None:
    """Install the emulator; does nothing where it is.

    Raises:
        LocalEnvironmentError: It could not be installed.
    """
    if is_installed():
        return
    unfinished = state_directory() / "emulator.unfinished"
    with step("Installing the AWS emulator", "about 15 seconds"):
        purpose = "install the AWS emulator"
        packages.install_environment(unfinished, _lock(), purpose=purpose)
    (unfinished / _STAMP).write_text(_fingerprint())
    shutil.rmtree(_folder(), ignore_errors=True)
    # Only a whole installation gets the real name. Nothing in it is started through a script with
    # a path in it, so it may move.
    unfinished.rename(_folder())


def _folder() -> Path:
    return state_directory() / "emulator"


def _lock() -> Path:
    return project_root() / "requirements" / "emulator.lock"


def _fingerprint() -> str:
    return hashlib.sha256(_lock().read_bytes()).hexdigest()
