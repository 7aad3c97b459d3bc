"""`totara docs`: the documentation site."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from totara_infra.documentation.site import Built

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The documentation as a site: operations pages from the catalogue, guides, decisions.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

OutputOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the site goes: a new folder or an earlier site.  [default: build/site]",
    ),
]


@app.command("build")
def build(
    output: OutputOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Write nothing if a link leads nowhere.")
    ] = False,
) -> None:
    """Build the site. Nothing in it is loaded from elsewhere, and no secret's value is in it.

    Links that lead nowhere are warned of; with --strict they end the build with exit code 1.
    """
    built = _build(output, strict)
    typer.echo(f"{built.pages} pages in {built.folder}. Open index.html there, or, with a search,")
    typer.echo("run `totara docs serve`.")


@app.command("serve")
def serve(
    output: OutputOption = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8000,
) -> None:
    """Build the site and show it on 127.0.0.1, until Ctrl+C."""
    from totara_infra.documentation.server import serving

    folder = _folder(output)
    # The port first: it would be a pity to wait for a site that can't be shown.
    with serving(folder, port) as address, suppress(KeyboardInterrupt):
        built = _build(output, strict=False)
        typer.echo(f"{built.pages} pages at {address.url} until Ctrl+C.")
        address.wait()


def _folder(output: Path | None) -> Path:
    from totara_infra.local.project import project_root

    return (output or project_root() / "build" / "site").absolute()


def _build(output: Path | None, strict: bool) -> Built:
    from totara_infra.documentation.site import build as build_site
    from totara_infra.local.progress import step
    from totara_infra.local.project import project_root

    with step("Building the site", "about 10 s"):
        built = build_site(project_root(), _folder(output), strict)
    for warning in built.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    return built
