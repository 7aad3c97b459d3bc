"""`totara drift`: what differs between the live environment and the blueprint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, say_who_is_updating
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table


def drift(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Also write the result as Markdown, for the page of a scheduled run.",
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare live AWS with the blueprint, without state or engine. Changes nothing.

    Names what is missing, changed or unexpected, who wrote it last where CloudTrail knows, and the
    way back. Exit 1 when something has drifted or could not be looked at.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.model.problems import UsageError
    from totara_infra.model.redaction import redacted
    from totara_infra.operations.drift import find_drift

    if summary is not None and not summary.absolute().parent.is_dir():
        raise UsageError(f"The folder of `{summary}` does not exist. Make it first.")
    say_who_is_updating(environment, rehearse)
    blueprint, live = live_context(environment, rehearse)
    report = find_drift(live, blueprint, live.settings.stack)
    if summary is not None:
        summary.write_text(redacted(report.markdown()), encoding="utf-8")
    if form is Format.JSON:
        print_json(report.as_data())
    else:
        if report.drifts:
            columns = ("what", "resource", "property", "expected", "found", "last write")
            print_table(columns, report.rows())
            typer.echo("\nThe way back:")
            for text in dict.fromkeys(d.way_back for d in report.drifts):
                typer.echo(f"  {text}")
        for entry in report.not_read:
            typer.echo(f"not looked at: {entry.subject} ({entry.count}): {entry.reason}")
        typer.echo(report.sentence())
    if not report.clean:
        raise typer.Exit(1)
