"""Entry point of the `totara` command.

Commands import what they need when they run, so that `totara --help` answers at once.
"""

from __future__ import annotations

import os
import sys

import typer

from totara_infra.cli import streams
from totara_infra.cli.lazy_commands import lazy_group
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.interruption import InterruptedRunError, take_all_signals
from totara_infra.local.loopback import spare_loopback
from totara_infra.model.problems import TotaraError
from totara_infra.model.redaction import guard_streams

COMMANDS = {
    "validate": "totara_infra.cli.validate:validate",
    "schemas": "totara_infra.cli.validate:schemas",
    "coverage": "totara_infra.cli.validate:coverage",
    "plan": "totara_infra.cli.plan:plan",
    "activation": "totara_infra.cli.activation:activation",
    "provision": "totara_infra.cli.provision:provision",
    "decommission": "totara_infra.cli.provision:decommission",
    "preview": "totara_infra.cli.deploy:preview",
    "up": "totara_infra.cli.deploy:up",
    "down": "totara_infra.cli.deploy:down",
    "drift": "totara_infra.cli.drift:drift",
    "sequence": "totara_infra.cli.sequence:app",
    "tenant": "totara_infra.cli.tenant:app",
    "config": "totara_infra.cli.config_manifest:app",
    "alerts": "totara_infra.cli.alerts:app",
    "secrets": "totara_infra.cli.secrets:app",
    "claims": "totara_infra.cli.claims:app",
    "migrations": "totara_infra.cli.migrations:app",
    "backup": "totara_infra.cli.backup:app",
    "dr": "totara_infra.cli.recovery:app",
    "customer": "totara_infra.cli.customer:app",
    "state": "totara_infra.cli.state:app",
    "fleet": "totara_infra.cli.fleet:app",
    "release": "totara_infra.cli.release:app",
    "pipeline": "totara_infra.cli.pipeline:app",
    "docs": "totara_infra.cli.docs:app",
    "verify": "totara_infra.cli.verify:app",
}
"""Where each command is, in the order of the help."""

app = typer.Typer(
    name="totara",
    cls=lazy_group(COMMANDS),
    no_args_is_help=True,
    # Rich help takes longer to import than the rest of the command to run.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def totara() -> None:
    """The Totara Bank platform as a program: its order, its plan, its environments."""


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
    except Exception as error:
        # Commands say what they were doing when AWS refused; none may forget it and crash.
        refusal = _aws_refusal(error)
        if refusal is None:
            raise
        typer.echo(str(refusal), err=True)
        return refusal.exit_code
    return 0


def _aws_refusal(error: Exception) -> TotaraError | None:
    """What is said for an error of AWS's SDK; None for any other."""
    if type(error).__module__.partition(".")[0] != "botocore":
        return None
    from totara_infra.operations.secrets.answers import AwsRefusedError, explained

    try:
        with explained("carrying out the command"):
            raise error
    except AwsRefusedError as refusal:
        return refusal
    except Exception:
        return None
