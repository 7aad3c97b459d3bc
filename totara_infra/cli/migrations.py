"""`totara migrations`: check, plan, apply and undo the schema migrations of the eight databases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.migrations.evidence import Evidence
    from totara_infra.migrations.execution import Result, State, Target
    from totara_infra.migrations.flyway.client import Flyway
    from totara_infra.migrations.lint import LintReport
    from totara_infra.migrations.undo import UndoPlan
    from totara_infra.model.databases import DatabaseCatalogue
    from totara_infra.model.problems import Problem

app = typer.Typer(
    name="migrations",
    help="Schema migrations of the eight databases: check, plan, apply, undo.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


FromOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        metavar="REPO",
        help="Domain repositories or folders of migrations; the project's examples unless given. "
        "Repeat it for several.",
    ),
]
DatabaseOption = Annotated[
    list[str] | None,
    typer.Option("--database", metavar="NAME", help="Only this database. Repeat it for several."),
]
EvidenceOption = Annotated[
    Path | None,
    typer.Option(
        "--snapshot-evidence", metavar="FILE", help="Proof of a snapshot; prod asks for it."
    ),
]
WaitOption = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, help="How long to wait for somebody else who migrates."
    ),
]


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


@app.command()
def plan(
    environment: EnvironmentArgument,
    sources: FromOption = None,
    database: DatabaseOption = None,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what `apply` would do, in which order and why. Changes nothing.

    Exit 1 if something does not match, so that `apply` would refuse.
    """
    from totara_infra.migrations.execution import blocking
    from totara_infra.migrations.flyway.client import Flyway
    from totara_infra.migrations.lint import lint

    targets, databases = _targets(environment, sources, database, rehearse)
    with Flyway() as flyway:
        states = _inspected(flyway, targets)
    problems = blocking(lint(databases, [t.folder for t in targets]), states)
    if form is Format.JSON:
        from dataclasses import asdict

        print_json(
            {"databases": [s.as_data() for s in states], "problems": [asdict(p) for p in problems]}
        )
    else:
        rows = [
            (s.target.place.name, s.target.place.reason, m.version, m.script)
            for s in states
            for m in (s.inspection.pending if s.inspection else ())
        ]
        print_table(("database", "place", "version", "migration"), rows)
        for problem in problems:
            typer.echo(str(problem))
        typer.echo(
            f"{len(rows)} migrations to apply in {len({r[0] for r in rows})} of {len(states)} "
            "databases."
        )
    if _print_faults(states, form) or problems:
        raise typer.Exit(1)


