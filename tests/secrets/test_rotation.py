"""`totara secrets rotate` while tokens are signed and checked, ended after each of its writes."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.conftest import PROJECT
from tests.secrets import leaks
from tests.secrets.minded_proxy import MindedProxy
from tests.secrets.traffic import (
    ACTIVE,
    CACHE_SECONDS,
    PREVIOUS,
    Signer,
    Traffic,
    Verifier,
)
from totara_infra.cli.main import run
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE
from totara_infra.operations.secrets.filling import ROTATION_FUNCTION
from totara_infra.operations.secrets.formats import key_id
from totara_infra.operations.secrets.signing import CACHE_LIFETIME

HMAC = "/bank/local/risk/erp-webhook-hmac"
PAIR = "/bank/local/platform/snowflake-key-pair"
URL = "/bank/local/core/neon-db-url"
WRITES = 3
"""Next key published, old key kept, next key active."""


def quick_key() -> str:
    """A key shorter than ours, which takes a third of the time to make."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()


@dataclass
class Desk:
    """Where somebody rotates secrets: an environment behind a proxy."""

    place: object
    proxy: MindedProxy
    variables: dict[str, str]

    @property
    def client(self):
        return self.place.live.client("secretsmanager")

    def start(self, *words: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "totara_infra.cli", "secrets", "rotate", "local", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.variables,
            cwd=PROJECT,
        )

    def rotate(self, *words: str, code: int = 0) -> subprocess.CompletedProcess:
        """Run the command to its end, in this process, which has everything imported."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv(STATE_DIRECTORY_VARIABLE, self.variables[STATE_DIRECTORY_VARIABLE])
            patch.setattr(sys, "argv", ["totara", "secrets", "rotate", "local", *words])
            with pytest.raises(SystemExit) as ended:
                run()
        assert (ended.value.code or 0) == code, out.getvalue() + err.getvalue()
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def killed_after(self, write: int, *words: str) -> None:
        """Run the command and kill it once AWS has done a write, before it hears of it."""
        self.proxy.written.clear()
        process = self.start(*words)

        def end(number: int) -> None:
            if number == write:
                process.send_signal(signal.SIGKILL)
                process.wait()

        self.proxy.after_write = end
        try:
            out, err = process.communicate(timeout=120)
        finally:
            self.proxy.after_write = lambda number: None
        assert process.returncode == -signal.SIGKILL, out + err
        assert len(self.proxy.written) == write

    def steps(self, *words: str, code: int = 0) -> dict[str, dict]:
        found = json.loads(self.rotate(*words, "--format", "json", code=code).stdout)
        assert [s["order"] for s in found] == list(range(1, len(found) + 1))
        return {s["path"]: s for s in found}

    def at(self, path: str, label: str = "AWSCURRENT") -> str | None:
        try:
            answer = self.client.get_secret_value(SecretId=path, VersionStage=label)
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return answer.get("SecretString")

    def kid(self, path: str, label: str = "AWSCURRENT") -> str:
        return key_id(self.at(path, label))

    def keep_for(self, seconds: float) -> None:
        """Say for how long functions keep a secret's value."""
        self.place.live.client("ssm").put_parameter(
            Name=self.place.blueprint.scope.fill(CACHE_LIFETIME),
            Value=f"{seconds:.0f}",
            Type="String",
            Overwrite=True,
        )

    def new_pair(self, *, previous: bool = True) -> tuple[str, str]:
        """A pair that has never been rotated; ids of its active and previous key."""
        for path in (ACTIVE, PREVIOUS):
            self.client.delete_secret(SecretId=path, ForceDeleteWithoutRecovery=True)
            self.client.create_secret(Name=path)
            if path == ACTIVE or previous:
                pem = quick_key()
                self.client.put_secret_value(SecretId=path, SecretString=pem)
        return self.kid(ACTIVE), self.kid(PREVIOUS) if previous else ""


