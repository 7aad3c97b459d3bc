"""`totara tenant`: compose a client institution, check it, see what it gets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.delivery.tenant_text import NewTenant
    from totara_infra.delivery.tenants import TenantView

app = typer.Typer(
    no_args_is_help=True,
    help="Client institutions: one file in stacks/ each.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
EnvironmentOption = Annotated[
    str, typer.Option("--env", metavar="ENV", help="local, dev, uat or prod.")
]


@app.command("new")
def new(
    client_id: Annotated[
        str | None, typer.Option(metavar="ID", help="Lower-case words joined by hyphens.")
    ] = None,
    display_name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name as people read it.")
    ] = None,
    institution_type: Annotated[
        str | None, typer.Option(metavar="TYPE", help="mutual or proprietary.")
    ] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(metavar="LICENCE", help="NZ, AU or NZ+AU.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION", help="Licence option; may be given several times."),
    ] = None,
    sponsor: Annotated[
        list[str] | None,
        typer.Option(metavar="OPTION=BANK", help="Sponsor bank of an option that needs one."),
    ] = None,
    status: Annotated[
        str, typer.Option(metavar="STATUS", help="planned, live, suspended or closed.")
    ] = "planned",
    isolated: Annotated[
        bool, typer.Option("--isolated", help="A stack and an AWS account of its own.")
    ] = False,
    environment: EnvironmentOption = "prod",
    account_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="AWS account of an isolated client, twelve digits."),
    ] = None,
) -> None:
    """Write a tenant's file, with explanations; with --isolated also the file of its stack.

    Asks for what is not given. Nothing is written unless it passes every check, and nothing is
    overwritten. Afterwards the tenant is in no shared stack yet: it says what to edit.
    """
    from totara_infra.delivery.new_tenant import write_tenant
    from totara_infra.delivery.tenant_text import NewTenant
    from totara_infra.model.stack import environment_named

    sponsors = _sponsors(sponsor or [])
    required = (client_id, display_name, institution_type, jurisdiction)
    asking = None in required or (isolated and account_id is None)
    client_id = client_id or _ask("--client-id", "Client id (lower-case words joined by hyphens)")
    display_name = display_name or _ask("--display-name", "Display name")
    institution_type = institution_type or _ask(
        "--institution-type", "Institution type (mutual, proprietary)"
    )
    jurisdiction = jurisdiction or _ask("--jurisdiction", "Jurisdiction (NZ, AU, NZ+AU)")
    wanted = NewTenant(
        client_id,
        display_name,
        institution_type,
        [part.strip() for part in jurisdiction.split("+")],
        option or [],
        sponsors,
        status,
        isolated,
        environment_named(environment),
        account_id or "",
    )
    if asking:
        wanted = _ask_further(wanted, ask_options=option is None)
    written = write_tenant(wanted)
    for file in written.files:
        typer.echo(f"{file} written.")
    for line in written.next_steps:
        typer.echo(line)


def _sponsors(texts: list[str]) -> dict[str, str]:
    from totara_infra.model.problems import UsageError

    found: dict[str, str] = {}
    for text in texts:
        option, equals, bank = text.partition("=")
        if not (option.strip() and equals and bank.strip()):
            raise UsageError(
                f"--sponsor {text}: whose sponsor it is can't be told. Write OPTION=BANK, such as "
                "--sponsor osko=Cuscal."
            )
        found[option.strip()] = bank.strip()
    return found


def _ask(flag: str, question: str, default: str | None = None) -> str:
    """An answer from the terminal; where there is nobody to answer, the flag is named."""
    from totara_infra.model.problems import UsageError

    try:
        # On stderr, so that what the command prints stays apart.
        answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
    except typer.Abort:
        raise UsageError(f"Nothing was written: {flag} is missing, and was not answered.") from None
    return answer.strip()


def _ask_further(wanted: NewTenant, *, ask_options: bool) -> NewTenant:
    """Options that the institution could have, their sponsors, and an isolated one's account."""
    from dataclasses import replace

    from totara_infra.resolver import load_catalogue
    from totara_infra.resolver.licences import allowed_options

    catalogue = load_catalogue().catalogue
    options = list(wanted.options)
    if ask_options:
        possible = allowed_options(catalogue, wanted.institution_type, wanted.jurisdictions)
        names = ", ".join(o.id for o in possible)
        typed = _ask("--option", f"Licence options, separated by commas ({names})", default="")
        options = [o.strip() for o in typed.split(",") if o.strip()]
    sponsors = dict(wanted.sponsor_banks)
    for option_id in options:
        option = catalogue.tenancy.option(option_id)
        if option is not None and option.needs_sponsor_bank and option_id not in sponsors:
            sponsors[option_id] = _ask(
                "--sponsor", f"Sponsor bank for {option_id}", default=option.sponsor_bank
            )
    account_id = wanted.account_id
    if wanted.isolated and not account_id:
        account_id = _ask("--account-id", "AWS account id (twelve digits)")
    return replace(wanted, options=options, sponsor_banks=sponsors, account_id=account_id)


