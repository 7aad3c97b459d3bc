"""How commands print: tables in a terminal, plain aligned text elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Format(StrEnum):
    """Form of the output."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="Form of the output.")]


StepOutputOption = Annotated[
    Path | None,
    typer.Option(
        "--step-output",
        metavar="FILE",
        dir_okay=False,
        help="Also append name=value lines, as GITHUB_OUTPUT of a workflow takes them.",
    ),
]


def write_step_output(path: Path, **values: str) -> None:
    """Append values for later steps of a workflow; each is one line.

    Raises:
        UsageError: the file can't be written.
    """
    append_text(path, "".join(f"{name}={value}\n" for name, value in values.items()))


def append_text(path: Path, text: str) -> None:
    """Append to a file that others append to as well, such as a comment in the making.

    Raises:
        UsageError: the file can't be written.
    """
    from totara_infra.model.problems import UsageError
    from totara_infra.model.redaction import redacted

    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(redacted(text))
    except OSError as error:
        raise UsageError(f"`{path}` can't be written: {error.strerror}.") from None


def print_json(content: Any) -> None:
    """Print data as JSON, indented, with characters as they are."""
    from totara_infra.model.redaction import write_redacted_json

    write_redacted_json(content, sys.stdout)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
) -> None:
    """Print a table: with rules in a terminal, as aligned plain text elsewhere."""
    texts = [[str(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*columns, title=title, title_justify="left", header_style="bold")
        for row in texts:
            table.add_row(*row)
        Console().print(table)
        return
    if title:
        typer.echo(title)
    widths = [max(len(row[i]) for row in [list(columns), *texts]) for i in range(len(columns))]
    for row in [list(columns), *texts]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())
