"""`totara config`: what is configured, live beside what the files say."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from totara_infra.cli.context import EnvironmentArgument
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    help="Flags, settings and parameters: live, and as the files say. Changed by file and `up`.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("get")
def get(
    environment: EnvironmentArgument,
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="Key in AppConfig, or path of a parameter."),
    ],
    tenant: Annotated[
        str | None, typer.Option(metavar="CLIENT_ID", help="The value for one tenant.")
    ] = None,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show a value as it is live next to what the catalogue says. Never a secret.

    Exit 1 when the two differ, 2 when nothing declares the key.
    """
    from totara_infra.delivery.configuration_values import configuration_value
    from totara_infra.delivery.stacks import live_context
    from totara_infra.resolver import load_catalogue

    blueprint, live = live_context(environment, rehearse)
    found = configuration_value(blueprint, live, load_catalogue(), key, tenant)
    if form is Format.JSON:
        print_json(
            {
                "environment": environment,
                "key": found.key,
                "tenant": found.tenant,
                "live": {"value": found.live.value, "from": found.live.origin},
                "catalogue": {"value": found.stated.value, "from": found.stated.origin},
                "differs": found.differs,
            }
        )
    else:
        whose = f" of {found.tenant}" if found.tenant is not None else ""
        print_table(
            ("where", "value", "from"),
            [
                ("live", _text(found.live.value), found.live.origin),
                ("catalogue", _text(found.stated.value), found.stated.origin),
            ],
            f"{found.key}{whose} in {environment}",
        )
        typer.echo(_VERDICTS[found.differs])
    if found.differs:
        raise typer.Exit(1)


_VERDICTS = {
    True: "They differ: the files have changed since the last `totara up`, or somebody changed it "
    "by hand, which `pulumi refresh` and then `totara up` puts right.",
    False: "They are the same.",
    None: "Not compared: the files can't know this value beforehand.",
}


def _text(value: Any) -> str:
    if value is None:
        return "(none)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
