"""`totara provision`: the playbook from nothing to a client that is live."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.customer import TenantArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.delivery.runbooks import Finding
    from totara_infra.model.provisioning import Deployment
    from totara_infra.model.runbook import StepRecord
    from totara_infra.provisioning.playbook import Playbook

AssumeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--assume",
        metavar="STEP=REASON",
        help="Go on without the proof of a step, and keep the reason; may be given several times.",
    ),
]


DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Print the plan and how each proof stands.")
]
AssumePeopleOption = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Assume every step that people take; throwaway only."),
]
RecordOption = Annotated[
    Path | None,
    typer.Option(
        "--evidence",
        metavar="FILE",
        dir_okay=False,
        help="Write a record of all that was tried: a new file.",
    ),
]


def provision(
    tenant: TenantArgument,
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    dry_run: DryRunOption = False,
    assume: AssumeOption = None,
    assume_people: AssumePeopleOption = None,
    first: Annotated[
        bool | None,
        typer.Option(
            "--first/--later",
            help="Whether the environment itself comes about; told by the stack's list unless "
            "given.",
        ),
    ] = None,
    evidence: RecordOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring a client up, from nothing to its first customer; again and again, until all is proved.

    What is done already is proved and left alone, so an interrupted run goes on where it stopped.
    Exit 1 while somebody has to do something: it is named, with instructions.
    """
    from totara_infra.provisioning.playbook import Playbook, Way

    _require_new(evidence)
    playbook = Playbook.open(Way.PROVISION, tenant, environment, rehearse, _deployment(first))
    _follow(playbook, dry_run, assume, assume_people, evidence, form)


def decommission(
    tenant: TenantArgument,
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    dry_run: DryRunOption = False,
    assume: AssumeOption = None,
    assume_people: AssumePeopleOption = None,
    evidence: RecordOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Take a client out: signed out, handed over, closed, with what must be kept for years.

    Statuses are changed by reviewed edits, so it stops for them. Exit 1 while somebody has to do
    something: it is named, with instructions.
    """
    from totara_infra.provisioning.playbook import Playbook, Way

    _require_new(evidence)
    playbook = Playbook.open(Way.DECOMMISSION, tenant, environment, rehearse)
    _follow(playbook, dry_run, assume, assume_people, evidence, form)


def _require_new(evidence: Path | None) -> None:
    from totara_infra.delivery.verification import require_new_file

    if evidence is not None:
        require_new_file(evidence)


def _follow(
    playbook: Playbook,
    dry_run: bool,
    assume: list[str] | None,
    assume_people: str | None,
    evidence: Path | None,
    form: Format,
) -> None:
    from totara_infra.delivery.verification import write_record
    from totara_infra.local.interruption import told
    from totara_infra.provisioning.playbook import unfinished

    assumed = playbook.assumptions(_assumed(assume or []), assume_people)
    if dry_run:
        _print_plan(playbook, form)
        return
    # Between two steps as well: each is whole by itself.
    with told("Every step that was taken is in the journal. Run the same command again to go on."):
        records = playbook.take(assumed, lambda line: typer.echo(line, err=True))
    if form is Format.JSON:
        print_json([r.model_dump(mode="json") for r in records])
    else:
        _print_run(playbook, records)
    if evidence is not None:
        record = playbook.evidence()
        write_record(record, evidence)
        typer.echo(f"Evidence: {evidence}, {record['digest']}", err=form is Format.JSON)
    if unfinished(records):
        raise typer.Exit(1)


def _deployment(first: bool | None) -> Deployment | None:
    from totara_infra.model.provisioning import Deployment

    if first is None:
        return None
    return Deployment.FIRST if first else Deployment.LATER


def _assumed(texts: list[str]) -> dict[str, str]:
    from totara_infra.model.problems import UsageError

    found: dict[str, str] = {}
    for text in texts:
        step, equals, reason = text.partition("=")
        if not (step.strip() and equals and reason.strip()):
            raise UsageError(
                f"--assume {text}: the reason is missing, and a regulator will ask for it. Write "
                'STEP=REASON, such as --assume snowflake-account="the contract is signed".'
            )
        found[step.strip()] = reason.strip()
    return found


def _print_plan(playbook: Playbook, form: Format) -> None:
    state = playbook.state()
    if form is Format.JSON:
        print_json(playbook.as_data(state))
        return
    by_part: dict[str, list[int]] = {}
    for number, step in enumerate(playbook.steps):
        by_part.setdefault(step.part.value, []).append(number)
    for part, numbers in by_part.items():
        rows = [_row(playbook, number, state[number]) for number in numbers]
        print_table(("step", "who", "minutes", "needs", "signal", "now", "found"), rows, f"{part}:")
        typer.echo()
    for entry in playbook.left_out:
        typer.echo(f"not {entry.step.id}: {entry.reason}")
    path = " -> ".join(step.id for step in playbook.longest)
    told, situation = "", playbook.situation
    if playbook.published_hours is not None:
        least, most = playbook.published_hours
        told = f"; published are {least:g} to {most:g} h"
    typer.echo(
        f"\n{situation.tenant.client_id} is {situation.why_deployment}.\n"
        f"Critical path: {playbook.hours:.1f} h of work ({path}){told}."
    )
    if playbook.lead_hours:
        typer.echo(f"Prerequisites take {playbook.lead_hours:.0f} h before that, waiting included.")
    typer.echo(
        f"People are at it for {playbook.hands_on_hours:.1f} h in all.\n"
        f"{sum(f.holds for f in state)} of {len(state)} steps are proved now. Nothing was changed."
    )


def _row(playbook: Playbook, number: int, finding: Finding) -> tuple[str, ...]:
    step = playbook.steps[number]
    found = finding.found.splitlines()[0]
    return (
        step.id,
        step.performer.value,
        f"{step.minutes:g}",
        ", ".join(step.needs) or "-",
        step.signal,
        "holds" if finding.holds else "not yet",
        found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…",
    )


_LONGEST = 100
"""Characters of a finding in a table."""


def _print_run(playbook: Playbook, records: list[StepRecord]) -> None:
    from totara_infra.model.runbook import StepOutcome
    from totara_infra.provisioning.playbook import unfinished

    by_id = {step.id: step for step in playbook.steps}
    print_table(
        ("step", "outcome", "minutes", "who"),
        [(r.step, r.outcome, f"{r.minutes:.1f}", by_id[r.step].performer) for r in records],
    )
    assumed = [r for r in records if r.outcome is StepOutcome.ASSUMED]
    if assumed:
        typer.echo("\nAssumed:")
        for record in assumed:
            typer.echo(f"  {record.step}: {record.assumption}")
    left = unfinished(records)
    if left:
        typer.echo("\nWaiting for:")
    for record in left:
        step = by_id[record.step]
        typer.echo(f"  {step.id} ({step.performer}): {step.title}. {record.found}")
        for number, text in enumerate(playbook.runbook.instructions(step), start=1):
            typer.echo(f"    {number}. {text}")
    minutes = sum(r.minutes for r in records)
    outcome = "not finished" if left else "complete"
    typer.echo(
        f"\n{playbook.runbook.name} in {playbook.situation.words}: {outcome} after {minutes:.1f} "
        f"min, {len(assumed)} of {len(records)} steps assumed."
    )
