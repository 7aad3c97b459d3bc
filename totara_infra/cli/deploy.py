"""`totara preview`, `totara up`, `totara down`: the engine, with progress by phase and module."""

from __future__ import annotations

from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument

RehearseOption = Annotated[
    bool,
    typer.Option(
        "--rehearse", help="On an emulator of its own, with the environment's own settings."
    ),
]
ParallelOption = Annotated[
    int, typer.Option(min=1, help="Resources that may be worked on side by side.")
]
DEFAULT_PARALLEL = 64
"""With fewer, the containers of all secrets take every place and hold up other modules."""
ForceRedeployOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CLIENT_ID",
        help="A live tenant whose client id, jurisdiction or institution type may change.",
    ),
]
PoliciesOption = Annotated[
    bool,
    typer.Option(
        "--policies/--no-policies",
        envvar="TOTARA_POLICIES",
        help="Hold everything to the conventions. Only local and rehearsals can go without.",
    ),
]


def preview(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help="From nothing, on an empty emulator, with the settings of its file as they are. "
            "Needs no credentials.",
        ),
    ] = False,
    parallel: ParallelOption = DEFAULT_PARALLEL,
    force_redeploy: ForceRedeployOption = None,
    policies: PoliciesOption = True,
) -> None:
    """Show what `totara up` would do, and what breaks a convention. Changes nothing."""
    from totara_infra.delivery.deployment import Deployment
    from totara_infra.model.problems import UsageError
    from totara_infra.recovery.scenarios import counted

    if offline and rehearse:
        raise UsageError("A rehearsal keeps what it has made, --offline begins with nothing.")
    if offline:
        from totara_infra.delivery.offline import offline_preview

        lines, succeeded = offline_preview(
            environment, parallel, policies=policies, further=[counted]
        )
    else:
        deployment = Deployment.open(
            environment, rehearse, say=_say, policies=policies, further=[counted]
        )
        deployment.guard(force_redeploy or [], say=_say)
        report = deployment.preview(parallel)
        lines = list(deployment.report_lines(report, verb="would be there"))
        succeeded = report.succeeded
    for line in lines:
        typer.echo(line)
    if not succeeded:
        raise typer.Exit(1)


def up(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    parallel: ParallelOption = DEFAULT_PARALLEL,
    allow_delete: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A secret, pool, bucket or key that may go in uat or prod."
        ),
    ] = None,
    force_redeploy: ForceRedeployOption = None,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Read everything first: what was changed by hand is put back."
        ),
    ] = False,
    policies: PoliciesOption = True,
    approved_digest: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="uat and prod: digest of the plan that was approved."),
    ] = None,
    back_from: Annotated[
        str | None,
        typer.Option(
            metavar="TAG", help="uat and prod: the release that failed; goes to the one before it."
        ),
    ] = None,
    exception: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="uat and prod, unapproved: number and reason of the exception."
        ),
    ] = None,
) -> None:
    """Bring an environment up, in sequence; again and again, until nothing is left to change.

    uat and prod take an approved plan only. Exit 1 when something failed: it is named with its
    reason, and what was not reached.
    """
    from totara_infra.delivery.approval import Approval
    from totara_infra.delivery.deployment import Deployment
    from totara_infra.local.interruption import told
    from totara_infra.recovery.scenarios import counted

    approval = Approval(approved_digest, back_from, exception)
    words = f"{environment}{' --rehearse' if rehearse else ''}"
    with told(f"Nothing was changed yet. Run `totara up {words}` to begin again."):
        deployment = Deployment.open(
            environment,
            rehearse,
            say=_say,
            policies=policies,
            approval=approval,
            further=[counted],
        )
        deployment.guard(force_redeploy or [], say=_say)
    report = deployment.up(parallel, allow_delete or [], refresh)
    for line in deployment.report_lines(report, verb="there"):
        typer.echo(line)
    if not report.succeeded:
        raise typer.Exit(1)
    for line in deployment.next_steps():
        typer.echo(line)


def down(environment: EnvironmentArgument, rehearse: RehearseOption = False) -> None:
    """Stop the emulator of a local stack or rehearsal and remove its state.

    Other environments are not taken down by this command.
    """
    from totara_infra.delivery.deployment import take_down

    for line in take_down(environment, rehearse):
        typer.echo(line)


def _say(text: str) -> None:
    typer.echo(text, err=True)
