"""`totara verify`: the post-deployment checklist, and its evidence."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, say_who_is_updating
from totara_infra.cli.default_command import RunByDefault
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from totara_infra.delivery.verification import Verification
    from totara_infra.operations.checks.registry import Checked


class ReportFormat(StrEnum):
    """Form of a rendered record."""

    MARKDOWN = "markdown"
    HTML = "html"


app = typer.Typer(
    cls=RunByDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The post-deployment checklist against the live environment, and its evidence.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_QUIET_SECONDS = 2.0
"""Where there is no terminal, a run that is over by then needs no lines about its progress."""


@app.command("run")
def run(
    environment: EnvironmentArgument,
    phase: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="Only what this phase brings; may be given several times."),
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(metavar="CLIENT_ID", help="Only what this tenant needs, shared things too."),
    ] = None,
    rehearse: RehearseOption = False,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="Write a record for the regulator: a new file."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check a live environment after a deployment (the default command: `totara verify ENV`).

    The phases' gates run the same checks. Reads, and does two things more: each bus gets a probe
    event, and below prod a user is made, signed in and removed again. Exit 1 when a check failed.
    """
    from totara_infra.delivery.verification import require_new_file, verify, write_record
    from totara_infra.operations.checks.inspection import Extent

    if evidence is not None:
        require_new_file(evidence)
    extent = Extent(frozenset(phase) if phase else None, tenant)
    say_who_is_updating(environment, rehearse)
    with _Progress() as progress:
        found = verify(environment, rehearse, extent, progress.done)
    record = found.record() if evidence is not None else None
    if evidence is not None and record is not None:
        write_record(record, evidence)
    if form is Format.JSON:
        print_json(found.as_data())
    else:
        _print(found)
    if record is not None:
        typer.echo(f"Evidence: {evidence}, {record['digest']}", err=form is Format.JSON)
    if found.failures:
        raise typer.Exit(1)


def _print(found: Verification) -> None:
    from totara_infra.model.evidence import totals
    from totara_infra.model.vocabulary import Outcome

    print_table(
        ("check", "passed", "failed", "skipped"),
        [(c.check.name, *(c.number(outcome) for outcome in Outcome)) for c in found.checked],
    )
    typer.echo()
    for entry in found.checked:
        reasons: dict[tuple[str, str], list[str]] = {}
        for result in entry.results:
            if result.outcome is Outcome.FAILED:
                typer.echo(
                    f"FAILED {result.check} {result.subject}\n"
                    f"  expected {result.expected}\n  found    {result.found}\n"
                    f"  mend it  {result.fix}"
                )
            elif result.outcome is Outcome.SKIPPED:
                reasons.setdefault((result.check, result.fix), []).append(result.subject)
        for (check, why), subjects in reasons.items():
            what = subjects[0] if len(subjects) == 1 else f"{len(subjects)} times"
            typer.echo(f"skipped {check}, {what}: {why}")
    counts = totals(found.results)
    seconds = (found.finished - found.started).total_seconds()
    stack = found.blueprint.scope.settings.stack
    typer.echo(
        f"{stack}: {counts.passed} passed, {counts.failed} failed, {counts.skipped} skipped in "
        f"{seconds:.1f} s."
    )


class _Progress:
    """A bar in a terminal; elsewhere a line for each check that ends late."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._display: Progress | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> _Progress:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._display = Progress(console=Console(stderr=True), transient=True)
            self._bar = self._display.add_task("checks", total=None)
            self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._display is not None:
            self._display.stop()

    def done(self, entry: Checked, total: int) -> None:
        """A check has ended."""
        if self._display is not None and self._bar is not None:
            self._display.update(self._bar, advance=1, total=total, description=entry.check.name)
        elif time.monotonic() - self._started > _QUIET_SECONDS and entry.results:
            typer.echo(f"{entry.check.name}: {len(entry.results)} results", err=True)


@app.command("report")
def report(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Written by `totara verify ENV --evidence FILE`.")
    ],
    form: Annotated[
        ReportFormat, typer.Option("--format", help="markdown or html.")
    ] = ReportFormat.MARKDOWN,
) -> None:
    """Render evidence, after holding it against its digest.

    Exit 1 if it was altered since it was written, 2 if it is no such record.
    """
    from totara_infra.delivery.evidence_report import as_html, as_markdown, read_record

    record = read_record(file)
    text = as_html(record) if form is ReportFormat.HTML else as_markdown(record)
    typer.echo(text, nl=False)
