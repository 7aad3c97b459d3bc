"""Every command that reads secrets or opens databases, on an emulator whose values are hostile."""

from __future__ import annotations

import json

from hypothesis import Phase, given, settings

from tests.command import totara
from tests.redaction.passwords import URL, encoded, passwords, runs_in
from tests.redaction.test_commands import READING, THROUGH_OTHERS
from tests.secrets import leaks
from tests.secrets.conftest import Place
from totara_infra.model.vocabulary import SecretFormat
from totara_infra.operations.secrets.inventory import entries

PATH = "/bank/local/core/neon-db-url"
ARGUMENTS = READING | {
    "decommission": ["acorn", "local", "--dry-run"],
    "dr drill": ["database-loss", "local"],
    "dr status": ["local", "--format", "json"],
    "migrations undo": ["local", "--all-databases", "--to", "000"],
    "provision": ["acorn", "local", "--dry-run"],
    "secrets rotate": ["local", "--all", "--dry-run"],
    "verify run": ["local", "--format", "json"],
}


def value_of(form: SecretFormat, path: str, password: str) -> str:
    match form:
        case SecretFormat.POSTGRESQL_URL:
            # The database of the path's segment, so that readers get as far as the connection.
            return URL.format(encoded(password)).replace("bank_core", f"bank_{path.split('/')[3]}")
        case SecretFormat.JSON:
            return json.dumps({"username": "app_user", "password": password})
        case _:
            return password


def fill(place: Place, password: str) -> None:
    """Store values by other means than the command, which would refuse many of them."""
    client = place.live.client("secretsmanager")
    for path, entry in entries(place.blueprint).items():
        value = value_of(entry.secret.format, path, password)
        client.put_secret_value(SecretId=path, SecretString=value)


def said(place: Place, name: str, password: str) -> str:
    """What a command prints, with a value that can't be stored where it takes one."""
    given = URL.format(password)
    if name == "secrets import":
        given = json.dumps({PATH: given, "/bank/local/platform/ses-sender": {"password": 0}})
    words = (*name.split(), *ARGUMENTS[name])
    done = totara(*words, given=given, env=place.variables)
    return f"{done.returncode}\n{done.stdout}{done.stderr}"


def test_every_reader_is_run() -> None:
    assert {*ARGUMENTS} >= {*READING, *THROUGH_OTHERS}


# One example takes a minute, so that none is looked for which is shorter.
@settings(max_examples=1, deadline=None, phases=[Phase.generate])
@given(password=passwords())
def test_nothing_is_shown_of_any_password(place: Place, password: str) -> None:
    pieces = [password[i : i + 4] for i in range(len(password) - 3)]
    fill(place, password)
    with leaks.Watch(pieces) as watch:
        outputs = {name: said(place, name, password) for name in ARGUMENTS}
    for name, output in outputs.items():
        assert not runs_in(output, password), f"totara {name}:\n{output}"
        assert "Traceback" not in output, output
    assert not watch.found
    assert not leaks.in_files(place.temporary, pieces)
    # Else none of them has come near a database.
    refused = outputs["migrations status"]
    assert "no connection through its direct URL" in refused, refused
