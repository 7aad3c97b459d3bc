"""`totara fleet`: what a change means for all stacks."""

from __future__ import annotations

from typing import Annotated

import typer

from totara_infra.cli.output import (
    Format,
    FormatOption,
    StepOutputOption,
    print_json,
    print_table,
    write_step_output,
)

app = typer.Typer(help="All stacks at once: the environments' and the isolated clients'.")


@app.callback()
def _fleet() -> None:
    """Keep `plan` a subcommand."""


@app.command()
def plan(
    since: Annotated[str, typer.Option(metavar="REF", help="A git revision to compare with.")],
    environment: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="ENV", help="Only stacks of this environment; may be repeated."
        ),
    ] = None,
    step_output: StepOutputOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show which stacks a change affects, and why. Changes nothing.

    As JSON it is what `strategy.matrix` of GitHub Actions takes: one entry a stack. With
    --step-output the values `matrix` and `affected` (true or false) are appended to a file.
    """
    import json

    from totara_infra.delivery.fleet import affected_stacks
    from totara_infra.model.stack import environment_named

    found = affected_stacks(since, [environment_named(name) for name in environment or []])
    matrix = {"include": [a.as_data() for a in found]}
    if step_output is not None:
        short = {"include": [{"stack": a.stack, "environment": a.environment.value} for a in found]}
        write_step_output(
            step_output, matrix=json.dumps(short), affected="true" if found else "false"
        )
    if form is Format.JSON:
        print_json(matrix)
        return
    print_table(
        ("stack", "environment", "why"),
        [(a.stack, a.environment, r) for a in found for r in a.reasons],
        f"{len(found)} stacks are affected by what has changed since {since}",
    )