@pytest.fixture(scope="module")
def desk(place, tmp_path_factory) -> Iterator[Desk]:
    state = tmp_path_factory.mktemp("proxied")
    (state / "emulators").mkdir()
    (state / "emulator").symlink_to((place.state / "emulator").resolve())
    record = json.loads((place.state / "emulators" / "local.json").read_text())
    assert place.totara("seed", "local").returncode == 0
    with MindedProxy.before(record["port"]) as proxy:
        port = proxy.server_address[1]
        through = {**record, "port": port, "endpoint": f"http://127.0.0.1:{port}"}
        (state / "emulators" / "local.json").write_text(json.dumps(through))
        desk = Desk(place, proxy, {**place.variables, STATE_DIRECTORY_VARIABLE: str(state)})
        desk.keep_for(CACHE_SECONDS)
        yield desk


@pytest.mark.parametrize("write", range(WRITES + 1), ids=lambda n: f"killed-after-write-{n}")
def test_no_valid_token_fails_while_signing_keys_change(desk, write):
    old, _ = desk.new_pair()
    with Traffic(desk.place.live) as traffic:
        time.sleep(CACHE_SECONDS)
        if write:
            desk.killed_after(write, "--path", ACTIVE)
            time.sleep(CACHE_SECONDS)
        if write == WRITES:
            told = desk.rotate("--path", ACTIVE, code=1).stdout
            assert "refused" in told
        else:
            desk.rotate("--path", ACTIVE)
        time.sleep(2 * CACHE_SECONDS)
    assert traffic.refused == []
    new = desk.kid(ACTIVE)
    assert {t.kid for t in traffic.tokens} == {old, new}
    assert old != new
    assert desk.kid(PREVIOUS) == old
    assert traffic.checked > 300
    assert {t.kid for t in traffic.tokens[-2:]} == {new}


def test_two_runs_at_once_come_to_the_same_end(desk):
    old, _ = desk.new_pair(previous=False)
    with Traffic(desk.place.live) as traffic:
        time.sleep(CACHE_SECONDS)
        runs = [desk.start("--path", ACTIVE), desk.start("--path", PREVIOUS)]
        said = [run.communicate(timeout=120) for run in runs]
        time.sleep(CACHE_SECONDS)
    assert [run.returncode for run in runs] == [0, 0], said
    assert traffic.refused == []
    assert {t.kid for t in traffic.tokens} == {old, desk.kid(ACTIVE)}
    assert desk.kid(PREVIOUS) == old


def test_a_second_rotation_waits_for_the_grace_window(desk):
    desk.new_pair()
    desk.rotate("--path", ACTIVE)
    first, kept = desk.kid(ACTIVE), desk.kid(PREVIOUS)
    refused = desk.steps("--path", ACTIVE, code=1)[ACTIVE]
    assert refused["outcome"] == "refused"
    assert kept in refused["what"]
    assert "--compromised" in refused["what"]
    assert (desk.kid(ACTIVE), desk.kid(PREVIOUS)) == (first, kept)
    desk.proxy.ahead = 59 * 60
    try:
        assert desk.steps("--path", ACTIVE, "--dry-run", code=1)[ACTIVE]["outcome"] == "refused"
        desk.proxy.ahead = 61 * 60
        assert desk.steps("--path", ACTIVE, "--dry-run")[ACTIVE]["outcome"] == "planned"
        desk.rotate("--path", ACTIVE)
    finally:
        desk.proxy.ahead = 0
    assert desk.kid(PREVIOUS) == first


@pytest.mark.parametrize("write", range(WRITES), ids=lambda n: f"killed-after-write-{n}")
def test_compromised_keys_are_given_up_at_once(desk, write):
    old, _ = desk.new_pair()
    token = Signer(desk.place.live).token()
    if write == 0:
        # Half of an ordinary rotation: its next key could be known too.
        desk.killed_after(2, "--path", ACTIVE)
    half = desk.at(ACTIVE, "AWSPENDING")
    plan = desk.steps("--path", ACTIVE, "--compromised", "--dry-run")[ACTIVE]
    assert old in plan["what"]
    assert "dies" in plan["what"]
    assert plan["restart"] == ["MOD-044"]
    assert desk.kid(ACTIVE) == old
    if write:
        desk.killed_after(write, "--path", ACTIVE, "--compromised")
    # Once the old key is no longer kept, even an ordinary run must not bring it back.
    said = desk.rotate("--path", ACTIVE, *(["--compromised"] if write < 2 else [])).stderr
    assert "Waits" not in said
    new = desk.kid(ACTIVE)
    assert new != old
    assert half is None or new != key_id(half)
    assert desk.kid(PREVIOUS) == new
    restarted = Verifier(desk.place.live)
    assert not restarted.accepts(token)
    assert restarted.accepts(Signer(desk.place.live).token())


