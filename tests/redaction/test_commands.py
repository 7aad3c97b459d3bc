"""Commands that read secrets or open databases are listed, and show no piece of a password."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.redaction.passwords import URL, encoded, passwords, runs_in
from tests.redaction.refusing_aws import RefusingAws, refusing_aws
from totara_infra.cli.main import app, run
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE
from totara_infra.migrations.flyway.client import Flyway
from totara_infra.model import redaction

PATH = "core/neon-db-url"
READING = {
    "secrets check": ["local"],
    "secrets generate": ["local", "risk/erp-webhook-hmac", "--replace"],
    "secrets import": ["local", "-"],
    "secrets list": ["local"],
    "secrets move": ["local"],
    "secrets put": ["local", PATH],
    "secrets rotate": ["local", "--all"],
    "secrets schedule": ["local"],
    "secrets seed": ["local"],
    "migrations apply": ["local"],
    "migrations plan": ["local"],
    "migrations status": ["local"],
    "migrations undo": ["local", "--all-databases"],
}
"""What reads secrets by itself, with arguments."""
THROUGH_OTHERS = {
    "decommission": "migrations and secrets, as commands of their own; proofs through `read_urls`",
    "provision": "migrations and secrets, as commands of their own; proofs through `read_urls`",
    "dr drill": "databases through `read_urls`, secrets through `Live.client`",
}
"""What needs a whole environment, and what it reads values through."""
NOTHING_SECRET = {
    "activation", "alerts check", "alerts list", "alerts test", "backup list", "backup new-key",
    "backup restore", "backup run", "backup verify", "claims check", "claims lock", "config check",
    "config get", "config list", "coverage", "customer enrol", "customer sign-in",
    "customer sign-out", "docs build", "docs serve", "down", "dr plan", "dr status", "drift",
    "fleet list", "fleet plan", "migrations lint", "pipeline bootstrap", "pipeline check",
    "pipeline roles", "plan", "preview", "release check", "release digest", "release previous",
    "schemas", "sequence show", "sequence verify", "state rebuild", "state status", "tenant diff",
    "tenant new", "tenant retention", "tenant show", "tenant status", "tenant validate", "up",
    "validate", "verify report", "verify run",
}  # fmt: skip
"""Reads no value from Secrets Manager and opens no database."""


def commands_of(group: Any, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands_of(command, *before, name)
        else:
            yield " ".join([*before, name])


def test_every_command_is_said_to_read_secrets_or_not():
    listed = [*READING, *THROUGH_OTHERS, *NOTHING_SECRET]
    assert sorted(listed) == sorted(commands_of(typer.main.get_command(app)))


@dataclass
class Desk:
    """Runs commands in this process and keeps all that they let out."""

    aws: RefusingAws
    state: Path
    started: list[str] = field(default_factory=list)

    def run(self, command: str, given: str) -> tuple[int, str]:
        out, err, code = io.StringIO(), io.StringIO(), 0
        words = ["totara", *command.split(), *READING[command]]
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", words)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
            try:
                run()
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
        kept = [f.read_text(errors="replace") for f in self.state.rglob("*") if f.is_file()]
        return code, "\n".join([out.getvalue(), err.getvalue(), *kept, *self.started])


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Iterator[Desk]:
    state = tmp_path_factory.mktemp("state")
    start = subprocess.Popen.__init__
    with refusing_aws() as aws, pytest.MonkeyPatch.context() as patch:
        desk = Desk(aws, state)

        def noted(process: Any, args: Any, *rest: Any, **options: Any) -> None:
            desk.started.append(f"{args} {options.get('env')}")
            start(process, args, *rest, **options)

        patch.setattr(subprocess.Popen, "__init__", noted)
        patch.setattr(emulator, "endpoint", lambda _name: aws.endpoint)
        # No server answers, so it is never asked; to start Java takes seconds.
        patch.setattr(Flyway, "__enter__", lambda self: self)
        patch.setattr("totara_infra.migrations.connections.CONNECT_SECONDS", 1)
        patch.setenv(STATE_DIRECTORY_VARIABLE, str(state))
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield desk


@pytest.mark.parametrize("command", ["migrations status", "secrets import"])
@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(password=passwords(), whole=st.booleans())
def test_no_command_shows_four_characters_of_a_password(desk, command, password, whole):
    url = URL.format(encoded(password) if whole else password)
    desk.aws.value, desk.aws.calls, desk.started = url, [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", redaction._Known())
        given_ = f"/bank/local/{PATH}: {url}\n" if command == "secrets import" else url
        code, said = desk.run(command, given_)
        assert code in (0, 1, 2), said
        assert desk.aws.calls or command in ("secrets import",), "nothing was read"
        assert "Traceback" not in said
    assert not runs_in(said, password), said
    assert not runs_in(said, encoded(password)), said


MALFORMED = "postgresql://app:Winter@Sunrise99@127.0.0.1:5432/bank_core"


def test_a_stored_url_with_an_unescaped_character_is_refused_before_the_driver_sees_it(desk):
    desk.aws.value = MALFORMED
    code, said = desk.run("migrations status", "")
    assert code == 1
    assert "write `@` as `%40`" in said
    assert "/bank/local/core/neon-db-migrate-url" in said
    assert "Sunrise" not in said and "Winter" not in said


def test_import_refuses_it_as_well_and_sends_nothing(desk):
    desk.aws.calls = []
    code, said = desk.run("secrets import", f"/bank/local/{PATH}: {MALFORMED}\n")
    assert code == 2, said
    assert "write `@` as `%40`" in said
    assert "Sunrise" not in said and "Winter" not in said
    assert "PutSecretValue" not in desk.aws.calls
