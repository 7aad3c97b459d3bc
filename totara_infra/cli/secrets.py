"""`totara secrets`: which secrets there are, how they get their values, who may read them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli import secret_rotation
from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import SecretStr

    from totara_infra.operations.checks import Result
    from totara_infra.operations.secrets.inventory import Entry, Standing

app = typer.Typer(
    name="secrets",
    help="Secrets: list, fill, check. Values go in, and no command shows one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("rotate")(secret_rotation.rotate)
PathArgument = Annotated[
    str,
    typer.Argument(metavar="PATH", help="/bank/{env}/{domain}/{name}, or what follows {env}/."),
]
RestoreOption = Annotated[
    bool,
    typer.Option("--restore", help="Bring a deleted secret back that is still in its window."),
]
FdOption = Annotated[
    int | None,
    typer.Option("--fd", metavar="N", min=3, help="Read the value from this file descriptor."),
]


@app.command("list")
def list_secrets(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show every secret of an environment and how it stands in AWS. Never a value."""
    from datetime import UTC, datetime

    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.inventory import entries, standings

    blueprint, live = live_context(environment, rehearse)
    chosen = list(entries(blueprint).values())
    found = standings(live, chosen, blueprint.scope.env, datetime.now(UTC))
    if form is Format.JSON:
        print_json([_data(s) for s in found])
        return
    print_table(
        ("path", "state", "required for", "content", "source", "readers", "key", "rotation", "law"),
        [_row(s) for s in found],
    )
    typer.echo()
    counts: dict[str, int] = {}
    for standing in found:
        counts[standing.state.value] = counts.get(standing.state.value, 0) + 1
    typer.echo(f"{len(found)} secrets: {', '.join(f'{n} {s}' for s, n in counts.items())}.")


def _words(names: Iterable[str]) -> str:
    return ", ".join(names) or "-"


def _required_for(entry: Entry) -> list[str]:
    return list(entry.tenants) if entry.secret.required else []


def _row(standing: Standing) -> tuple[str, ...]:
    secret = standing.entry.secret
    days = f" {secret.rotation_days} days" if secret.rotation_days else ""
    return (
        standing.entry.path,
        standing.state.value,
        _words(_required_for(standing.entry)),
        secret.content,
        _words(secret.writers),
        secret.readers if isinstance(secret.readers, str) else _words(secret.readers),
        secret.key_class.value,
        f"{secret.rotation}{days}",
        secret.jurisdiction.value if secret.jurisdiction else "-",
    )


def _data(standing: Standing) -> dict[str, Any]:
    entry, secret = standing.entry, standing.entry.secret
    return {
        "path": entry.path,
        "module": entry.module,
        "state": standing.state.value,
        "required_for": _required_for(entry),
        "content": secret.content,
        "format": secret.format.value,
        "source": secret.writers,
        "readers": secret.readers,
        "key_class": secret.key_class.value,
        "rotation": secret.rotation.value,
        "rotation_days": secret.rotation_days,
        "jurisdiction": secret.jurisdiction.value if secret.jurisdiction else None,
        "provenance": secret.provenance.value,
        "why": secret.why,
        "changed": standing.changed.isoformat() if standing.changed else None,
        "due": standing.due.isoformat() if standing.due else None,
        "gone_on": standing.goes.isoformat() if standing.goes else None,
    }


@app.command()
def put(
    environment: EnvironmentArgument,
    path: PathArgument,
    misplaced: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    rehearse: RehearseOption = False,
    fd: FdOption = None,
    restore: RestoreOption = False,
) -> None:
    """Store a value: from a hidden prompt, standard input or --fd N, never an argument.

    Its format is checked first. One line break at the end is not part of the value.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.model.problems import UsageError
    from totara_infra.operations.secrets.filling import put, require_place, standing_of
    from totara_infra.operations.secrets.inventory import entry_at

    if misplaced:
        # Not left to the parser, whose error would repeat it.
        raise UsageError(
            "A value never comes as an argument: the shell's history and the list of processes "
            "would keep it. Pipe it in, use --fd, or wait for the prompt. What was given here is "
            "known to both now, so replace it."
        )
    blueprint, live = live_context(environment, rehearse)
    entry = entry_at(blueprint, path)
    # Nobody should be asked for a value that can't be stored.
    require_place(blueprint, standing_of(live, blueprint, entry), restore)
    value = _value(entry, fd)
    for line in put(live, blueprint, entry, value, restore=restore):
        typer.echo(line)


def _value(entry: Entry, fd: int | None) -> SecretStr:
    from pydantic import SecretStr

    from totara_infra.model.problems import UsageError
    from totara_infra.model.redaction import keep_secret
    from totara_infra.model.vocabulary import SecretFormat
    from totara_infra.operations.secrets.importing import decoded

    if fd is not None:
        try:
            with os.fdopen(fd, "rb") as source:
                content = source.read()
        except OSError as error:
            raise UsageError(
                f"File descriptor {fd} can't be read: {error.strerror}. The shell opens one with "
                f"`{fd}<FILE` or `{fd}< <(COMMAND)`."
            ) from None
    elif not sys.stdin.isatty():
        content = sys.stdin.buffer.read()
    else:
        if entry.secret.format is SecretFormat.PRIVATE_KEY_PEM:
            raise UsageError(
                "A private key has many lines, and a prompt takes one. Pipe it in: "
                f"totara secrets put … {entry.path} < KEY.pem"
            )
        return _prompted(entry)
    text = decoded(content, "the value").removesuffix("\n").removesuffix("\r")
    keep_secret(text, entry.path)
    return SecretStr(text)


def _prompted(entry: Entry) -> SecretStr:
    from getpass import getpass

    from pydantic import SecretStr

    from totara_infra.model.problems import UsageError
    from totara_infra.model.redaction import keep_secret

    try:
        first = getpass(f"{entry.secret.content} ({entry.secret.format}), not shown: ")
        keep_secret(first, entry.path)
        again = getpass("Once more: ")
        keep_secret(again, entry.path)
    except EOFError:
        raise UsageError("Nothing was given, nothing was changed.") from None
    if first != again:
        raise UsageError("The two are not the same; nothing was changed.")
    return SecretStr(first)


@app.command()
def generate(
    environment: EnvironmentArgument,
    path: PathArgument,
    rehearse: RehearseOption = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where there is a value already.")
    ] = False,
    restore: RestoreOption = False,
) -> None:
    """Make a new signing key or HMAC key and store it.

    Prints what was done to standard error, and of a key pair the public half to standard output.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.filling import generate
    from totara_infra.operations.secrets.inventory import entry_at

    blueprint, live = live_context(environment, rehearse)
    entry = entry_at(blueprint, path)
    done, public = generate(live, blueprint, entry, replace=replace, restore=restore)
    for line in done:
        typer.echo(line, err=True)
    if public is not None:
        typer.echo(public, nl=False)