def test_a_grace_window_shorter_than_the_tokens_is_refused(desk):
    desk.new_pair()
    ssm, name = desk.place.live.client("ssm"), "/bank/local/mod044/signing-key-grace"
    ssm.put_parameter(Name=name, Value="10", Type="String")
    try:
        told = desk.rotate("--path", ACTIVE, code=1).stderr
    finally:
        ssm.delete_parameter(Name=name)
    assert "shorter than the longest life" in told
    assert desk.at(ACTIVE, "AWSPENDING") is None


def test_a_shared_key_is_used_once_the_other_side_has_it(desk):
    before = desk.at(HMAC)
    refused = desk.steps("--path", HMAC, "--handed-over", code=1)[HMAC]
    assert refused["outcome"] == "refused"
    made = desk.steps("--path", HMAC)[HMAC]
    following = desk.at(HMAC, "AWSPENDING")
    assert made["outcome"] == "waits for a person"
    assert f"rotate local --path {HMAC} --handed-over" in made["what"]
    assert desk.at(HMAC) == before != following
    assert desk.steps("--path", HMAC)[HMAC]["outcome"] == "waits for a person"
    assert desk.at(HMAC, "AWSPENDING") == following
    used = desk.steps("--path", HMAC, "--handed-over")[HMAC]
    assert used["outcome"] == "rotated"
    assert used["restart"] == ["MOD-080"]
    assert desk.at(HMAC) == following
    assert desk.at(HMAC, "AWSPREVIOUS") == before
    leaked = desk.steps("--path", HMAC, "--compromised")[HMAC]
    assert "without delay" not in leaked["what"]
    assert desk.at(HMAC) not in (before, following)


def test_of_a_key_pair_the_public_half_is_shown(desk):
    from totara_infra.operations.secrets.formats import public_half

    made = desk.steps("--path", PAIR)[PAIR]
    assert made["public_key"] == public_half(desk.at(PAIR, "AWSPENDING"))
    assert made["public_key"] != public_half(desk.at(PAIR))


def test_the_function_of_mod_045_is_called_and_its_work_checked(desk):
    function = "arn:aws:lambda:ap-southeast-2:000000000000:function:rotate"
    assert "not deployed" in desk.steps("--path", URL)[URL]["what"]
    desk.place.live.client("ssm").put_parameter(
        Name=desk.place.blueprint.scope.fill(ROTATION_FUNCTION), Value=function, Type="String"
    )
    assert "secrets schedule local" in desk.steps("--path", URL)[URL]["what"]
    assert desk.place.totara("schedule", "local").returncode == 0
    desk.keep_for(600)
    young = desk.steps("--path", URL, code=1)[URL]
    assert "a second rotation" in young["what"]
    desk.keep_for(CACHE_SECONDS)
    time.sleep(CACHE_SECONDS + 1)

    before, new = desk.at(URL), "postgresql://app_user_alt:planted@db.example.test/bank_core"

    def rotation(path: str, version: str) -> None:
        """Create, set and test, then finish, as the function would, a moment later."""
        desk.client.put_secret_value(
            SecretId=path,
            ClientRequestToken=version,
            SecretString=new,
            VersionStages=["AWSPENDING"],
        )

        current = desk.client.get_secret_value(SecretId=path)["VersionId"]

        def finish() -> None:
            time.sleep(1.5)
            desk.client.update_secret_version_stage(
                SecretId=path,
                VersionStage="AWSCURRENT",
                MoveToVersionId=version,
                RemoveFromVersionId=current,
            )

        threading.Thread(target=finish).start()

    desk.proxy.function = rotation
    try:
        started = time.monotonic()
        done = desk.steps("--path", URL)[URL]
    finally:
        desk.proxy.function = None
    assert done["outcome"] == "rotated"
    assert time.monotonic() - started > 1.5
    assert desk.at(URL) == new != before
    assert set(done["restart"]) >= {"MOD-001", "MOD-002"}

    # The emulator's own answer to RotateSecret puts the same value again.
    time.sleep(CACHE_SECONDS + 1)
    failed = desk.steps("--path", URL, code=1)[URL]
    assert failed["outcome"] == "failed"
    assert "the value is the one before it" in failed["what"]


