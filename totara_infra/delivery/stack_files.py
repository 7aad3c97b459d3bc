"""The engine's stacks: made where they are missing, with the file of a rehearsal generated."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from totara_infra.delivery.stacks import REHEARSAL_SETTINGS
from totara_infra.local.project import project_root, runs_locally
from totara_infra.local.pulumi_command import engine_command, engine_environment
from totara_infra.model.problems import TotaraError
from totara_infra.model.stack import PROJECT, settings_key
from totara_infra.model.vocabulary import Environment


class StackError(TotaraError):
    """The engine has no such stack and could not make it."""

    exit_code = 1


def ensure_stack(stack: str, environment: Environment, rehearse: bool) -> None:
    """See that the engine knows a stack; a local one is made where it is missing.

    A rehearsal gets a file of its own, generated from the environment's: the engine writes into a
    stack's file when it makes the stack, and the environment's own must stay as it is.

    Raises:
        StackError: the engine refuses, or a shared environment's stack does not exist: where its
            state and its secrets provider are is not for this command to guess.
    """
    if rehearse:
        _write_rehearsal(stack, environment)
    known = _run(["stack", "ls", "--json"], stack)
    if known.returncode == 0 and f'"name": "{stack}"' in known.stdout:
        return
    if not runs_locally(stack):
        raise StackError(
            f"The engine knows no stack `{stack}` in the backend that is selected. Choose the "
            "backend that holds it (PULUMI_BACKEND_URL, or `pulumi login`), with its credentials; "
            f"a new environment's stack is made once with `pulumi stack init {stack} "
            "--secrets-provider awskms://…`." + _reason(known.stderr)
        )
    made = _run(["stack", "init", stack, "--non-interactive"], stack)
    if made.returncode != 0 and "already exists" not in made.stderr:
        raise StackError(f"The engine can't make stack `{stack}`: {made.stderr.strip()}")


def _reason(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return f" The engine says: {lines[-1]}" if lines else ""


def _run(arguments: list[str], stack: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*engine_command(), *arguments],
        cwd=project_root(),
        env=engine_environment(stack),
        capture_output=True,
        text=True,
        check=False,
    )


def remove_rehearsal_file(stack: str) -> None:
    """Remove the generated file of a rehearsal whose state is gone, salt and all."""
    _rehearsal_file(stack).unlink(missing_ok=True)


def _rehearsal_file(stack: str) -> Path:
    return project_root() / f"Pulumi.{stack}.yaml"


def _write_rehearsal(stack: str, environment: Environment) -> None:
    root = project_root()
    path = _rehearsal_file(stack)
    source = yaml.safe_load((root / f"Pulumi.{environment}.yaml").read_text(encoding="utf-8"))
    config = dict(source["config"])
    config |= {f"{PROJECT}:{settings_key(k)}": v for k, v in REHEARSAL_SETTINGS.items()}
    content: dict[str, object] = {"config": config}
    if path.is_file():
        # The salt belongs to the stack that the engine made from this file.
        kept = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        content |= {k: v for k, v in kept.items() if k == "encryptionsalt"}
    path.write_text(
        f"# Generated from Pulumi.{environment}.yaml for a rehearsal; not committed.\n"
        + yaml.safe_dump(content, sort_keys=False),
        encoding="utf-8",
    )
