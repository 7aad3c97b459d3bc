"""Makes everything ready that stacks in an emulator need: the engine, its plugins, the emulator.

`python -m totara_infra.local.setup` does so from the Makefile; `totara up` calls `ensure_ready`.
"""

import contextlib
import fcntl
import sys
from collections.abc import Iterator

from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.locked_environment import EMULATOR
from totara_infra.local.placement import place_plugins
from totara_infra.local.progress import note
from totara_infra.local.project import state_directory
from totara_infra.local.pulumi_engine import Engine, ensure_engine


def ensure_ready() -> Engine:
    """Install what is missing, showing progress on stderr; quick where nothing is.

    Returns:
        The engine.

    Raises:
        LocalEnvironmentError: Something could not be installed.
    """
    with one_at_a_time():
        # The emulator first: it takes seconds, so that a registry that can't be reached is noticed
        # before minutes go into the engine.
        EMULATOR.ensure_installed()
        engine = ensure_engine()
        place_plugins()
    return engine


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another set-up that is under way: two would build the engine twice."""
    folder = state_directory()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("Another set-up is under way; waiting for it to end …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Run the set-up and return the exit code."""
    try:
        ensure_ready()
    except LocalEnvironmentError as error:
        note(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
