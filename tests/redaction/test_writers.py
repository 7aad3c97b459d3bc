"""Whatever writes a file hides secret values, or is listed with the reason why it has none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from botocore.exceptions import ParamValidationError

from tests.redaction.test_commands import commands_of
from totara_infra.cli.main import app
from totara_infra.cli.output import append_text
from totara_infra.delivery.runbooks import Journal
from totara_infra.delivery.verification import write_record
from totara_infra.model import redaction
from totara_infra.model.problems import TotaraError
from totara_infra.model.runbook import StepOutcome, StepRecord
from totara_infra.model.stack import read_stack
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.recovery import record as drills

PROJECT = Path(__file__).resolve().parent.parent.parent
PACKAGE = PROJECT / "totara_infra"
REDACTING = {
    "cli/drift.py drift",
    "cli/output.py append_text",
    "delivery/runbooks.py add",
    "delivery/verification.py write_record",
    "recovery/record.py keep",
}
FROM_FILES = "made of the files that people write, which hold no secret"
OWN = "the program's own bookkeeping: numbers, digests and names of files"
INSTALLS = "what an installation says; no secret is in play"
ENGINE = "what the engine says; it hides its secrets itself, and our commands hide theirs"
STATE = "the engine's state, whose secrets the engine has encrypted"
ELSEWHERE = {
    "cli/streams.py prepare": "a stream that goes nowhere",
    "cli/validate.py coverage": FROM_FILES,
    "cli/validate.py schemas": FROM_FILES,
    "delivery/customers.py _write": "the password of a made-up customer of an emulator; mode 0600",
    "delivery/new_tenant.py _write_all": FROM_FILES,
    "delivery/runbooks.py _run": "the output of our own commands, which is redacted at its source",
    "delivery/stack_files.py _generate": FROM_FILES,
    "delivery/state/scratch.py load": STATE,
    "delivery/state/store.py put": STATE,
    "delivery/tenant_status.py write": FROM_FILES,
    "delivery/update.py run_engine": ENGINE,
    "delivery/validated.py remember": OWN,
    "documentation/site.py write_sources": FROM_FILES,
    "local/kept.py keep": FROM_FILES,
    "local/emulator.py start": "what an emulator on this machine says; its values are made up",
    "local/locked_environment.py ensure_installed": INSTALLS,
    "local/packages.py run_logged": INSTALLS,
    "local/placement.py _place": FROM_FILES,
    "local/process_record.py write": OWN,
    "local/provider/schema.py main": "a table of the provider's schema, for developers",
    "local/setup.py one_at_a_time": OWN,
    "local/upgrade.py _pin": INSTALLS,
    "local/virtual_environment.py prepare": INSTALLS,
    "migrations/flyway/install.py _install": INSTALLS,
    "migrations/flyway/runner.py main": "a pipe to the command that hides what it holds",
    "migrations/locking.py findings": "a copy of a migration",
    "model/claim_lock.py write_lock": FROM_FILES,
    "operations/backup/sealing.py write_new_key": "the key that is asked for; mode 0600, new file",
    "operations/backup/storage.py write": "sealed with the key before it comes here",
    "recovery/configuration.py state_cut_off": STATE,
    "recovery/drill_state.py claimed": OWN,
    "recovery/drill_state.py write_state": "a drill's customer, made up; mode 0600, gone with it",
}
"""Writer -> why it needs no redaction."""


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("write_text", "write_bytes"):
        return True
    words = [n for a in [*call.args, *(k.value for k in call.keywords)] for n in ast.walk(a)]
    modes = [n.value for n in words if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return name in ("open", "fdopen") and any(
        mode[:1] in ("w", "a", "x") and {*mode} <= {*"waxbt+"} for mode in modes
    )


def writers() -> Iterator[tuple[str, str]]:
    """Each function that writes a file, with its source."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for function in ast.walk(ast.parse(text)):
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(node, ast.Call) and _writes(node) for node in ast.walk(function)
            ):
                name = f"{path.relative_to(PACKAGE)} {function.name}"
                yield name, ast.get_source_segment(text, function) or ""


def test_every_function_that_writes_a_file_is_listed() -> None:
    found = dict(writers())
    assert sorted(found) == sorted([*REDACTING, *ELSEWHERE])
    assert all("redacted" in found[name] for name in REDACTING)


VALUE = "Qx7Zv9kJw8WkQ"


@pytest.fixture
def _known(monkeypatch) -> None:
    monkeypatch.setattr(redaction, "_known", redaction._Known())
    redaction.keep_secret(VALUE)


@pytest.mark.usefixtures("_known")
def test_records_and_journals_hide_values(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(drills, "state_directory", lambda: tmp_path)
    said = f"the driver refuses {VALUE[2:9]}"
    at = datetime(2026, 12, 1, tzinfo=UTC)
    drills.keep({"scenario": "odd", "finished": at.isoformat(), "said": said})
    write_record({"said": said}, tmp_path / "evidence.json")
    append_text(tmp_path / "summary.md", said)
    step = StepRecord(step="odd", outcome=StepOutcome.FAILED, found=said, started=at, finished=at)
    Journal(tmp_path / "journal").add(step)
    files = [f for f in tmp_path.rglob("*") if f.is_file()]
    assert len(files) == 4
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "***" in text, file
        assert not [n for n in range(len(VALUE) - 3) if VALUE[n : n + 4] in text], file


@pytest.mark.parametrize("value", [1234567890123, ["Zv9kJw8W"], {"password": "Zv9kJw8W"}])
def test_what_botocore_says_of_a_value_of_the_wrong_type_is_hidden(monkeypatch, value) -> None:
    """It quotes parameters that it refuses before anything is sent."""
    monkeypatch.setattr(redaction, "_known", redaction._Known())
    client = Live(read_stack(PROJECT, "local")).client("secretsmanager")
    with pytest.raises(ParamValidationError) as refused:
        client.put_secret_value(SecretId="/bank/local/core/neon-db-url", SecretString=value)
    said = str(refused.value)
    piece = str(value)[3:9]
    assert piece in said, "botocore quotes it no more: the test would prove nothing"
    assert piece not in redaction.redacted(said)
    with pytest.raises(TotaraError) as told, explained("storing it"):
        client.put_secret_value(SecretId="/bank/local/core/neon-db-url", SecretString=value)
    assert piece not in redaction.redacted(str(told.value))


def test_a_password_of_cognito_is_known_before_the_call(monkeypatch) -> None:
    monkeypatch.setattr(redaction, "_known", redaction._Known())
    client = Live(read_stack(PROJECT, "local")).client("cognito-idp", attempts=1)
    sent = {"USERNAME": "kiri", "PASSWORD": VALUE}
    with pytest.raises(ParamValidationError):
        client.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=5, AuthParameters=sent)
    assert redaction.redacted(f"no {VALUE}") == "no ***"


SENSITIVE = {"credential", "key", "passphrase", "password", "secret", "token", "url", "value"}
NOT_THE_VALUE = {
    "backup restore key_fd", "backup restore key_file", "backup run key_fd", "backup run key_file",
    "backup run kms_key", "backup verify key_fd", "backup verify key_file", "config get key",
}  # fmt: skip
"""Where a key is kept, or the name of one."""


def test_no_argument_takes_a_secret() -> None:
    root = typer.main.get_command(app)
    found = set()
    for name in commands_of(root):
        command = root
        for word in name.split():
            command = command.commands[word]  # type: ignore[attr-defined]
        for parameter in command.params:
            if SENSITIVE & {*str(parameter.name).split("_")}:
                found.add(f"{name} {parameter.name}")
    assert found == NOT_THE_VALUE