@app.command()
def status(
    environment: EnvironmentArgument,
    sources: FromOption = None,
    database: DatabaseOption = None,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show how far each database is and whether it matches the files. Changes nothing.

    Exit 1 if one does not match.
    """
    from totara_infra.migrations.flyway.client import Flyway

    targets, _ = _targets(environment, sources, database, rehearse)
    with Flyway() as flyway:
        states = _inspected(flyway, targets)
    if form is Format.JSON:
        print_json([s.as_data() for s in states])
    else:
        print_table(
            ("database", "applied", "newest", "pending", "state"),
            [
                (
                    s.target.place.name,
                    len(s.applied),
                    (s.applied or ["-"])[-1],
                    len(s.pending),
                    _standing(s),
                )
                for s in states
            ],
        )
    if _print_faults(states, form):
        raise typer.Exit(1)


@app.command()
def apply(
    environment: EnvironmentArgument,
    sources: FromOption = None,
    database: DatabaseOption = None,
    evidence: EvidenceOption = None,
    wait: WaitOption = 60,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Bring the databases up to date with Flyway, in order, stopping at the first failure.

    All of them are validated before any is changed. Run again, it goes on where it stopped.
    """
    from totara_infra.local.interruption import told
    from totara_infra.migrations.execution import (
        apply,
        blocking,
        require_snapshot,
        require_sound,
    )
    from totara_infra.migrations.flyway.client import Flyway
    from totara_infra.migrations.lint import lint
    from totara_infra.migrations.progress import Progress

    targets, databases = _targets(environment, sources, database, rehearse)
    snapshot = _snapshot(environment, evidence, [t.place.name for t in targets])
    progress = Progress("apply", _words(environment, rehearse), _say)
    note = f", snapshot {snapshot.snapshot.snapshot}" if snapshot else ""
    # Told last: until then Flyway finishes what it has begun.
    with told(progress.interrupted), Flyway(note) as flyway:
        states = _inspected(flyway, targets)
        require_sound(states, blocking(lint(databases, [t.folder for t in targets]), states))
        changing = [s for s in states if s.pending]
        require_snapshot(targets[0].environment, snapshot, changing)
        results = apply(flyway, states, wait, progress.say)
    _print_results(environment, results, snapshot, form, "applied", "apply")


@app.command()
def undo(
    environment: EnvironmentArgument,
    sources: FromOption = None,
    database: DatabaseOption = None,
    everything: Annotated[
        bool, typer.Option("--all-databases", help="Every database, the last one first.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="NNN",
            help="Version that stays as the newest; 000 undoes all. One migration unless given.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only show it.")] = False,
    evidence: EvidenceOption = None,
    wait: WaitOption = 60,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Undo migrations, newest first, each with its U file and the history in one transaction.

    Refused where history, files and database don't match, and where an append-only table has rows.
    """
    import re

    from totara_infra.local.interruption import told
    from totara_infra.migrations import undo as undoing
    from totara_infra.migrations.execution import require_snapshot
    from totara_infra.migrations.flyway.client import Flyway
    from totara_infra.migrations.lint import lint
    from totara_infra.migrations.progress import Progress
    from totara_infra.model.problems import UsageError

    if bool(database) == everything:
        raise UsageError("Say which: --database NAME (several if you like), or --all-databases.")
    if to is not None and not re.fullmatch("[0-9]{3}", to):
        raise UsageError(f"`{to}` is not a version: three digits, such as 004, or 000 for nothing.")
    targets, databases = _targets(environment, sources, database, rehearse)
    snapshot = _snapshot(environment, evidence, [t.place.name for t in targets]) if yes else None
    progress = Progress("undo", _words(environment, rehearse), _say)
    with told(progress.interrupted), Flyway() as flyway:
        plans = undoing.planned(_inspected(flyway, targets), to)
        undoing.require_harmless(lint(databases, [t.folder for t in targets]), plans)
        if not yes:
            _print_undo(plans, form)
            return
        changing = [p.state for p in plans if p.steps]
        require_snapshot(targets[0].environment, snapshot, changing)
        results = undoing.carry_out(flyway, plans, wait, progress.say)
    _print_results(environment, results, snapshot, form, "undone", "undo")


def _targets(
    environment: str, sources: list[Path] | None, chosen: list[str] | None, rehearse: bool
) -> tuple[list[Target], DatabaseCatalogue]:
    from totara_infra.delivery.stacks import live_context
    from totara_infra.local.project import project_root
    from totara_infra.migrations.execution import targets
    from totara_infra.migrations.files import find_folders
    from totara_infra.migrations.order import database_order
    from totara_infra.model.databases import read_databases
    from totara_infra.model.problems import UsageError

    blueprint, live = live_context(environment, rehearse)
    catalogue = blueprint.scope.catalogue
    databases = read_databases(catalogue)
    unknown = sorted(set(chosen or ()) - databases.by_name.keys())
    if unknown:
        raise UsageError(
            f"There is no database {', '.join(unknown)}. There are {', '.join(databases.by_name)}."
        )
    folders = find_folders(catalogue, sources or [project_root() / "migrations"])
    wanted = [f for f in folders if not chosen or f.database in chosen]
    missing = sorted(set(chosen or ()) - {f.database for f in wanted})
    if missing:
        raise UsageError(f"--from holds no migrations of {', '.join(missing)}.")
    places = database_order(catalogue, databases, blueprint.sequence)
    return targets(live, places, wanted), databases


def _inspected(flyway: Flyway, targets: list[Target]) -> list[State]:
    from totara_infra.local.progress import step
    from totara_infra.migrations.execution import inspect

    count = len(targets)
    with step(f"Validating {count} database{'s' if count > 1 else ''}", "a few seconds"):
        return inspect(flyway, targets)


def _snapshot(environment: str, file: Path | None, databases: list[str]) -> Evidence | None:
    from totara_infra.migrations.evidence import needed, read_evidence

    named = load(environment).settings.environment
    return read_evidence(file, named, databases) if needed(named) else None


def _words(environment: str, rehearse: bool) -> str:
    return f"{environment}{' --rehearse' if rehearse else ''}"


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _standing(state: State) -> str:
    if state.inspection is None:
        return "can't be looked at"
    if state.error:
        return "does not match"
    return "pending" if state.pending else "up to date"


def _print_faults(states: list[State], form: Format) -> bool:
    faulty = [s for s in states if s.error]
    for state in faulty:
        typer.echo(state.error, err=form is Format.JSON)
    return bool(faulty)


def _print_undo(plans: list[UndoPlan], form: Format) -> None:
    if form is Format.JSON:
        print_json(
            [
                {
                    "database": p.state.target.place.name,
                    "undo": [s.undo.path.name for s in p.steps],
                }
                for p in plans
            ]
        )
        return
    rows = [(p.state.target.place.name, s.version, s.undo.name) for p in plans for s in p.steps]
    print_table(("database", "version", "undo"), rows)
    typer.echo(f"{len(rows)} migrations would be undone. Nothing was changed; --yes does it.")


def _print_results(
    environment: str,
    results: list[Result],
    snapshot: Evidence | None,
    form: Format,
    done: str,
    command: str,
) -> None:
    from totara_infra.migrations.execution import Outcome

    failed = next((r for r in results if r.outcome is Outcome.FAILED), None)
    count = sum(len(r.applied) for r in results)
    if form is Format.JSON:
        print_json(
            {
                "environment": environment,
                "action": command,
                "evidence": snapshot.as_data() if snapshot else None,
                "databases": [r.as_data() for r in results],
            }
        )
    else:
        print_table(
            ("database", "outcome", f"{done} now", "left"),
            [
                (
                    r.database,
                    done if r.outcome is Outcome.APPLIED else r.outcome.value,
                    _versions(r.applied),
                    _versions(r.pending),
                )
                for r in results
            ],
        )
        typer.echo(f"{count} migrations {done}.")
    if failed is not None:
        typer.echo(failed.error, err=True)
        typer.echo(
            f"{failed.database} stopped the run. Mend that and run `totara migrations {command} "
            f"{environment}` again: it goes on where it stopped.",
            err=True,
        )
        raise typer.Exit(1)


def _versions(versions: tuple[str, ...]) -> str:
    ordered = sorted(versions)
    if not ordered:
        return "-"
    return ordered[0] if len(ordered) == 1 else f"{ordered[0]} to {ordered[-1]}"


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
