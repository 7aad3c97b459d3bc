"""`totara validate`, `totara schemas`, `totara coverage`: the catalogue's own checks and files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.output import Format, FormatOption, print_json
from totara_infra.cli.plan import print_moves

if TYPE_CHECKING:
    from totara_infra.blueprint.moves import Move
    from totara_infra.model.problems import Problem

DirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--catalogue",
        help="Another catalogue folder than the packaged one.",
        file_okay=False,
    ),
]


def validate(
    directory: DirectoryOption = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Tell moves and renames by a git revision."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check everything that people write, against its rules and AWS's own limits.

    Catalogue, tenants, stacks, prices, coverage and the release calendar: every problem at once,
    with file, line and fix. Also says what was moved or renamed since the last update that this
    machine knows of, or since a git revision, and what to write about it. Exit 2 if there is any
    problem.
    """
    summary, problems, notes = _found(directory)
    moved = {} if problems or directory is not None else _moves(since)
    if form is Format.JSON:
        from dataclasses import asdict

        listed = {"problems": [asdict(p) for p in problems], "notes": [asdict(n) for n in notes]}
        moves = {stack: [asdict(m) for m in of_stack] for stack, of_stack in moved.items()}
        print_json({**listed, "moves": moves, "summary": dict(summary)})
    else:
        for problem in problems:
            typer.echo(str(problem), err=True)
        for note in notes:
            typer.echo(f"Note: {note}", err=True)
        if problems:
            count = len(problems)
            typer.echo(f"{count} problem{'s' if count > 1 else ''}.", err=True)
        else:
            typer.echo(", ".join(f"{n} {what}" for what, n in summary.items()) + ": no problems.")
        for stack, of_stack in moved.items():
            print_moves(of_stack, f"of {stack} since {since or 'its last update'}")
    if problems:
        raise typer.Exit(2)


def _moves(since: str | None) -> dict[str, list[Move]]:
    """What was moved or renamed, for each stack where something was."""
    from totara_infra.local import stack_state
    from totara_infra.local.project import project_root
    from totara_infra.model.stack import known_stacks

    stacks = [
        stack
        for stack in known_stacks(project_root())
        if since is not None
        or (stack_state.own_backend() and stack_state.state_file(stack) is not None)
    ]
    if not stacks:
        # What plans takes longer to import than the rest of a validation that is recalled.
        return {}
    from totara_infra.blueprint.moves import moves, planned
    from totara_infra.cli.context import load
    from totara_infra.delivery.applied import NotToldError, moves_since_update
    from totara_infra.delivery.revision import blueprint_at

    found = {}
    for stack in stacks:
        if since is not None:
            before = planned(blueprint_at(since, stack))
            moved = moves(before, load(stack).blueprint())
        else:
            try:
                moved = moves_since_update(load(stack).blueprint(), stack)
            except NotToldError:
                # What is wrong with a state is no fault of the files; `totara state status` says.
                continue
        if moved:
            found[stack] = moved
    return found


def _found(
    directory: Path | None,
) -> tuple[Mapping[str, int], Sequence[Problem], Sequence[Problem]]:
    """Summary, problems and notes of another catalogue folder, or of the project."""
    from totara_infra.delivery.validated import fingerprint, recall
    from totara_infra.model.problems import Problem

    now = fingerprint() if directory is None else ""
    if directory is None and (known := recall([_SCENARIOS], now)) is not None:
        # What reads the files takes longer to import than the record to compare.
        return known["summary"], (), [Problem(**note) for note in known["notes"]]
    from totara_infra.delivery.validation import validate_all, validated_anew
    from totara_infra.recovery.scenarios import counted

    if directory is None:
        found = validated_anew(now, [counted])
    else:
        found = validate_all(directory, [counted])
    return found.summary, found.problems, found.notes


_SCENARIOS = "totara_infra.recovery.scenarios.counted"


def schemas(
    directory: Annotated[
        Path | None, typer.Argument(help="Folder; the project's by default.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is out of date.")
    ] = False,
) -> None:
    """Write the JSON Schemas with which editors complete and check the YAML files."""
    from totara_infra.local.project import project_root
    from totara_infra.model.schemas import json_schemas

    target = directory or project_root() / "schemas"
    stale = []
    for name, schema in json_schemas().items():
        path = target / name
        text = json.dumps(schema, indent=2, sort_keys=True) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                target.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if check and stale:
        typer.echo(f"Out of date: {', '.join(stale)}. Run `totara schemas`.", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"{len(stale)} schemas written." if stale and not check else "Schemas are up to date."
    )


def coverage(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the page is out of date.")
    ] = False,
) -> None:
    """Write docs/coverage.md: each name and figure of the reference and what became of it."""
    from totara_infra.local.project import project_root
    from totara_infra.model.coverage import coverage_page
    from totara_infra.resolver import load_catalogue

    path = project_root() / "docs" / "coverage.md"
    text = coverage_page(load_catalogue().catalogue)
    current = path.read_text(encoding="utf-8") if path.is_file() else ""
    if check and current != text:
        typer.echo("docs/coverage.md is out of date. Run `totara coverage`.", err=True)
        raise typer.Exit(1)
    if current != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    typer.echo(f"docs/coverage.md {'is up to date' if current == text else 'written'}.")
