"""`totara customer`: a test customer where a password signs in; everybody signed out."""

from __future__ import annotations

from typing import Annotated

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A client's test customer in `local`; and signing all of a client's users out.",
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


@app.command("sign-out")
def sign_out(
    tenant: TenantArgument,
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
) -> None:
    """Sign every user of a client out and disable them, customers and staff. Nobody is deleted.

    Refused while the client is live. Run it again after an interruption: it goes on with the rest.
    """
    from totara_infra.delivery.customers import sign_everybody_out

    done = sign_everybody_out(tenant, environment, rehearse)
    typer.echo(f"{done} users of {tenant} signed out and disabled.")
