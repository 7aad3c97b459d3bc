"""`totara config list` and `totara config check`: the configuration manifest."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli.config import app
from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

__all__ = ["app"]

if TYPE_CHECKING:
    from totara_infra.cli.context import Context
    from totara_infra.operations.manifest import Entry


class ManifestFormat(StrEnum):
    """Form of the manifest."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


class StoreName(StrEnum):
    """Where a value is kept."""

    SSM = "ssm"
    APPCONFIG = "appconfig"


_COLUMNS = (
    "key", "store", "place", "tenant", "module", "domain", "type", "unit", "default", "value",
    "origin", "detail", "required", "reload", "readers", "why", "name_provenance",
    "value_provenance",
)  # fmt: skip
_IN_TABLE = ("key", "tenant", "store", "module", "type", "unit", "value", "origin", "reload")


@app.command("list")
def list_values(
    environment: EnvironmentArgument,
    domain: Annotated[
        str | None, typer.Option(metavar="SDNN", help="Values that this domain declares.")
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="MOD-NNN", help="Values that this module declares.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(metavar="CLIENT_ID", help="What is in effect for one tenant.")
    ] = None,
    store: Annotated[StoreName | None, typer.Option(help="One store only.")] = None,
    changed_since: Annotated[
        str | None,
        typer.Option(metavar="REF", help="What differs from this git revision's files."),
    ] = None,
    form: Annotated[
        ManifestFormat,
        typer.Option("--format", help="The table shortens; json, csv and markdown have it all."),
    ] = ManifestFormat.TABLE,
) -> None:
    """List every non-secret value, where it comes from and what it is for. Asks nothing of AWS."""
    from totara_infra.operations.manifest import changed_since as compared
    from totara_infra.operations.manifest import manifest, of_tenant

    context = load(environment)
    _refuse_unknown(context, environment, domain, module, tenant)
    entries = manifest(context.blueprint())
    if changed_since is not None:
        from totara_infra.delivery.revision import blueprint_at

        entries = compared(manifest(blueprint_at(changed_since, environment)), entries)
    if tenant is not None:
        entries = of_tenant(entries, tenant)
    entries = [
        e
        for e in entries
        if domain in (None, e.domain)
        and module in (None, e.module)
        and store in (None, e.store.value)
    ]
    changes = ("change", "before") if changed_since is not None else ()
    _print(entries, form, environment, changes)


def _refuse_unknown(
    context: Context, environment: str, domain: str | None, module: str | None, tenant: str | None
) -> None:
    from totara_infra.model.problems import UsageError

    faults = []
    if domain is not None and domain not in context.catalogue.domain:
        faults.append(f"There is no domain `{domain}`. Write SD01 to SD08.")
    if module is not None and module not in context.catalogue.modules:
        faults.append(f"There is no module `{module}`. Module ids are MOD-NNN.")
    if tenant is not None and tenant not in (known := [t.client_id for t in context.tenants]):
        faults.append(
            f"Tenant `{tenant}` is not in stack `{environment}`. Its tenants: {', '.join(known)}."
        )
    if faults:
        raise UsageError("\n".join(faults))


def _print(
    entries: Sequence[Entry], form: ManifestFormat, environment: str, changes: tuple[str, ...]
) -> None:
    columns = (*changes, *_COLUMNS)
    rows = [e.as_data() for e in entries]
    data = [{column: row[column] for column in columns} for row in rows]
    if form is ManifestFormat.JSON:
        print_json(data)
    elif form is ManifestFormat.CSV:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(row[c]) for c in columns] for row in data)
        typer.echo(text.getvalue(), nl=False)
    elif form is ManifestFormat.MARKDOWN:
        typer.echo("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
        for row in data:
            cells = (_text(row[c]).replace("|", "\\|").replace("\n", " ") for c in columns)
            typer.echo("| " + " | ".join(cells) + " |")
    else:
        shown = (*changes, *_IN_TABLE)
        print_table(
            shown,
            [tuple(_text(row[c]) for c in shown) for row in data],
            f"{environment}: {len(entries)} values",
        )


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


@app.command("check")
def check(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Hold the live configuration against the catalogue. Changes nothing.

    Exit 1 when something is missing, unexpected, different, of the wrong type or wrongly tagged.
    What a module's own deployment has not written yet is named, and is no failure.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.manifest_check import check_configuration

    blueprint, live = live_context(environment, rehearse)
    stack = live.settings.stack
    findings = check_configuration(live, blueprint, stack)
    failures = [f for f in findings if f.fails]
    if form is Format.JSON:
        print_json(
            {
                "environment": stack,
                "failures": len(failures),
                "findings": [f.as_data() for f in findings],
            }
        )
    else:
        if findings:
            print_table(
                ("what", "key", "module", "expected", "found"),
                [(f.fault, f.key, f.module, _cell(f.expected), _cell(f.found)) for f in findings],
            )
        for fix in dict.fromkeys(f.fix for f in failures):
            typer.echo(f"fix: {fix}")
        notices = len(findings) - len(failures)
        typer.echo(
            f"{stack}: {len(failures)} failures; {notices} values wait for their module's own "
            "deployment."
        )
    if failures:
        raise typer.Exit(1)


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 60 else text[:59] + "…"
