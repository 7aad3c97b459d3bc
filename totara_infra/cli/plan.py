"""`totara plan`: what an environment consists of and costs, without engine, AWS or network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.output import Format, FormatOption, append_text, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.blueprint import Blueprint
    from totara_infra.blueprint.comparison import Difference
    from totara_infra.blueprint.estimate import Estimate
    from totara_infra.blueprint.moves import Move


_SUMMARY_ROWS = 100


def plan(
    environment: EnvironmentArgument,
    since: Annotated[
        str | None,
        typer.Option(metavar="REF", help="What differs from a git revision, and why."),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Also append what differs as Markdown, for a comment; needs --since.",
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the resources of an environment, the least time a first update takes, and its cost.

    With --since also what is new, changed or gone against a git revision. Moves and renames are
    told by the same revision, or else by the state of the last update, where it is on this machine.
    """
    from totara_infra.blueprint.comparison import compare
    from totara_infra.blueprint.estimate import estimate, read_prices
    from totara_infra.blueprint.moves import moves, planned
    from totara_infra.delivery.applied import NotToldError, moves_since_update

    if summary is not None and since is None:
        raise typer.BadParameter(
            "it says what differs, so it needs --since", param_hint="--summary"
        )
    blueprint = load(environment).blueprint()
    figures = estimate(blueprint, read_prices())
    differences: list[Difference] | None = None
    moved: list[Move] | None = None
    not_told = ""
    if since is not None:
        from totara_infra.delivery.revision import blueprint_at

        before = blueprint_at(since, environment)
        differences = compare(before, blueprint)
        moved = moves(planned(before), blueprint)
        if summary is not None:
            _append_summary(summary, environment, differences, moved or [])
    else:
        try:
            moved = moves_since_update(blueprint, environment)
        except NotToldError as error:
            not_told = str(error)
    if form is Format.JSON:
        _print_json(blueprint, figures, differences, moved, not_told)
    else:
        _print_tables(blueprint, figures, differences, since)
        print_moves(moved or [], f"since {since}" if since else "since the last update")
        if not_told:
            typer.echo(
                f"\nMoves and renames were not looked for: {not_told}. To see them, compare with "
                f"the revision that was applied last, a release's tag for instance:\n"
                f"    totara plan {environment} --since REF"
            )


def print_moves(moved: list[Move], since: str) -> None:
    """Print what was moved, renamed or split, what the update does, and what is missing."""
    if not moved:
        return
    typer.echo()
    print_table(
        ("what", "what the update does", "write first"),
        [(m.what, m.effect, m.write or "nothing") for m in moved],
        f"Moves and renames {since}",
    )


def _append_summary(
    path: Path, environment: str, differences: list[Difference], moved: list[Move]
) -> None:
    rows = [f"| {d.change} | {d.step} | `{d.name}` | {d.reason} |" for d in differences]
    # GitHub refuses a comment of more than 65,536 characters; three environments share one.
    left = len(rows) - _SUMMARY_ROWS
    more = [f"\n… and {left} more: `totara plan {environment} --since`"] if left > 0 else []
    head = ["| change | step | resource | why |", "| --- | --- | --- | --- |"] if rows else []
    lines = [
        f"### {environment}: {len(rows)} resources differ\n",
        *head,
        *rows[:_SUMMARY_ROWS],
        *more,
        *(f"\n**{m.what}** {m.effect}" + (f" Write {m.write}." if m.write else "") for m in moved),
    ]
    append_text(path, "\n".join(lines) + "\n\n")


def _notes(blueprint: Blueprint) -> list[str]:
    """What people must know beforehand that no figure says."""
    from totara_infra.blueprint.backup import vault_lock

    lock = vault_lock(blueprint.scope)
    if lock is None:
        return []
    return [
        f"The backup vaults are locked: {lock.changeable_for_days} days after the update nobody, "
        "AWS included, shortens or deletes what is in them, or takes the lock off. No emulator "
        "knows such locks, so a rehearsal goes without and proves nothing of them."
    ]


def _print_json(
    blueprint: Blueprint,
    figures: Estimate,
    differences: list[Difference] | None,
    moved: list[Move] | None,
    not_told: str,
) -> None:
    content = {
        "environment": blueprint.scope.env,
        "resources": figures.resources,
        "by_type": figures.by_type,
        "by_phase": figures.by_phase,
        "by_step": figures.by_step,
        "api": [
            {
                "service": load.service,
                "calls": load.calls,
                "calls_a_second": load.rate,
                "minutes": round(load.minutes, 2),
                "minutes_high_throughput": round(load.minutes_high, 2),
                "source": load.source,
            }
            for load in figures.loads
        ],
        "roll_out_minutes": round(figures.roll_out, 2),
        "minimum_minutes": round(figures.minutes, 2),
        "minimum_minutes_high_throughput": round(figures.minutes_high, 2),
        "monthly_usd_idle": round(figures.monthly, 2),
        "priced_at": figures.priced_at,
        "notes": _notes(blueprint),
    }
    # None: there is nothing to compare with, which is not the same as no move.
    content["moves"] = None if moved is None else [asdict(m) for m in moved]
    if not_told:
        content["moves_not_told"] = not_told
    if differences is not None:
        content["changes"] = [
            {
                "change": d.change.value,
                "step": d.step,
                "name": d.name,
                "type": d.type,
                "properties": list(d.properties),
                "reason": d.reason,
            }
            for d in differences
        ]
    print_json(content)


def _print_tables(
    blueprint: Blueprint,
    figures: Estimate,
    differences: list[Difference] | None,
    since: str | None,
) -> None:
    sequence = blueprint.sequence
    print_table(
        ("phase", "modules", "resources"),
        [
            (f"{p.id} {p.title}", len(p.modules), figures.by_phase.get(p.id, 0))
            for p in sequence.phases
        ],
        f"{blueprint.scope.env}: {len(sequence.modules)} modules, {figures.resources} resources",
    )
    typer.echo()
    print_table(("type", "resources"), list(figures.by_type.items()))
    typer.echo()
    print_table(
        ("service", "write calls", "calls a second", "least minutes", "why"),
        [
            (load.service, load.calls, f"{load.rate:g}", f"{load.minutes:.1f}", load.source)
            for load in figures.loads
        ],
        "API calls of a first update against AWS's quotas",
    )
    typer.echo()
    faster = (
        f", or {figures.minutes_high:.1f} with high throughput of Parameter Store switched on"
        if figures.minutes_high < figures.minutes
        else ""
    )
    typer.echo(f"A first `up` takes at least {figures.minutes:.1f} minutes{faster}.")
    if figures.roll_out:
        typer.echo(
            f"Of these, {figures.roll_out:.0f} are the roll-out of configuration, one by one. "
            "For a first `up` nothing is live yet that a slow roll-out would spare: set "
            "roll-out-minutes and roll-out-bake-minutes to 0 in the stack's file until it is up."
        )
    for note in _notes(blueprint):
        typer.echo(note)
    typer.echo(
        f"Idle it costs about {figures.monthly:.2f} US dollars a month (prices of "
        f"{figures.priced_at}; usage comes on top)."
    )
    if differences is None:
        return
    typer.echo()
    print_table(
        ("change", "step", "resource", "why"),
        [(d.change, d.step, d.name, d.reason) for d in differences],
        f"{len(differences)} resources differ from {since}",
    )
