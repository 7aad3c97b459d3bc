"""`totara activation`: which modules a tenant has, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli.context import Context, load
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.resolver import Decision


def activation(
    tenant: Annotated[
        str | None, typer.Option(metavar="CLIENT_ID", help="One tenant's column.")
    ] = None,
    environment: Annotated[
        str, typer.Option("--env", metavar="ENV", help="local, dev, uat or prod.")
    ] = "local",
    why: Annotated[
        str | None, typer.Option(metavar="MOD-NNN", help="The reasons for one module.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show for every module whether it is always on, active, off or not deployed, and why."""
    from totara_infra.model.problems import UsageError

    context = load(environment)
    if why is not None and why not in context.catalogue.modules:
        raise UsageError(f"{why} does not exist. Module ids are MOD-NNN.")
    chosen = [t for t in context.tenants if tenant in (None, t.client_id)]
    if not chosen:
        known = ", ".join(t.client_id for t in context.tenants)
        raise UsageError(
            f"Tenant `{tenant}` is not in stack `{environment}`. Its tenants: {known}."
        )
    columns = {t.client_id: _decisions(context, t.client_id) for t in chosen}
    if form is Format.JSON:
        data = [
            {
                "tenant": client_id,
                "environment": environment,
                "modules": [_data(d) for d in decisions.values() if why in (None, d.id)],
            }
            for client_id, decisions in columns.items()
        ]
        print_json(data[0] if tenant is not None else data)
        return
    if why is not None:
        for client_id, decisions in columns.items():
            decision = decisions[why]
            typer.echo(f"{client_id}: {why} is {decision.state} ({decision.provenance}).")
            for reason in decision.reasons:
                typer.echo(f"  {reason}")
        return
    if len(columns) == 1:
        rows = [
            (d.id, context.catalogue.modules[d.id].title, d.state, d.reasons[0], d.provenance)
            for d in next(iter(columns.values())).values()
        ]
        print_table(("module", "title", "state", "reason", "provenance"), rows)
        return
    print_table(
        ("module", "title", *columns),
        [
            (module_id, module.title, *(c[module_id].state for c in columns.values()))
            for module_id, module in context.catalogue.modules.items()
        ],
    )


def _decisions(context: Context, client_id: str) -> dict[str, Decision]:
    from totara_infra.resolver import activation_in_stack

    environment = context.settings.environment
    return activation_in_stack(context.catalogue, environment, context.tenants)[client_id]


def _data(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "state": decision.state.value,
        "reasons": list(decision.reasons),
        "provenance": decision.provenance.value,
    }
