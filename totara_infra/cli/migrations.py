"""`totara migrations`: check, plan, apply and undo the schema migrations of the eight databases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.output import print_json, print_table

if TYPE_CHECKING:
    from totara_infra.migrations.lint import LintReport
    from totara_infra.model.problems import Problem

app = typer.Typer(
    name="migrations",
    help="Schema migrations of the eight databases: check, plan, apply, undo.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class LintFormat(StrEnum):
    """Form of the result of `lint`."""

    TABLE = "table"
    JSON = "json"
    GITHUB = "github"
    """Annotations of a pull request, as GitHub Actions reads them from a step's output."""


@app.command()
def lint(
    repositories: Annotated[
        list[Path],
        typer.Argument(
            metavar="REPO…",
            help="Domain repositories (bank-core, …), folders called after a database, or folders "
            "of either.",
            show_default=False,
        ),
    ],
    form: Annotated[
        LintFormat, typer.Option("--format", help="Form of the result.")
    ] = LintFormat.TABLE,
) -> None:
    """Hold migrations against every rule: names, numbers, undo, one database, locks, lost data.

    Exit 1 if a rule is broken, 2 if there is nothing to look at.
    """
    from totara_infra.migrations.files import find_folders
    from totara_infra.migrations.lint import lint
    from totara_infra.model.databases import read_databases
    from totara_infra.resolver import load_catalogue

    catalogue = load_catalogue().catalogue
    report = lint(read_databases(catalogue), find_folders(catalogue, repositories))
    _print_lint(report, form)
    if report.problems:
        raise typer.Exit(1)


def _print_lint(report: LintReport, form: LintFormat) -> None:
    if form is LintFormat.JSON:
        from dataclasses import asdict

        print_json(
            {
                "folders": {f.database: f.name for f in report.folders},
                "files": report.files,
                "problems": [asdict(p) for p in report.problems],
            }
        )
        return
    if form is LintFormat.GITHUB:
        for problem in report.problems:
            typer.echo(_annotation(problem))
    elif report.problems:
        for problem in report.problems:
            typer.echo(str(problem))
        typer.echo()
    print_table(
        ("database", "folder", "problems"),
        [
            (f.database, f.name, sum(p.module == f.database for p in report.problems))
            for f in report.folders
        ],
    )
    count = len(report.problems)
    said = "no problems" if not count else f"{count} problem{'s' if count > 1 else ''}"
    typer.echo(f"{report.files} files: {said}.")


def _annotation(problem: Problem) -> str:
    """A workflow command; GitHub shows it at the line in the pull request."""

    def escaped(text: str, further: str = "") -> str:
        for character in f"%\r\n{further}":
            text = text.replace(character, f"%{ord(character):02X}")
        return text

    place = f"file={escaped(problem.file, ':,')}"
    if problem.line:
        place += f",line={problem.line}"
    message = f"{problem.what}\nwhy: {problem.why}\nfix: {problem.fix}"
    return f"::error {place},title={escaped(problem.rule, ':,')}::{escaped(message)}"
