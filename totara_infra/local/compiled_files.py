"""Compiled Python files, where the environment forbids to write them beside the sources."""

import os
import sys

from totara_infra.local.project import state_directory


def keep_compiled_files() -> None:
    """Have this process and all that it starts keep compiled files in `.totara/compiled`.

    Only where PYTHONDONTWRITEBYTECODE is set, as many containers have it: compiling the project
    and the AWS SDK anew takes longer than most commands do. Nothing comes beside the sources,
    which is what the variable is for. Someone's own PYTHONPYCACHEPREFIX stays.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(state_directory() / "compiled"))
        sys.dont_write_bytecode = False
        sys.pycache_prefix = folder