@app.command()
def seed(environment: EnvironmentArgument, rehearse: RehearseOption = False) -> None:
    """Fill what is empty with throwaway values. Only local and rehearsals."""
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.filling import seed

    blueprint, live = live_context(environment, rehearse)
    for line in seed(live, blueprint):
        typer.echo(line)


@app.command()
def schedule(environment: EnvironmentArgument, rehearse: RehearseOption = False) -> None:
    """Attach rotation to every filled secret that should have it, once MOD-045 is deployed."""
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.filling import attach_all

    blueprint, live = live_context(environment, rehearse)
    for line in attach_all(live, blueprint):
        typer.echo(line)


@app.command()
def move(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be copied.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Copy values between the old and the new path of secrets that have `previously:`.

    The newer value wins, so the same command serves the way back. No value is shown.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.moving import move

    blueprint, live = live_context(environment, rehearse)
    moved = list(move(live, blueprint, dry_run=dry_run))
    if form is Format.JSON:
        print_json([{"from": m.before, "to": m.path, "outcome": m.outcome.value} for m in moved])
        return
    print_table(
        ("old path", "new path", "would be" if dry_run else "value"),
        [(m.before, m.path, m.outcome.value) for m in moved],
    )


@app.command("import")
def import_file(
    environment: EnvironmentArgument,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="YAML or JSON of path to value; `-` is a pipe.")
    ],
    rehearse: RehearseOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would be done.")
    ] = False,
    restore: RestoreOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Fill many secrets from one file. All is checked before anything is written.

    Values that are there already are skipped, so an import that was interrupted goes on.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.secrets.importing import (
        carried_out,
        decoded,
        file_warning,
        planned,
        read_file,
        read_values,
    )

    blueprint, live = live_context(environment, rehearse)
    if file == "-":
        text = decoded(sys.stdin.buffer.read(), "standard input")
    else:
        text = read_file(Path(file))
        if (warning := file_warning(Path(file))) is not None:
            typer.echo(warning, err=True)
    values = read_values(text, "standard input" if file == "-" else file, blueprint)
    steps = planned(live, blueprint, values, restore=restore)
    if not dry_run:
        for line in carried_out(live, blueprint, steps):
            typer.echo(line, err=form is Format.JSON)
    if form is Format.JSON:
        print_json([{"path": s.path, "action": s.action.value} for s in steps])
    elif dry_run:
        print_table(("path", "would be done"), [(s.path, s.action.value) for s in steps])
        typer.echo("Nothing was changed.")


@app.command()
def check(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check that all are there, filled, fresh, tagged, encrypted, and who may read them.

    Exit 1 when a check failed.
    """
    from datetime import UTC, datetime

    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.checks import Outcome
    from totara_infra.operations.secrets.audit import audit

    blueprint, live = live_context(environment, rehearse)
    results = audit(live, blueprint, datetime.now(UTC))
    failures = [r for r in results if r.outcome is Outcome.FAILED]
    if form is Format.JSON:
        print_json([_result(r) for r in results])
    else:
        for result in failures:
            typer.echo(f"{result.check}: {result}")
        skipped = {r.fix: 0 for r in results if r.outcome is Outcome.SKIPPED}
        for result in results:
            if result.outcome is Outcome.SKIPPED:
                skipped[result.fix] += 1
        for why, number in skipped.items():
            typer.echo(f"skipped {number}: {why}")
        good = sum(r.outcome is Outcome.PASSED for r in results)
        typer.echo(
            f"{good} checks passed, {len(failures)} failed, {sum(skipped.values())} skipped."
        )
    if failures:
        raise typer.Exit(1)


def _result(result: Result) -> dict[str, str]:
    return {
        "check": result.check,
        "subject": result.subject,
        "outcome": result.outcome.value,
        "expected": result.expected,
        "found": result.found,
        "fix": result.fix,
    }
