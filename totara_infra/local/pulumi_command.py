"""The project's own `pulumi`: the real engine, with the settings that each kind of stack needs.

Installed as `.venv/bin/pulumi`. It adds environment variables, never arguments, and hands over to
the engine. What the user has set stays as it is.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from totara_infra.local import stack_state
from totara_infra.local.compiled_files import keep_compiled_files
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.loopback import spare_loopback
from totara_infra.local.placement import place_plugins, project_pulumi_home
from totara_infra.local.project import (
    LOCAL_STACK,
    project_root,
    runs_locally,
    stack_name,
    state_directory,
)
from totara_infra.local.pulumi_engine import ensure_engine

_NAMING_COMMANDS = frozenset({"init", "select", "rm"})
"""`pulumi stack …` commands that take the stack as a plain argument."""
_VALUE_FLAGS = frozenset({"-C", "--cwd", "--color", "--tracing", "--profiling", "-v", "--verbose"})
"""The engine's global flags whose value may follow as an argument of its own."""


def backend_url() -> str:
    """Return where the project keeps state unless the user says otherwise."""
    return f"file://{state_directory() / 'state'}"


def state_backend(stack: str) -> str:
    """Return the URL of the backend that holds a stack's state.

    Args:
        stack: The stack's name or full reference.
    """
    return _chosen_backend(stack) or backend_url()


def engine_command() -> list[str]:
    """Return the command that starts the engine, without arguments; builds it where there is none.

    Raises:
        LocalEnvironmentError: It could not be built.
    """
    return [str(ensure_engine().path)]


def engine_environment(stack: str) -> dict[str, str]:
    """Return the whole environment in which the engine works on a stack.

    Args:
        stack: The stack's name or full reference.

    Raises:
        LocalEnvironmentError: There is no engine and it could not be built.
    """
    environment = dict(os.environ)
    spare_loopback(environment)
    if _chosen_backend(stack) is None:
        environment["PULUMI_BACKEND_URL"] = backend_url()
        stack_state.make_private()
    engine = ensure_engine()
    place_plugins()
    if engine.brings_language_host:
        # A program of that name elsewhere on PATH would come first, with a warning.
        environment.setdefault("PULUMI_IGNORE_AMBIENT_PLUGINS", "true")
    if not runs_locally(stack):
        return environment
    environment.setdefault("PULUMI_SKIP_UPDATE_CHECK", "true")
    # Written once at the end, not after every step: a lost state is a lost emulator, no more.
    environment.setdefault("PULUMI_SKIP_CHECKPOINTS", "true")
    if "PULUMI_CONFIG_PASSPHRASE_FILE" not in environment:
        environment.setdefault("PULUMI_CONFIG_PASSPHRASE", "local")
    if not uses_official_plugin():
        environment["PULUMI_HOME"] = str(project_pulumi_home())
        environment.setdefault("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
    return environment


def uses_official_plugin() -> bool:
    """Tell whether the user wants Pulumi's own AWS plugin for stacks in an emulator."""
    return os.environ.get("TOTARA_AWS_PLUGIN") == "official"


def _user_home() -> Path:
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def _chosen_backend(stack: str) -> str | None:
    """Return the backend that the user has chosen, or None.

    A login counts for shared environments; a stack in an emulator never goes to a shared backend
    unless the variable says so.
    """
    if chosen := os.environ.get("PULUMI_BACKEND_URL"):
        return chosen
    if runs_locally(stack):
        return None
    current = _json_object(_user_home() / "credentials.json").get("current")
    return current if isinstance(current, str) and current else None


def selected_stack(arguments: Sequence[str]) -> str | None:
    """Return the stack that a command line of the engine means, or None where nothing says.

    Args:
        arguments: The engine's arguments.
    """
    words: list[str] = []
    remaining: Iterator[str] = iter(arguments)
    for argument in remaining:
        if argument in ("-s", "--stack"):
            return next(remaining, None)
        if argument.startswith("--stack="):
            return argument.removeprefix("--stack=")
        if argument.startswith("-s") and not argument.startswith("--"):
            return argument[2:].removeprefix("=")
        if argument in _VALUE_FLAGS:
            next(remaining, None)
        elif argument == "--":
            break
        elif not argument.startswith("-"):
            words.append(argument)
    if len(words) > 2 and words[0] == "stack" and words[1] in _NAMING_COMMANDS:
        return words[2]
    return os.environ.get("PULUMI_STACK") or _remembered_stack()


def _remembered_stack() -> str | None:
    """Return what `pulumi stack select` chose last, in whichever of the two homes it did so."""
    digest = hashlib.sha1(str(project_root() / "Pulumi.yaml").encode(), usedforsecurity=False)
    pattern = f"*-{digest.hexdigest()}-workspace.json"
    files = [
        file
        for home in (project_pulumi_home(), _user_home())
        for file in (home / "workspaces").glob(pattern)
    ]
    for file in sorted(files, key=lambda file: file.stat().st_mtime, reverse=True):
        content = _json_object(file)
        by_backend = content.get("stacks")
        names = list(by_backend.values()) if isinstance(by_backend, dict) else []
        for name in [content.get("stack"), *names]:
            if isinstance(name, str) and name:
                return stack_name(name)
    return None


def _json_object(file: Path) -> dict[str, object]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def run() -> NoReturn:
    """Hand over to the engine; the console script `pulumi`."""
    keep_compiled_files()
    arguments = sys.argv[1:]
    stack = selected_stack(arguments)
    try:
        command = engine_command()
        environment = engine_environment(stack or LOCAL_STACK)
    except LocalEnvironmentError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    if stack is None:
        environment["PULUMI_STACK"] = LOCAL_STACK
    os.umask(stack_state.PRIVATE_UMASK)
    if runs_locally(name := stack_name(stack or LOCAL_STACK)):
        stack_state.prune(name)
    os.execve(command[0], [*command, *arguments], environment)
