"""`totara activation`: which modules a tenant has, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.output import print_json, print_table

if TYPE_CHECKING:
    from totara_infra.delivery.activation_matrix import Column
    from totara_infra.model.catalogue import Catalogue

EVERY_ENVIRONMENT = "all"


class MatrixFormat(StrEnum):
    """Form of the matrix."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def activation(
    tenant: Annotated[
        str | None, typer.Option(metavar="TENANT", help="One tenant's column.")
    ] = None,
    environment: Annotated[
        str, typer.Option("--env", metavar="ENV", help="local, dev, uat, prod or all.")
    ] = "local",
    why: Annotated[
        str | None, typer.Option(metavar="MOD-NNN", help="The reasons for one module.")
    ] = None,
    form: Annotated[
        MatrixFormat, typer.Option("--format", help="Form of the output.")
    ] = MatrixFormat.TABLE,
) -> None:
    """Show for every module whether it is always on, active, off or not deployed, and why.

    Without --tenant the whole matrix: every tenant that has a file. One that no stack of the
    environment lists is shown as if it did, with a note.
    """
    from totara_infra.delivery.activation_matrix import columns, page
    from totara_infra.model.problems import UsageError
    from totara_infra.model.stack import environment_named
    from totara_infra.model.vocabulary import Environment
    from totara_infra.resolver import load_catalogue

    everywhere = environment == EVERY_ENVIRONMENT
    environments = list(Environment) if everywhere else [environment_named(environment)]
    loaded = load_catalogue()
    if why is not None and why not in loaded.catalogue.modules:
        raise UsageError(f"{why} does not exist. Module ids are MOD-NNN.")
    chosen = columns(loaded, environments, tenant)
    if form is MatrixFormat.HTML:
        typer.echo(page(loaded.catalogue, chosen, why), nl=False)
        return
    for note in dict.fromkeys(c.placement.note for c in chosen if c.placement.note):
        typer.echo(f"Note: {note}", err=True)
    if form is MatrixFormat.JSON:
        data = [column.as_data(why) for column in chosen]
        print_json(data[0] if tenant is not None and not everywhere else data)
    elif why is not None:
        for column in chosen:
            decision = column.decisions[why]
            where = f" in {column.environment}" if everywhere else ""
            typer.echo(
                f"{column.client_id}{where}: {why} is {decision.state} ({decision.provenance})."
            )
            for reason in decision.reasons:
                typer.echo(f"  {reason}")
    else:
        _print_matrix(loaded.catalogue, chosen, everywhere)


def _print_matrix(catalogue: Catalogue, chosen: list[Column], everywhere: bool) -> None:
    if len(chosen) == 1:
        decisions = chosen[0].decisions
        print_table(
            ("module", "title", "state", "reason", "provenance"),
            [
                (d.id, catalogue.modules[d.id].title, d.state, d.reasons[0], d.provenance)
                for d in decisions.values()
            ],
        )
        return
    heads = [f"{c.client_id} ({c.environment})" if everywhere else c.client_id for c in chosen]
    print_table(
        ("module", "title", *heads),
        [
            (module_id, module.title, *(c.decisions[module_id].state for c in chosen))
            for module_id, module in catalogue.modules.items()
        ],
    )