def test_a_plan_for_everything_shows_order_reason_and_restarts_and_changes_nothing(desk):
    desk.new_pair()
    listed = desk.client.get_paginator("list_secrets").paginate().build_full_result()
    labels = {
        s["Name"]: desk.client.describe_secret(SecretId=s["Name"]) for s in listed["SecretList"]
    }
    plan = desk.steps("--all", "--dry-run", code=0)
    assert {
        s["Name"]: desk.client.describe_secret(SecretId=s["Name"])["VersionIdsToStages"]
        for s in listed["SecretList"]
    } == {name: found["VersionIdsToStages"] for name, found in labels.items()}
    assert set(labels) - {PREVIOUS} == set(plan)
    order = list(desk.place.blueprint.sequence.module)
    places = [order.index(s["module"]) for s in plan.values()]
    assert places == sorted(places)
    ways = {s["way"] for s in plan.values()}
    assert ways == {
        "signing key",
        "made here, handed over",
        "rotation function",
        "issued by others",
    }
    issued = plan["/bank/local/payments/swift"]
    assert issued["restart"] == ["MOD-067"]
    assert "totara secrets put local /bank/local/payments/swift" in issued["what"]
    assert "MOD-067 goes up in phase" in issued["why"]
    table = desk.rotate("--domain", "SD04", "--dry-run").stdout
    assert "/bank/local/payments/swift" in table
    assert "/bank/local/payments/neon-db-url" in table
    assert "/bank/local/core/" not in table
    assert "MOD-067" in table.split("in this order:")[1]
    assert "Nothing was changed." in table


def test_what_was_changed_since_a_moment_is_done(desk):
    desk.new_pair()
    done = desk.steps("--all", "--dry-run", "--since", "2026-01-01T00:00Z")
    assert {s["outcome"] for s in done.values()} == {"done before"}
    since = ("--path", ACTIVE, "--since", "2026-01-01T00:00Z", "--dry-run")
    assert desk.steps(*since)[ACTIVE]["outcome"] == "done before"
    # The previous key counts on: where it is known to others, that is not done.
    assert desk.steps(*since, "--compromised")[ACTIVE]["outcome"] == "planned"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "one of --all, --domain"),
        (("--all", "--path", HMAC), "one of --all, --domain"),
        (("--domain", "SD09"), "no domain `SD09`"),
        (("--path", "risk/erp-webhook-hmax"), "erp-webhook-hmac"),
        (("--all", "--handed-over"), "with --path"),
        (("--all", "--since", "yesterday"), "is no moment"),
        (("--all", "--since", "2026-01-01"), "no time zone"),
    ],
)
def test_what_was_said_wrongly_is_told(desk, words, told):
    assert told in desk.rotate(*words, code=2).stderr


def test_no_value_shows_while_secrets_are_rotated(desk):
    desk.new_pair()
    before = [desk.at(path) for path in (ACTIVE, PREVIOUS, HMAC, PAIR)]
    lines = [v.splitlines()[1] if v.startswith("-----") else v for v in before]
    with leaks.Watch(lines) as watch:
        process = desk.start("--all", "--format", "json")
        out, err = process.communicate(timeout=120)
    # 1 where the tests before have left something that is refused.
    assert process.returncode in (0, 1), out + err
    assert len(json.loads(out)) > 60
    assert not watch.found
    assert process.pid in watch.seen
    values = [
        value
        for path in (ACTIVE, PREVIOUS, HMAC, PAIR)
        for label in ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")
        if (value := desk.at(path, label)) is not None
    ]
    lines = [v.splitlines()[1] if v.startswith("-----") else v for v in values]
    assert len(lines) > 7
    folders = (desk.place.temporary, desk.place.state)
    assert not leaks.everywhere(lines, out + err, *folders)
