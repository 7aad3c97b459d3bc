"""`totara pipeline`: the roles that the workflows assume."""

from __future__ import annotations

from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import print_json

app = typer.Typer(help="The roles that the workflows assume, with no more rights than they need.")

RepositoryOption = Annotated[
    str,
    typer.Option(
        metavar="OWNER/NAME",
        help="Repository on GitHub whose jobs may assume them; OWNER@ID/NAME@ID where GitHub puts "
        "ids into the subjects of its tokens.",
    ),
]
StateOption = Annotated[
    str | None, typer.Option(metavar="BUCKET", help="Bucket that holds the engine's state.")
]


@app.command("roles")
def show(
    environment: EnvironmentArgument,
    repository: RepositoryOption,
    state: StateOption = None,
) -> None:
    """Print the roles as JSON: who may assume each, and what it may do. Changes nothing."""
    from totara_infra.blueprint.pipeline_roles import pipeline_roles
    from totara_infra.cli.context import load

    scope = load(environment).blueprint().scope
    _check(repository)
    print_json(
        [
            {
                "name": role.name,
                "arn": scope.role_arn(role.name),
                "environments": list(role.jobs.environments),
                "workflow": role.jobs.workflow,
                "trust": role.trust(scope, repository),
                "policies": role.policies,
            }
            for role in pipeline_roles(scope, state)
        ]
    )


@app.command("bootstrap")
def bootstrap(
    environment: EnvironmentArgument,
    repository: RepositoryOption,
    state: StateOption = None,
    rehearse: RehearseOption = False,
) -> None:
    """Put GitHub's OIDC provider, the roles and the domains' policies into the account.

    Again changes nothing. Takes the credentials of the bootstrap identity: the pipeline may create
    no roles and change no policies.
    """
    from totara_infra.blueprint.pipeline_roles import pipeline_roles
    from totara_infra.delivery.stacks import live_context
    from totara_infra.model.stack import RoleHandling
    from totara_infra.operations.pipeline_roles import put_policies, put_roles

    _check(repository)
    blueprint, live = live_context(environment, rehearse)
    roles = pipeline_roles(blueprint.scope, state)
    for line in put_roles(live, blueprint.scope, repository, roles):
        typer.echo(line)
    if blueprint.scope.settings.roles is RoleHandling.EXISTING:
        for line in put_policies(live, blueprint.scope):
            typer.echo(line)


@app.command("check")
def check(environment: EnvironmentArgument, repository: RepositoryOption) -> None:
    """Check that GitHub protects the branch, tags and environments that the roles trust.

    Asks GitHub's API through `gh`. Exit 1 when something is open.
    """
    from totara_infra.blueprint.pipeline_roles import pipeline_roles
    from totara_infra.cli.context import load
    from totara_infra.delivery.github import protections
    from totara_infra.operations.checks import Outcome

    _check(repository)
    scope = load(environment).blueprint().scope
    trusted = [role.jobs for role in pipeline_roles(scope)]
    results = protections(repository, trusted)
    failures = [r for r in results if r.outcome is Outcome.FAILED]
    for result in failures:
        typer.echo(f"{result.check}: {result}")
    typer.echo(f"{len(results) - len(failures)} checks passed, {len(failures)} failed.")
    if failures:
        raise typer.Exit(1)


def _check(repository: str) -> None:
    import re

    from totara_infra.model.problems import UsageError

    # A wildcard in it would open the roles to other repositories.
    if not re.fullmatch(r"[A-Za-z0-9-]+(@\d+)?/[A-Za-z0-9._-]+(@\d+)?", repository):
        raise UsageError(f"`{repository}` is not a repository. Write owner/name, as GitHub does.")
