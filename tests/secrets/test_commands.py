"""`totara secrets` on a real emulator: list, put, generate, import and seed, in this order."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import PROJECT
from tests.secrets import leaks
from tests.secrets.conftest import Place
from totara_infra.operations.secrets.inventory import State, entries, standings

URL = "/bank/local/core/neon-db-url"
TEXT = "/bank/local/platform/pagerduty"
KEY = "/bank/local/platform/jwt-signing-key-active"
HMAC = "/bank/local/risk/erp-webhook-hmac"
JSON = "/bank/local/platform/ses-sender"


def url(password: str) -> str:
    return f"postgresql://app_user:{password}@db.example.test/bank_core"


def planted() -> str:
    return f"planted{uuid.uuid4().hex}"


def typed(place, words: list[str], lines: list[str]) -> tuple[str, int]:
    """Run a command in a terminal of its own and type a line whenever it asks."""
    process, terminal = pty.fork()
    if process == 0:
        command = [sys.executable, "-m", "totara_infra.cli", "secrets", *words]
        os.execve(sys.executable, command, place.variables)
    said = ""
    waiting = list(lines)
    while True:
        try:
            said += os.read(terminal, 1024).decode()
        except OSError:
            # The other end is closed.
            break
        if waiting and said.endswith(": "):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    return said, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def stands(place, path: str, now: datetime | None = None) -> State:
    entry = entries(place.blueprint)[path]
    return standings(place.live, [entry], "local", now or datetime.now(UTC))[0].state


def listed(place) -> dict[str, dict]:
    answer = place.totara("list", "local", "--format", "json")
    assert answer.returncode == 0, answer.stderr
    return {entry["path"]: entry for entry in json.loads(answer.stdout)}


def test_list_names_every_secret_of_the_catalogue_and_that_it_is_empty(place):
    found = listed(place)
    assert set(found) == set(entries(place.blueprint))
    assert {entry["state"] for entry in found.values()} == {"empty"}
    assert found[URL]["rotation_days"] == 90
    assert found["/bank/local/aml/austrac"]["required_for"] == ["totara-bank"]
    assert found["/bank/local/platform/sms-sender"]["required_for"] == []


def started(place: Place, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A process of the command's own, whose arguments others can see."""
    return subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", "secrets", *words],
        capture_output=True, text=True, env=place.variables, cwd=PROJECT, timeout=120, check=False,
        **options,
    )  # fmt: skip


def test_put_from_standard_input_and_from_a_descriptor_leaks_nothing(place):
    one, other = planted(), planted()
    reader, writer = os.pipe()
    os.write(writer, f"{other}\n".encode())
    os.close(writer)
    with leaks.Watch([one, other]) as watch:
        first = started(place, "put", "local", URL, input=url(one))
        second = started(place, "put", "local", TEXT, "--fd", str(reader), pass_fds=[reader])
    os.close(reader)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert place.value(URL) == url(one)
    assert place.value(TEXT) == other
    assert len(watch.seen) > 1
    assert not watch.found
    said = first.stdout + first.stderr + second.stdout + second.stderr
    assert not leaks.everywhere([one, other], said, place.state, place.temporary)
    assert stands(place, URL) is State.FILLED


def test_put_asks_with_a_prompt_that_does_not_show_the_value(place):
    value = planted()
    said, code = typed(place, ["put", "local", TEXT], [value, value])
    assert code == 0, said
    assert "not shown" in said
    assert value not in said
    assert place.value(TEXT) == value


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        (("put", "local", URL), "planted0not-a-url", "not a PostgreSQL URL"),
        (("put", "local", JSON), '{"planted0": oops}', "it is not JSON"),
        (("put", "local", KEY), "planted0", "private key in PEM form"),
        (("put", "local", HMAC), "planted0", "at least 32"),
        (("put", "local", URL), "", "it is empty"),
        (("put", "local", URL, "planted0"), "", "never comes as an argument"),
        (("put", "local", "planted0"), "x", "it could be a value"),
        (("put", "local", "postgresql://u:planted0@h/d"), "x", "it could be a value"),
        (("put", "local", "core/neon-db-urk"), "x", "core/neon-db-url"),
        (("put", "local", URL, "--fd", "77"), "", "File descriptor 77 can't be read"),
        (("put", "nowhere", URL), "x", "no environment `nowhere`"),
        (("generate", "local", URL), "", "whoever issues it makes it"),
    ],
)
def test_what_can_not_be_stored_is_refused_without_repeating_it(place, words, given, told):
    before = place.value(URL)
    answer = place.totara(*words, given=given)
    assert answer.returncode == 2, answer.stdout
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "planted0" not in answer.stdout + answer.stderr
    assert place.value(URL) == before


def test_generate_makes_a_pair_and_shows_its_public_half_alone(place):
    from totara_infra.operations.secrets.formats import public_half

    answer = place.totara("generate", "local", KEY)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == public_half(place.value(KEY))
    before = place.value(KEY)
    again = place.totara("generate", "local", KEY)
    assert again.returncode == 2
    assert "--replace" in again.stderr
    assert place.value(KEY) == before
    assert place.totara("generate", "local", KEY, "--replace").returncode == 0
    assert place.value(KEY) != before


