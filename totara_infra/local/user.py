"""Who runs the program, as locks and records name people."""

from __future__ import annotations

import getpass
import os


def user_name() -> str:
    """The name of the user; `uid-N` where neither the environment nor the system has one.

    A container often runs under an id that has no entry in the password database.
    """
    try:
        return getpass.getuser()
    # OSError from Python 3.13 on.
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
