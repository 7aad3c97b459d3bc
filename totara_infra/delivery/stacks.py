"""From the name of a stack to what it consists of: settings, blueprint, live access.

A stack is called as its file is: an environment's shared one `prod`, an isolated client's
`prod-acorn`. Its rehearsal is the engine's stack of that name with a suffix.
"""

from __future__ import annotations

from totara_infra.blueprint import Blueprint, plan
from totara_infra.delivery.account import require_account
from totara_infra.local import emulator
from totara_infra.local.project import LOCAL_STACK, project_root, runs_locally
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import (
    REHEARSAL_SUFFIX,
    RoleHandling,
    StackSettings,
    command_words,
    is_recovery,
    primary_of,
    read_stack,
    require_stack,
)
from totara_infra.operations.live import Live
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import checked_tenants


def engine_stack(name: str, rehearse: bool) -> str:
    """The engine's name of a stack, or of its rehearsal.

    Args:
        name: as people write it, see `require_stack`.
        rehearse: on an emulator of its own.

    Raises:
        UsageError: there is no such stack, or nothing to rehearse.
    """
    require_stack(project_root(), name)
    if rehearse and runs_locally(name):
        raise UsageError("`local` is throwaway already; rehearse dev, uat or prod.")
    return f"{name}{REHEARSAL_SUFFIX if rehearse else ''}"


def stack_settings(name: str, rehearse: bool) -> StackSettings:
    """Settings of a stack; those of an emulated one carry its emulator's endpoint.

    Args:
        name: as people write it.
        rehearse: on an emulator of its own.

    Raises:
        UsageError: there is no such stack, or its emulator is not running.
        ProblemsError: what is wrong in its file.
    """
    stack = engine_stack(name, rehearse)
    overrides: dict[str, object] = {"stack": stack}
    if runs_locally(stack):
        endpoint = emulator.endpoint(stack)
        if endpoint is None:
            start = "make up" if name == LOCAL_STACK else f"totara up {command_words(stack)}"
            raise UsageError(f"The emulator of stack `{stack}` is not running. Start it: {start}")
        overrides["endpoint"] = endpoint
    overrides |= emulated_settings(stack)
    return read_stack(project_root(), name, overrides)


REHEARSAL_SETTINGS: dict[str, object] = {
    # Everything is throwaway, nobody else made the roles, and nobody wants to wait.
    "roles": RoleHandling.CREATE.value,
    "protect": False,
    "secret_recovery_days": 0,
    "roll_out_minutes": 0,
    "roll_out_bake_minutes": 0,
}
"""What a rehearsal changes in the settings of its stack."""


def emulated_settings(stack: str) -> dict[str, object]:
    """What an emulator of its own changes in the settings of a stack.

    Args:
        stack: the engine's name of it.
    """
    if stack.endswith(REHEARSAL_SUFFIX):
        return REHEARSAL_SETTINGS
    # IAM has no region, but the emulator of the other one knows nothing of the first one's.
    return (
        {"roles": RoleHandling.CREATE.value} if is_recovery(stack) and runs_locally(stack) else {}
    )


def live_context(name: str, rehearse: bool) -> tuple[Blueprint, Live]:
    """The blueprint of a stack and access to it.

    Args:
        name: of an environment, or of the stack of an isolated client.
        rehearse: its rehearsal.

    Raises:
        UsageError: no such stack, its emulator is not running, or the credentials belong to another
            account.
        ProblemsError: what is wrong in the files.
    """
    settings = stack_settings(name, rehearse)
    catalogue = load_catalogue().catalogue
    tenants = checked_tenants(catalogue, project_root(), settings.tenants, primary_of(name))
    blueprint, live = plan(catalogue, settings, tenants), Live(settings)
    require_account(live)
    return blueprint, live


def offline_context(name: str, rehearse: bool) -> Live:
    """Access by a stack's settings alone: its emulator need not run, and its files need be sound.

    Raises:
        UsageError: no such stack.
        ProblemsError: what is wrong in its file.
    """
    stack = engine_stack(name, rehearse)
    return Live(read_stack(project_root(), name, {"stack": stack}))