def test_a_deleted_secret_is_recognised_and_restored_on_request(place):
    value = planted()
    place.live.client("secretsmanager").delete_secret(SecretId=TEXT, RecoveryWindowInDays=7)
    assert listed(place)[TEXT]["state"] == "to be deleted"
    refused = place.totara("put", "local", TEXT, given=value)
    assert refused.returncode == 2
    assert "--restore" in refused.stderr
    restored = place.totara("put", "local", TEXT, "--restore", given=value)
    assert restored.returncode == 0, restored.stderr
    assert place.value(TEXT) == value


def test_a_value_older_than_its_period_is_overdue(place):
    now = datetime.now(UTC)
    assert stands(place, URL, now + timedelta(days=89)) is State.FILLED
    assert stands(place, URL, now + timedelta(days=91)) is State.OVERDUE


def test_import_checks_everything_first_then_fills_and_goes_on(place):
    one, other = planted(), planted()
    file = place.temporary.parent / "values.yaml"
    unknown = "/bank/local/core/neon-db-urk"
    wrong = [f"{URL}: x-{one}", f"{unknown}: {one}", f"{one}://x/y: 1", f"{HMAC}: {one[:9]}"]
    file.write_text("\n".join(wrong))
    file.chmod(0o600)
    assert place.totara("put", "local", URL, given=url("before")).returncode == 0
    untouched = place.value(URL)
    refused = place.totara("import", "local", str(file))
    assert refused.returncode == 2
    for told in ("values.yaml:1", "values.yaml:2", "values.yaml:3", "values.yaml:4", "neon-db-url"):
        assert told in refused.stderr
    assert one not in refused.stdout + refused.stderr
    assert place.value(URL) == untouched

    right = {URL: url(one), JSON: {"user": "bank", "password": other}}
    dry = place.totara("import", "local", "-", "--dry-run", given=json.dumps(right))
    assert dry.returncode == 0, dry.stderr
    assert "replace" in dry.stdout
    assert place.value(URL) == untouched

    file.write_text(json.dumps({URL: right[URL]}))
    assert place.totara("import", "local", str(file)).returncode == 0
    with leaks.Watch([one, other]) as watch:
        rest = started(place, "import", "local", "-", input=json.dumps(right))
    assert rest.returncode == 0, rest.stderr
    assert f"{URL}: already equal" in rest.stdout
    assert json.loads(place.value(JSON)) == right[JSON]
    said = rest.stdout + rest.stderr + dry.stdout + dry.stderr
    assert not watch.found
    assert not leaks.everywhere([one, other], said, place.state, place.temporary)


@pytest.mark.parametrize(
    "text", ["{planted0: [", "*planted0", "planted0", "- planted0", "a: %planted0"]
)
def test_a_file_that_can_not_be_read_is_not_quoted(place, text):
    answer = place.totara("import", "local", "-", given=text)
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert "planted0" not in answer.stderr


def test_a_file_that_others_read_or_git_keeps_is_refused(place, tmp_path):
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    file = tmp_path / "values.json"
    file.write_text(json.dumps({TEXT: "never-stored"}))
    file.chmod(0o644)
    assert "mode 644" in place.totara("import", "local", str(file)).stderr
    file.chmod(0o600)
    warned = place.totara("import", "local", str(file), "--dry-run")
    assert warned.returncode == 0
    assert "is not ignored" in warned.stderr
    subprocess.run([*git, "add", "values.json"], check=True)
    refused = place.totara("import", "local", str(file))
    assert refused.returncode == 2
    assert "tracked by git" in refused.stderr
    assert place.value(TEXT) != "never-stored"


def test_seed_fills_what_is_empty_keeps_the_rest_and_leaks_nothing(place):
    before = place.value(URL)
    answer = place.totara("seed", "local")
    assert answer.returncode == 0, answer.stderr
    assert {e["state"] for e in listed(place).values()} == {"filled"}
    assert place.value(URL) == before
    values = [place.value(path) for path in entries(place.blueprint)]
    lines = [v.splitlines()[1] if v.startswith("-----") else v for v in values]
    assert not leaks.everywhere(lines, answer.stdout + answer.stderr, place.state, place.temporary)


@pytest.mark.parametrize("environment", ["dev", "uat", "prod"])
def test_seed_is_refused_where_values_are_real(place, environment):
    answer = place.totara("seed", environment)
    assert answer.returncode == 2
    assert "no emulated environment" in answer.stderr


def test_a_leak_on_purpose_is_found(place, tmp_path):
    value = planted()
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    file = tmp_path / "leak.txt"
    file.write_text(f"password: {value}")
    assert leaks.in_files(tmp_path, [value])
    assert not leaks.in_git_index(tmp_path, [value])
    subprocess.run(["git", "-C", str(tmp_path), "add", "leak.txt"], check=True)
    assert leaks.in_git_index(tmp_path, [value])
    assert leaks.in_text(f"said {value}", [value])
    for words, variables in ((["x", value], {}), (["x"], {"LEAK": value})):
        with leaks.Watch([value]) as watch:
            command = ["sh", "-c", "sleep 0.5; :", *words]
            subprocess.run(command, env={**os.environ, **variables}, check=True)
        assert watch.found
