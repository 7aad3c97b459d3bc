"""`totara customer`: a test customer of a client, where a password signs in."""

from __future__ import annotations

from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A test customer of a client in `local`: enrolled, and signed in again.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
TenantArgument = Annotated[
    str, typer.Argument(metavar="TENANT", help="Client id of an institution, such as acorn.")
]


@app.command("enrol")
def enrol(tenant: TenantArgument, environment: EnvironmentArgument) -> None:
    """Make a customer and sign the customer in; both tokens must be as the claim map says.

    The password is made up, shown to nobody, and kept in .totara until `totara down`.
    """
    from totara_infra.delivery.customers import enrol

    enrol(tenant, environment)
    typer.echo(
        f"A customer of {tenant} is enrolled and signed in. Again, with the token for somebody "
        f"else to read: totara customer sign-in {tenant} {environment}"
    )


@app.command("sign-in")
def sign_in(tenant: TenantArgument, environment: EnvironmentArgument) -> None:
    """Sign the enrolled customer in and write the access token to standard output.

    It is sensitive: pipe it on, into `totara claims check --env local` say.
    """
    from totara_infra.delivery.customers import sign_in

    typer.echo(sign_in(tenant, environment).access_token.get_secret_value())
