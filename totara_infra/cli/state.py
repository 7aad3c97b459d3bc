"""`totara state`: how it stands with the engine's state of a stack, and making a lost one again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.delivery.state.rebuild import Rebuilt

app = typer.Typer(
    help="The engine's state of a stack: who holds it, and a lost one made again.",
    no_args_is_help=True,
)
_SHOWN = 10


@app.command()
def status(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say who holds a stack, what the last update left unfinished, and how to mend it.

    The ids in the state are held against what is live, and the older copies counted. Exit 1 when an
    update can't run now: a lock, operations that nobody finished, a damaged state or another one
    than what is live.
    """
    from totara_infra.delivery.stacks import engine_stack
    from totara_infra.delivery.state.status import compared_status

    found = compared_status(environment, engine_stack(environment, rehearse), rehearse)
    if form is Format.JSON:
        print_json(found.as_data())
    else:
        typer.echo(found.sentence())
        for fault in found.faults():
            typer.echo(fault)
        if found.sound:
            typer.echo("Nobody holds it, and nothing was left unfinished.")
        for note in found.notes():
            typer.echo(note)
    if not found.sound:
        raise typer.Exit(1)


@app.command()
def rebuild(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    take: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ID", help="Where there are several of a resource in AWS: the one in use."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be imported; change nothing.")
    ] = False,
    empty: Annotated[
        bool,
        typer.Option(
            "--empty",
            help="Nothing of the environment is live any more: put an empty state in place of the "
            "old one.",
        ),
    ] = False,
    lift_locks: Annotated[
        bool,
        typer.Option(
            "--lift-locks",
            help="Lift locks of other machines too: only when nobody works on the stack.",
        ),
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Make a lost or damaged state again from the blueprint and what is live in AWS.

    Changes nothing in AWS. The old state is kept beside the new one. Exit 1 when there are several
    of a resource, something can't be read or nothing is live; then nothing is written.
    """
    from totara_infra.delivery.state.rebuild import rebuild_state
    from totara_infra.model.problems import UsageError

    choices = {}
    for choice in take or []:
        name, equals, identifier = choice.partition("=")
        if not (name and equals and identifier):
            raise UsageError(f"--take {choice}: write NAME=ID, such as user_pool/staff=POOL_ID.")
        choices[name] = identifier
    result = rebuild_state(
        environment, rehearse, choices, dry_run=dry_run, empty=empty, lift_locks=lift_locks
    )
    if form is Format.JSON:
        print_json(result.as_data())
    else:
        _print(result, dry_run)
    if not result.succeeded:
        raise typer.Exit(1)


def _print(result: Rebuilt, dry_run: bool) -> None:
    if dry_run:
        print_table(("resource", "id"), sorted(result.found.items()))
    for problem in (*result.ambiguous, *(f"can't be read: {n}" for n in result.not_read)):
        typer.echo(problem)
    for name in result.absent[:_SHOWN]:
        typer.echo(f"not there: {name}; the next `up` makes it")
    if len(result.absent) > _SHOWN:
        typer.echo(f"  and {len(result.absent) - _SHOWN} more that are not there")
    for kind, names in result.changes.items():
        for name in names:
            typer.echo(f"not as declared: {name}; the next `up` will {kind} it")
    counts = (
        f"{len(result.found)} resources found, {len(result.absent)} not there, "
        f"{len(result.ambiguous)} there more than once"
    )
    if result.written:
        empty = "" if result.found else " It is empty: nothing of the environment is live."
        typer.echo(f"The state of stack {result.stack} was made again: {counts}.{empty}")
        if result.backup:
            typer.echo(f"The old one is kept: {result.backup}")
    elif dry_run and result.succeeded:
        typer.echo(f"Stack {result.stack}: {counts}. Nothing was changed.")
    else:
        typer.echo(f"Stack {result.stack}: {counts}. No state was written.")
