"""`totara release`: what may be released, told from the plan, the calendar and the reviews."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.output import StepOutputOption, write_step_output

app = typer.Typer(help="Releases: digest of the plan, four eyes, change freezes, the way back.")


@app.command()
def digest(environment: EnvironmentArgument, step_output: StepOutputOption = None) -> None:
    """Print the digest of what would be released: the commit and every resource.

    Exit 1 where files differ from the commit.
    """
    from totara_infra.delivery.release import plan_digest

    found = plan_digest(load(environment).blueprint())
    if step_output is not None:
        write_step_output(step_output, digest=found)
    typer.echo(found)


@app.command()
def check(
    environment: EnvironmentArgument,
    tag: Annotated[str, typer.Option(help="Tag of the release, such as v1.2.3.")],
    approved: Annotated[
        str, typer.Option(metavar="DIGEST", help="Digest that the approver was shown.")
    ],
    author: Annotated[str, typer.Option(metavar="LOGIN", help="Who started the release.")],
    approvals: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Reviews of the run, as GitHub gives them."),
    ] = None,
) -> None:
    """See whether a release may go: approved plan, four eyes, no change freeze. Changes nothing.

    Exit 1 with every reason why it may not.
    """
    from totara_infra.delivery.release import now, plan_digest, refusals, version_of
    from totara_infra.local.project import project_root
    from totara_infra.model.release import read_approvals, read_calendar

    version_of(tag)
    calendar = read_calendar(project_root())
    reviews = read_approvals(approvals) if approvals is not None else []
    blueprint = load(environment).blueprint()
    found = list(
        refusals(
            blueprint.scope.settings.environment,
            calendar,
            now(),
            tag,
            plan_digest(blueprint),
            approved,
            author,
            reviews,
        )
    )
    for reason in found:
        typer.echo(f"refused: {reason}")
    if found:
        raise typer.Exit(1)
    typer.echo(f"{tag} may be released to {environment}.")


@app.command()
def previous(
    tag: Annotated[str, typer.Argument(metavar="TAG", help="Such as v1.2.3.")],
    step_output: StepOutputOption = None,
) -> None:
    """Print the tag of the release before, to go back to."""
    from totara_infra.delivery.release import previous_release

    found = previous_release(tag)
    if step_output is not None:
        write_step_output(step_output, tag=found)
    typer.echo(found)
