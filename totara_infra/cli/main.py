"""Entry point of the `totara` command.

Commands import what they need when they run, so that `totara --help` answers at once.
"""

from __future__ import annotations

import os
import sys

import typer

from totara_infra.cli import (
    activation,
    alerts,
    backup,
    claims,
    config_manifest,
    customer,
    deploy,
    docs,
    drift,
    fleet,
    migrations,
    pipeline,
    plan,
    provision,
    recovery,
    release,
    secrets,
    sequence,
    state,
    streams,
    tenant,
    validate,
    verify,
)
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.interruption import InterruptedRunError, take_all_signals
from totara_infra.local.loopback import spare_loopback
from totara_infra.model.problems import TotaraError
from totara_infra.model.redaction import guard_streams

app = typer.Typer(
    name="totara",
    help="The Totara Bank platform as a program: its order, its plan, its environments.",
    no_args_is_help=True,
    # Rich help takes longer to import than the rest of the command to run.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("schemas", help=validate.SCHEMAS_HELP)(validate.schemas)
app.command("coverage")(validate.coverage)
app.add_typer(sequence.app, name="sequence")
app.command("plan")(plan.plan)
app.command("activation")(activation.activation)
app.add_typer(tenant.app, name="tenant")
app.add_typer(config_manifest.app, name="config")
app.add_typer(alerts.app, name="alerts")
app.add_typer(secrets.app, name="secrets")
app.add_typer(claims.app, name="claims")
app.add_typer(migrations.app, name="migrations")
app.add_typer(backup.app, name="backup")
app.add_typer(recovery.app, name="dr")
app.command("provision")(provision.provision)
app.command("decommission")(provision.decommission)
app.add_typer(customer.app, name="customer")
app.command("preview")(deploy.preview)
app.command("up")(deploy.up)
app.command("down")(deploy.down)
app.add_typer(state.app, name="state")
app.add_typer(fleet.app, name="fleet")
app.add_typer(release.app, name="release")
app.add_typer(pipeline.app, name="pipeline")
app.command("drift")(drift.drift)
app.add_typer(docs.app, name="docs")
app.add_typer(verify.app, name="verify")


def run() -> None:
    """Run the command; errors that a user can mend are shown without a traceback."""
    take_all_signals()
    spare_loopback(os.environ)
    code = streams.prepare()
    guard_streams()
    sys.exit(streams.finish(_carried_out) if code is None else code)


def _carried_out() -> int:
    """Run the command and return its exit code."""
    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            # Typer makes 1 of it, which would be a finding of `verify` or `drift`.
            raise ended.__context__ from None
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except (TotaraError, LocalEnvironmentError, InterruptedRunError) as error:
        typer.echo(str(error), err=True)
        return error.exit_code
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
        return 130
    return 0
