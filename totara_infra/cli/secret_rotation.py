"""`totara secrets rotate`: new values, in an order in which nothing that is valid fails."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from totara_infra.blueprint import Blueprint
    from totara_infra.operations.secrets.rotation import Step


def rotate(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Every secret.")] = False,
    domain: Annotated[
        str | None, typer.Option(metavar="SDnn", help="The secrets in the path of a domain.")
    ] = None,
    path: Annotated[str | None, typer.Option(metavar="PATH", help="One secret.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show order, reason and who restarts; change nothing.")
    ] = False,
    compromised: Annotated[
        bool,
        typer.Option(
            "--compromised", help="Others know the values: give them up at once. Tokens die."
        ),
    ] = False,
    handed_over: Annotated[
        bool,
        typer.Option("--handed-over", help="With --path: the other side has the next key; use it."),
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="What has been changed after this moment is done."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Replace secrets: what we make, what a function makes, and what people have to do.

    In the order in which the modules go up. Signing keys change without a valid token failing;
    the command waits for that, and goes on where it was interrupted. Exit 1 when a step failed or
    was refused.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.model.problems import UsageError
    from totara_infra.operations.secrets.inventory import entry_at
    from totara_infra.operations.secrets.rotation import (
        Options,
        Outcome,
        Step,
        carried_out,
        moment_of,
        planned,
        select,
    )

    if handed_over and (path is None or compromised):
        raise UsageError("--handed-over is said of one key, with --path, and not of a leaked one.")
    options = Options(compromised, handed_over, moment_of(since) if since else None)
    blueprint, live = live_context(environment, rehearse)
    one = entry_at(blueprint, path) if path is not None else None
    chosen = select(blueprint, everything=everything, domain=domain, path=one)
    steps = planned(live, blueprint, chosen, options)
    if not dry_run:
        ended = []
        for said in carried_out(live, blueprint, steps, options):
            if isinstance(said, Step):
                ended.append(said)
            else:
                typer.echo(said, err=True)
        steps = ended
    if form is Format.JSON:
        print_json([_data(number, step) for number, step in enumerate(steps, start=1)])
    else:
        _print(blueprint, steps)
        if dry_run:
            typer.echo("Nothing was changed.")
    if any(s.outcome in (Outcome.FAILED, Outcome.REFUSED) for s in steps):
        raise typer.Exit(1)


def _print(blueprint: Blueprint, steps: Sequence[Step]) -> None:
    from totara_infra.operations.secrets.rotation import Outcome

    print_table(
        ("", "path", "way", "outcome", "restart", "why here", "what"),
        [
            (
                number,
                step.entry.path,
                step.way.value,
                step.outcome.value,
                _restart(step),
                step.why,
                " ".join(step.what.split()),
            )
            for number, step in enumerate(steps, start=1)
        ],
    )
    for step in steps:
        if step.public_key is not None:
            typer.echo(f"\nPublic half of {step.entry.path}:\n{step.public_key}", nl=False)
    counts = Counter(step.outcome.value for step in steps)
    typer.echo()
    typer.echo(f"{len(steps)} steps: {', '.join(f'{n} {o}' for o, n in counts.items())}.")
    restarting = {m for s in steps if s.outcome is not Outcome.DONE for m in s.restart}
    if restarting:
        typer.echo("To restart, each once what it reads is new, in this order:")
    for phase in blueprint.sequence.phases:
        modules = [m for m in phase.modules if m in restarting]
        if modules:
            typer.echo(f"  phase {phase.id}: {' '.join(modules)}")


def _restart(step: Step) -> str:
    """The readers as the catalogue names them: a domain is shorter than its modules."""
    readers = step.entry.secret.readers
    if not step.restart:
        return "-"
    return readers if isinstance(readers, str) else " ".join(readers)


def _data(number: int, step: Step) -> dict[str, Any]:
    return {
        "order": number,
        "path": step.entry.path,
        "module": step.entry.module,
        "way": step.way.value,
        "outcome": step.outcome.value,
        "what": step.what,
        "why": step.why,
        "restart": list(step.restart),
        "public_key": step.public_key,
    }
