"""From an environment's name to its stack: settings, blueprint, live access."""

from __future__ import annotations

from totara_infra.blueprint import Blueprint, plan
from totara_infra.local import emulator
from totara_infra.local.project import project_root
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import (
    REHEARSAL_SUFFIX,
    RoleHandling,
    StackSettings,
    environment_named,
    read_stack,
)
from totara_infra.model.tenants import load_tenants
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.live import Live
from totara_infra.resolver import load_catalogue


def stack_name(environment: Environment, rehearse: bool) -> str:
    """Name of an environment's shared stack, or of its rehearsal."""
    return f"{environment.value}{REHEARSAL_SUFFIX if rehearse else ''}"


def stack_settings(environment: Environment, rehearse: bool) -> StackSettings:
    """Settings of a stack; those of an emulated one carry its emulator's endpoint.

    Raises:
        UsageError: the emulator is not running.
    """
    root = project_root()
    overrides: dict[str, object] = {}
    if rehearse or environment is Environment.LOCAL:
        name = stack_name(environment, rehearse)
        endpoint = emulator.endpoint(name)
        if endpoint is None:
            start = "make up" if not rehearse else f"totara up {environment} --rehearse"
            raise UsageError(f"The emulator of stack `{name}` is not running. Start it: {start}")
        overrides["endpoint"] = endpoint
    if rehearse:
        overrides |= REHEARSAL_SETTINGS
    return read_stack(root, environment.value, overrides)


REHEARSAL_SETTINGS: dict[str, object] = {
    # Everything is throwaway, nobody else made the roles, and nobody wants to wait.
    "roles": RoleHandling.CREATE.value,
    "protect": False,
    "secret_recovery_days": 0,
    "roll_out_minutes": 0,
    "roll_out_bake_minutes": 0,
}
"""What a rehearsal changes in the settings of its environment."""


def live_context(environment: str, rehearse: bool) -> tuple[Blueprint, Live]:
    """The blueprint of an environment and access to it.

    Raises:
        UsageError: no such environment, or its emulator is not running.
        ProblemsError: what is wrong in the files.
    """
    settings = stack_settings(environment_named(environment), rehearse)
    tenants = load_tenants(project_root(), settings.tenants)
    return plan(load_catalogue().catalogue, settings, tenants), Live(settings)
