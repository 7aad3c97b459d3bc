"""`totara claims`: the claim map, tokens held against it, the committed list of attributes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.delivery.claims import TokenReport

app = typer.Typer(
    rich_markup_mode=None,
    help="The claims of the sign-in tokens: where each comes from and who relies on it.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_LONGEST = 16_384
"""Bytes: twice what any server takes in a header."""
PoolOption = Annotated[
    str | None, typer.Option("--pool", metavar="POOL", help="customers or staff.")
]


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context, pool: PoolOption = None, form: FormatOption = Format.TABLE
) -> None:
    """Print the claim map of both pools, or of one.

    With a command: `check` holds a token against it, `lock` writes the list of attributes.
    """
    if context.invoked_subcommand is not None:
        return
    from totara_infra.delivery.claim_map import claim_map

    entries = claim_map(pool)
    if form is Format.JSON:
        print_json(entries)
        return
    print_table(
        ("claim", "pool", "tokens", "from", "read by", "written by", "relied on by", "owner"),
        [
            (
                entry["name"],
                entry["pool"],
                ", ".join(entry["tokens"]) or "none",
                entry["origin"],
                ", ".join(entry["readable_by"]),
                ", ".join(entry["writable_by"]),
                ", ".join(entry["relied_on_by"]),
                entry["owner"],
            )
            for entry in entries
        ],
        f"{len(entries)} claims",
    )


@app.command("check")
def check(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A file with an id or access token; left out or `-`, standard input. The token "
            "itself is no argument: it would stay in the shell's history and the process list.",
        ),
    ] = "-",
    pool: PoolOption = None,
    environment: Annotated[
        str | None,
        typer.Option("--env", metavar="ENV", help="Verify the signature with this one's pool."),
    ] = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="With --env: its rehearsal's pool.")
    ] = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say what a token lacks or has too much. It is sensitive: pipe it in.

    Exit 1 if anything differs from the claim map, 2 if it is no token.
    """
    from totara_infra.delivery.claims import check_token
    from totara_infra.model.problems import UsageError
    from totara_infra.model.redaction import keep_secret

    if rehearse and environment is None:
        raise UsageError("--rehearse needs --env, which says whose rehearsal.")
    token = _token(file)
    keep_secret(token)
    report = check_token(token, pool, environment, rehearse)
    if form is Format.JSON:
        print_json(report.as_data())
    else:
        _print(report)
    if report.findings:
        raise typer.Exit(1)


def _token(file: str) -> str:
    from totara_infra.model.problems import UsageError

    try:
        if file == "-":
            if sys.stdin.isatty():
                typer.echo("Paste the token and end with Ctrl-D:", err=True)
            content = sys.stdin.buffer.read(_LONGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(_LONGEST + 1)
    except (OSError, ValueError):
        # The name may be a token, so it is not repeated.
        raise UsageError(
            "The file can't be read. If you gave the token itself, pipe it in instead: arguments "
            "stay in the shell's history and show in the list of processes. Sign its user out if "
            "the token is real."
        ) from None
    if len(content) > _LONGEST:
        raise UsageError(f"A token has at most {_LONGEST:,} bytes; this is something else.")
    token = content.decode(errors="replace").strip()
    if not token:
        raise UsageError("There is no token: pipe one in, or name a file that holds one.")
    return token


def _print(report: TokenReport) -> None:
    title = f"{report.token} token of {report.pool}, signature {report.signature}"
    if not report.findings:
        typer.echo(f"{title}: as the claim map says.")
        return
    print_table(
        ("claim", "fault", "expected", "found"),
        [(f.claim, f.kind.value, f.expected, f.found) for f in report.findings],
        f"{title}: {len(report.findings)} differences",
    )


@app.command("lock")
def lock(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--catalogue", help="Another catalogue folder than the packaged one.", file_okay=False
        ),
    ] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if an attribute is missing.")
    ] = False,
) -> None:
    """Add new attributes to the committed list. It never removes or changes one: Cognito can't.

    Exit 2 if an attribute on the list went or changed.
    """
    from totara_infra.model.claim_lock import LOCK_FILE, write_lock
    from totara_infra.model.loading import CATALOGUE_DIRECTORY, read_catalogue

    added = write_lock(read_catalogue(directory or CATALOGUE_DIRECTORY), only_check=check_only)
    if added and check_only:
        typer.echo(f"Not in {LOCK_FILE}: {', '.join(added)}. Run `totara claims lock`.", err=True)
        raise typer.Exit(1)
    typer.echo(
        f"Added to {LOCK_FILE}: {', '.join(added)}. Commit it." if added else "Nothing to add."
    )
