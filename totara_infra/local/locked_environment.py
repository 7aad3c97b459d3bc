"""Environments of programs whose pinned packages can't stand beside the project's own."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from totara_infra.local import packages
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.progress import step
from totara_infra.local.project import project_root, state_directory

_STAMP = "lock.sha256"


@dataclass(frozen=True)
class LockedEnvironment:
    """A virtual environment with exactly the packages of `requirements/NAME.lock`.

    Attributes:
        name: of the lock, and of the folder in the working folder.
        title: what it has, such as `the AWS emulator`.
        duration: how long installing takes, in words.
    """

    name: str
    title: str
    duration: str

    def python(self) -> Path:
        """Return its Python.

        Raises:
            LocalEnvironmentError: It is not installed.
        """
        if not self.is_installed():
            name = self.title[0].upper() + self.title[1:]
            raise LocalEnvironmentError(
                f"{name} is not installed.", fix="Run `make up`, which installs it."
            )
        return self._folder / "bin" / "python"

    def is_installed(self) -> bool:
        """Tell whether it is there, whole and with the locked versions."""
        stamp = self._folder / _STAMP
        return stamp.is_file() and stamp.read_text() == self._fingerprint()

    def ensure_installed(self) -> None:
        """Install it; does nothing where it is.

        Raises:
            LocalEnvironmentError: It could not be installed.
        """
        if self.is_installed():
            return
        unfinished = state_directory() / f"{self.name}.unfinished"
        with step(f"Installing {self.title}", self.duration):
            purpose = f"install {self.title}"
            packages.install_environment(unfinished, self._lock, purpose=purpose)
        (unfinished / _STAMP).write_text(self._fingerprint())
        shutil.rmtree(self._folder, ignore_errors=True)
        # Only a whole installation gets the real name. Nothing in it is started through a script
        # with a path in it, so it may move.
        unfinished.rename(self._folder)

    @property
    def _folder(self) -> Path:
        return state_directory() / self.name

    @property
    def _lock(self) -> Path:
        return project_root() / "requirements" / f"{self.name}.lock"

    def _fingerprint(self) -> str:
        return hashlib.sha256(self._lock.read_bytes()).hexdigest()


EMULATOR = LockedEnvironment("emulator", "the AWS emulator", "about 15 seconds")
"""Pins another botocore."""
