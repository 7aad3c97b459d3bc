"""`totara fleet`: what a change means for all stacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.output import (
    Format,
    FormatOption,
    StepOutputOption,
    append_text,
    print_json,
    print_table,
    write_step_output,
)

if TYPE_CHECKING:
    from totara_infra.delivery.fleet import Affected

_SUMMARY_REASONS = 5

app = typer.Typer(help="All stacks at once: the environments' and the isolated clients'.")


@app.command("list")
def list_stacks(step_output: StepOutputOption = None, form: FormatOption = Format.TABLE) -> None:
    """List every stack but `local`. With --step-output the value `matrix` is appended to a file."""
    import json

    from totara_infra.delivery.fleet import fleet

    entries = [{"stack": name, "environment": environment} for name, environment in fleet()]
    if step_output is not None:
        write_step_output(step_output, matrix=json.dumps({"include": entries}))
    if form is Format.JSON:
        print_json({"include": entries})
        return
    print_table(
        ("stack", "environment"),
        [(entry["stack"], entry["environment"]) for entry in entries],
        f"{len(entries)} stacks",
    )


@app.command()
def plan(
    since: Annotated[
        str | None, typer.Option(metavar="REF", help="A git revision to compare with.")
    ] = None,
    release: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Instead: compare with the release before this one."),
    ] = None,
    environment: Annotated[
        list[str] | None,
        typer.Option(
            "--env", metavar="ENV", help="Only stacks of this environment; may be repeated."
        ),
    ] = None,
    digests: Annotated[
        bool, typer.Option("--digests", help="With the digest of each plan, to be approved.")
    ] = False,
    step_output: StepOutputOption = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Also append it as Markdown."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show which stacks a change affects, and why. Changes nothing.

    As JSON it is what `strategy.matrix` of GitHub Actions takes: one entry a stack. With
    --step-output the values `matrix` and `affected` (true or false) are appended to a file.
    """
    import json

    from totara_infra.delivery.fleet import affected_stacks
    from totara_infra.delivery.release import release_before
    from totara_infra.model.problems import UsageError
    from totara_infra.model.stack import environment_named

    if (since is None) is (release is None):
        raise UsageError("Say what to compare with: one of --since REF and --release TAG.")
    before = since if release is None else release_before(release)
    environments = [environment_named(name) for name in environment or []]
    found = affected_stacks(before, environments, digests=digests)
    if step_output is not None:
        write_step_output(
            step_output,
            matrix=json.dumps({"include": [a.matrix_entry for a in found]}),
            affected="true" if found else "false",
        )
    if summary is not None:
        lines = [line for affected in found for line in _summary_lines(affected)]
        append_text(summary, "\n".join([f"### {len(found)} stacks are affected\n", *lines, "\n"]))
    if form is Format.JSON:
        print_json({"include": [a.as_data() for a in found]})
        return
    print_table(
        ("stack", "environment", "why", *(["digest"] if digests else [])),
        [
            (a.stack, a.environment, reason, *([a.digest] if digests else []))
            for a in found
            for reason in a.reasons
        ],
        f"{len(found)} stacks are affected by what has changed since "
        f"{before or 'nothing: it is the first release'}",
    )


def _summary_lines(affected: Affected) -> Iterator[str]:
    """A stack and the strongest reasons why it is affected: a comment has to stay short."""
    yield f"* `{affected.stack}`"
    yield from (f"  * {reason}" for reason in affected.reasons[:_SUMMARY_REASONS])
    if (left := len(affected.reasons) - _SUMMARY_REASONS) > 0:
        yield f"  * … and {left} more: `totara fleet plan --since`"
