"""Where the project and its git-ignored working folder are.

The package is installed in editable form, so the project is where the package lies: commands work
from any folder.
"""

import os
from pathlib import Path

STATE_DIRECTORY_VARIABLE = "TOTARA_STATE_DIRECTORY"
"""Another place for the working folder; tests use it to leave a developer's own one alone."""

LOCAL_STACK = "local"
REHEARSAL_SUFFIX = "-rehearsal"
LOCAL_RECOVERY_STACK = "local-recovery"
"""Stands in for `local` in the other region, on an emulator of its own."""


def project_root() -> Path:
    """Return the folder that holds `pyproject.toml`, `Pulumi.yaml` and this package."""
    return Path(__file__).resolve().parents[2]


def state_directory() -> Path:
    """Return the folder for everything that is made here and not committed, `.totara`."""
    elsewhere = os.environ.get(STATE_DIRECTORY_VARIABLE)
    return Path(elsewhere).absolute() if elsewhere else project_root() / ".totara"


def policy_pack() -> Path:
    """Return the folder of the policies that hold every preview and update to the conventions."""
    return project_root() / "totara_infra" / "policies" / "pack"


def setup_log() -> Path:
    """Return the file that keeps the full output of the set-up's steps."""
    return state_directory() / "setup.log"


def stack_name(reference: str) -> str:
    """Return the bare name in a stack reference such as `organization/totara-infra/local`."""
    return reference.rsplit("/", maxsplit=1)[-1]


def runs_locally(stack: str) -> bool:
    """Tell whether a stack lives in an emulator on this machine.

    Args:
        stack: A stack's name or full reference.

    Returns:
        True for the stack `local`, its recovery stack, and rehearsals of other environments.
    """
    name = stack_name(stack)
    return name in (LOCAL_STACK, LOCAL_RECOVERY_STACK) or name.endswith(REHEARSAL_SUFFIX)
