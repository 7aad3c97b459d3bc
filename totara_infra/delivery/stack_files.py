"""The engine's stacks: made where they are missing, with the file of a rehearsal generated."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Mapping
from pathlib import Path

from totara_infra.delivery.stacks import emulated_settings
from totara_infra.local import emulator
from totara_infra.local.project import (
    STATE_DIRECTORY_VARIABLE,
    project_root,
    runs_locally,
    state_directory,
)
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.local.stack_state import PRIVATE_UMASK
from totara_infra.model import yaml_text
from totara_infra.model.documents import read_document
from totara_infra.model.problems import TotaraError
from totara_infra.model.stack import (
    PROJECT,
    REHEARSAL_SUFFIX,
    command_words,
    config_of,
    is_recovery,
    primary_of,
    read_stack,
    recovery_settings,
    settings_key,
)

_ENGINES = ("encryptionsalt", "secretsprovider", "encryptedkey")
"""Keys of a stack's file that the engine writes."""
_OWNER = "# It belongs to the working folder "


class StackError(TotaraError):
    """The engine has no such stack and could not make it."""

    exit_code = 1


def ensure_stack(stack: str, name: str, changed: Mapping[str, object] | None = None) -> None:
    """See that the engine knows a stack; a local one is made where it is missing.

    A rehearsal gets a file of its own, generated from the stack's: the engine writes into a
    stack's file when it makes the stack, and the rehearsed one's must stay as it is. So does a
    recovery stack, which is the one that it stands in for, in the other region.

    Args:
        stack: the engine's name of it.
        name: of the stack whose file it has, or from whose file the rehearsal's is generated.
        changed: fields of the settings that an emulator changes in a generated file; as
            `emulated_settings` says where it is left out.

    Raises:
        StackError: the engine refuses, a shared environment's stack does not exist (where its
            state and its secrets provider are is not for this command to guess), or another
            working folder of this checkout has a rehearsal of the same stack.
    """
    if is_generated(stack):
        write_generated_file(stack, name, changed)
    known = run_pulumi(["stack", "ls", "--json"], stack)
    if known.returncode == 0 and f'"name": "{stack}"' in known.stdout:
        return
    if not runs_locally(stack):
        raise StackError(
            f"The engine knows no stack `{stack}` in the backend that is selected. Choose the "
            "backend that holds it (PULUMI_BACKEND_URL, or `pulumi login`), with its credentials; "
            f"a new environment's stack is made once with `pulumi stack init {stack} "
            "--secrets-provider awskms://…`, and one whose state is lost is made again with "
            f"`totara state rebuild {stack}`." + _reason(known.stderr)
        )
    made = run_pulumi(["stack", "init", stack, "--non-interactive"], stack)
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise StackError(f"The engine can't make stack `{stack}`: {made.stderr.strip()}")


def _reason(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return f" The engine says: {lines[-1]}" if lines else ""


def run_pulumi(arguments: list[str], stack: str) -> subprocess.CompletedProcess[str]:
    """Run the engine for a stack and return what it said.

    Args:
        arguments: of the engine.
        stack: whose settings it gets.
    """
    return subprocess.run(
        [*engine_command(), *arguments],
        cwd=project_root(),
        env=engine_environment(stack),
        umask=PRIVATE_UMASK,
        capture_output=True,
        text=True,
        check=False,
    )


def remove_rehearsal_file(stack: str) -> None:
    """Remove the generated file of a rehearsal whose state is gone, salt and all.

    One that another working folder has generated stays.
    """
    path = _rehearsal_file(stack)
    if path.is_file() and _owner(path) in (None, state_directory()):
        path.unlink()


def _rehearsal_file(stack: str) -> Path:
    return project_root() / f"Pulumi.{stack}.yaml"


def _owner(path: Path) -> Path | None:
    """The working folder whose rehearsal a generated file belongs to."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [line.removeprefix(_OWNER) for line in lines if line.startswith(_OWNER)]
    return Path(found[0]) if found else None


def refuse_foreign_rehearsal(stack: str) -> None:
    """See that no other working folder of this checkout has a rehearsal of a stack.

    The engine reads one file for a stack, so one checkout holds one rehearsal of it.

    Args:
        stack: the engine's name of it.

    Raises:
        StackError: it has, and its emulator is running.
    """
    path = _rehearsal_file(stack)
    owner = _owner(path) if path.is_file() else None
    if owner is None or owner == state_directory():
        return
    other = emulator.recorded(stack, owner)
    if other is not None and other.identity.process() is not None:
        raise StackError(
            f"Another rehearsal of this checkout is running: {path.name} belongs to the working "
            f"folder {owner}, whose emulator is process {other.pid}. Both would write into that "
            f"file. End the other one ({STATE_DIRECTORY_VARIABLE}={owner} totara down "
            f"{command_words(stack)}), or rehearse in a checkout of its "
            "own."
        )


def write_generated_file(
    stack: str, name: str, changed: Mapping[str, object] | None = None
) -> None:
    """Generate the file of a rehearsal or a recovery stack, with the keys that it had.

    Args:
        stack: the engine's name of it.
        name: as people write it, without the mark of a rehearsal.
        changed: see `ensure_stack`.

    Raises:
        StackError: another working folder of this checkout has a rehearsal of the same stack.
    """
    root = project_root()
    path = _rehearsal_file(stack)
    # Two that start at once: the second looks when the first has written who it is.
    with (root / "Pulumi.yaml").open(encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refuse_foreign_rehearsal(stack)
        emulated = emulated_settings(stack) if changed is None else changed
        _generate(path, root, stack, primary_of(name), emulated)


def is_generated(stack: str) -> bool:
    """Whether the file of a stack is made from that of another one."""
    return stack.endswith(REHEARSAL_SUFFIX) or is_recovery(stack)


def _generate(
    path: Path, root: Path, stack: str, primary: str, emulated: Mapping[str, object]
) -> None:
    config = dict(config_of(read_document(root / f"Pulumi.{primary}.yaml", root)))
    changed: dict[str, object] = {}
    if is_recovery(stack):
        changed |= recovery_settings(read_stack(root, primary))
    changed |= emulated
    config |= {f"{PROJECT}:{settings_key(k)}": v for k, v in changed.items()}
    content: dict[str, object] = {"config": config}
    if path.is_file() and _owner(path) in (None, state_directory()):
        # They belong to the stack that the engine made from this file.
        kept = read_document(path, root).data
        if isinstance(kept, dict):
            content |= {k: v for k, v in kept.items() if k in _ENGINES}
    # The other region's stack of a real environment is everybody's, with its keys.
    owner = f"{_OWNER}{state_directory()}\n" if runs_locally(stack) else ""
    path.write_text(
        f"# Generated from Pulumi.{primary}.yaml; changed there.\n{owner}"
        + yaml_text.dump(content),
        encoding="utf-8",
    )
