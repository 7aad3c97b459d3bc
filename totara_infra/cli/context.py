"""What most commands start from: the environment's settings, tenants and catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from totara_infra.blueprint import Blueprint
    from totara_infra.model.catalogue import Catalogue
    from totara_infra.model.stack import StackSettings
    from totara_infra.model.tenancy import Tenant
    from totara_infra.resolver import Sequence


def _stacks() -> list[str]:
    from totara_infra.local.project import project_root
    from totara_infra.model.stack import known_stacks

    return known_stacks(project_root())


EnvironmentArgument = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="local, dev, uat or prod, the stack of an isolated client, such as prod-acorn, or "
        "what stands in for one in the other region, such as prod-recovery.",
        autocompletion=_stacks,
    ),
]


@dataclass(frozen=True)
class Context:
    """An environment as its stack's file describes it."""

    catalogue: Catalogue
    settings: StackSettings
    tenants: list[Tenant]

    def sequence(self) -> Sequence:
        """The order of its active modules."""
        from totara_infra.resolver import deployed_modules, resolve

        environment = self.settings.environment
        active = deployed_modules(self.catalogue, environment, self.tenants)
        return resolve(self.catalogue, environment, active)

    def blueprint(self) -> Blueprint:
        """Everything that must exist in it."""
        from totara_infra.blueprint import plan

        return plan(self.catalogue, self.settings, self.tenants)


def load(environment: str, **overrides: object) -> Context:
    """Read the catalogue and an environment's shared stack, or an isolated client's.

    Args:
        environment: name of the environment, or of the stack of an isolated client.
        overrides: fields of the settings that win over the stack's file.

    Raises:
        UsageError: no such environment or stack.
        ProblemsError: what is wrong in the files.
    """
    from totara_infra.local.project import project_root
    from totara_infra.model.stack import primary_of, read_stack, require_stack
    from totara_infra.resolver import load_catalogue
    from totara_infra.resolver.licences import checked_tenants

    root = project_root()
    require_stack(root, environment)
    settings = read_stack(root, environment, overrides)
    catalogue = load_catalogue().catalogue
    tenants = checked_tenants(catalogue, root, settings.tenants, primary_of(environment))
    return Context(catalogue, settings, tenants)


def say_who_is_updating(environment: str, rehearse: bool) -> None:
    """Tell on stderr that an update is running, as what is looked at is then half-way.

    Args:
        environment: name of the environment, or of the stack of an isolated client.
        rehearse: its rehearsal.
    """
    from totara_infra.delivery.stacks import engine_stack
    from totara_infra.delivery.state.status import running_update

    if said := running_update(engine_stack(environment, rehearse)):
        typer.echo(said, err=True)