@app.command("status")
def status(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Client id, such as acorn.")],
    new_status: Annotated[
        str, typer.Argument(metavar="STATUS", help="planned, live, suspended or closed.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
) -> None:
    """Change the status in a client's file: that line, and for a closed one the day below it.

    It takes effect with the update of each stack that lists the client, after a review.
    """
    from datetime import UTC, datetime

    from totara_infra.delivery.tenant_status import status_change

    change = status_change(tenant, new_status, datetime.now(UTC).date())
    if not change.difference:
        typer.echo(f"{tenant} is {change.after} already; nothing was changed.")
        return
    typer.echo(change.difference, nl=False)
    if dry_run:
        typer.echo("Nothing was written.")
        return
    change.write()
    typer.echo(
        f"stacks/{change.path.name} written. Have it reviewed; then `totara up ENV`, or the "
        "pipeline, brings it about in each stack that lists the client."
    )


@app.command("retention")
def retention(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Client id, such as acorn.")],
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what stays of a client, what protects it and until when, and look whether it is there.

    Exit 1 if something of it is not, or not as declared.
    """
    from totara_infra.delivery.retention import retention_report

    report = retention_report(tenant, environment, rehearse)
    if form is Format.JSON:
        print_json(
            {
                "tenant": tenant,
                "status": report.tenant.status.value,
                "closed_on": str(report.tenant.closed_on) if report.tenant.closed_on else None,
                "ends": str(report.ends) if report.ends else None,
                "kept": [asdict(k) for k in report.kept],
                "missing": list(report.missing),
            }
        )
    else:
        print_table(
            ("what", "name", "protection", "module"),
            [(k.kind, k.name, k.protection, k.module) for k in report.kept],
        )
        for text in report.missing:
            typer.echo(f"NOT THERE {text}")
        until = f"nothing of it may go before {report.ends}" if report.ends else "it is not closed"
        typer.echo(f"{tenant} is {report.tenant.status}: {until}. {len(report.kept)} things stay.")
    if report.missing:
        raise typer.Exit(1)


@app.command("validate")
def validate(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Tenants' files; all of stacks/ by default.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Check tenants' files: every problem with line and fix. Exit 2 if there is any."""
    from totara_infra.delivery.validation import validate_tenants

    count, problems = validate_tenants(files or [])
    if form is Format.JSON:
        print_json({"problems": [asdict(p) for p in problems], "tenants": count})
    else:
        for problem in problems:
            typer.echo(str(problem), err=True)
        tenants = f"{count} tenant{'' if count == 1 else 's'}"
        found = f"{len(problems) or 'no'} problem{'' if len(problems) == 1 else 's'}"
        typer.echo(f"{tenants}: {found}.", err=bool(problems))
    if problems:
        raise typer.Exit(2)


@app.command("show")
def show(
    client_id: Annotated[str, typer.Argument(metavar="TENANT")],
    environment: EnvironmentOption = "local",
    form: FormatOption = Format.TABLE,
) -> None:
    """Show what a tenant gets: modules, flags, settings with their origin, secrets it needs."""
    found = _view(client_id, environment)
    if form is Format.JSON:
        print_json(found.as_data())
        return
    tenant, placement = found.tenant, found.placement
    typer.echo(
        f"{tenant.client_id}: {tenant.display_name}, {tenant.institution_type}, "
        f"{tenant.jurisdiction}, {tenant.status}; stack {placement.stack}"
    )
    typer.echo(f"Licence options: {', '.join(tenant.options) or 'none'}")
    typer.echo()
    running = sum(d.state.runs for d in found.decisions.values())
    print_table(
        ("module", "state", "reason", "provenance"),
        [(d.id, d.state, d.reasons[0], d.provenance) for d in found.decisions.values()],
        f"{running} of {len(found.decisions)} modules run",
    )
    typer.echo()
    print_table(
        ("kind", "name", "value", "origin", "place", "overridable"),
        [
            (v.kind, v.name, v.text, v.origin, v.place, "yes" if v.overridable else "")
            for v in found.values
        ],
        "Flags, settings and parameters",
    )
    typer.echo()
    print_table(
        ("secret", "content", "whose", "module", "required"),
        [
            (s.path, s.content, s.scope, s.module, "yes" if s.required else "no")
            for s in found.secrets
        ],
        f"{len(found.secrets)} secrets",
    )


@app.command("diff")
def diff(
    first: Annotated[str, typer.Argument(metavar="A")],
    second: Annotated[str, typer.Argument(metavar="B")],
    environment: EnvironmentOption = "local",
    form: FormatOption = Format.TABLE,
) -> None:
    """Show where two tenants differ: licence, modules, flags, settings, secrets."""
    from totara_infra.delivery.tenants import differences

    rows = differences(_view(first, environment), _view(second, environment))
    if form is Format.JSON:
        print_json([asdict(row) for row in rows])
        return
    print_table(
        ("kind", "name", first, second),
        [(row.kind, row.name, row.first, row.second) for row in rows],
        f"{len(rows)} differences",
    )


def _view(client_id: str, environment: str) -> TenantView:
    from totara_infra.delivery.placing import place
    from totara_infra.delivery.tenants import TenantView
    from totara_infra.model.stack import environment_named
    from totara_infra.resolver import load_catalogue

    chosen, loaded = environment_named(environment), load_catalogue()
    placement = place(loaded, client_id, chosen)
    if placement.note:
        typer.echo(f"Note: {placement.note}", err=True)
    return TenantView(loaded, placement)
