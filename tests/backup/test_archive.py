"""Backups on a bare emulator: what is in them, what is not, and which are refused."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ports import free_port
from totara_infra.cli.main import run
from totara_infra.local import emulator
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.local.setup import ensure_ready
from totara_infra.model.problems import UsageError
from totara_infra.operations.backup.archive import FORMAT, Manifest
from totara_infra.operations.backup.keys import key_from_kms, new_key_from_kms
from totara_infra.operations.backup.sealing import BackupKey
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import AwsRefusedError

PLANTED = f"planted{uuid.uuid4().hex}"


@dataclass(frozen=True)
class Place:
    live: Live
    state: Path
    key: Path

    def totara(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, in this process, which has everything imported."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv(STATE_DIRECTORY_VARIABLE, str(self.state))
            patch.setattr(sys, "argv", ["totara", "backup", *words])
            with pytest.raises(SystemExit) as ended:
                run()
        code = int(ended.value.code or 0)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    def run(self, at: Path | str) -> dict:
        done = self.totara(
            "run", "local", "--at", str(at), "--key-file", str(self.key), "--format", "json"
        )
        assert done.returncode == 0, done.stderr
        assert PLANTED not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def verify(self, at: Path | str, *words: str, key: Path | None = None, env: str = "local"):
        return self.totara(
            "verify", env, "--at", str(at), "--key-file", str(key or self.key), *words
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    ensure_ready()
    state = tmp_path_factory.mktemp("state")
    (state / "emulator").symlink_to(state_directory() / "emulator")
    before = {n: os.environ.pop(n, None) for n in (STATE_DIRECTORY_VARIABLE, "TOTARA_PORT")}
    os.environ[STATE_DIRECTORY_VARIABLE] = str(state)
    os.environ["TOTARA_PORT"] = str(free_port())
    try:
        emulator.start("local", region="ap-southeast-2")
        from totara_infra.delivery.stacks import stack_settings

        live = Live(stack_settings("local", rehearse=False))
        _fill(live)
        place = Place(live, state, state / "key")
        assert place.totara("new-key", str(place.key)).returncode == 0
        yield place
    finally:
        emulator.stop("local")
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


def _fill(live: Live) -> None:
    """Secret values wherever a real environment has some."""
    live.client("ssm").put_parameter(Name="/bank/local/x/plain", Value="42", Type="String")
    live.client("ssm").put_parameter(
        Name="/bank/local/x/encrypted", Value=PLANTED, Type="SecureString"
    )
    live.client("secretsmanager").create_secret(Name="/bank/local/x/secret", SecretString=PLANTED)
    cognito = live.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="bank-staff-local")["UserPool"]["Id"]
    cognito.create_user_pool_client(UserPoolId=pool, ClientName="web", GenerateSecret=True)
    cognito.create_identity_provider(
        UserPoolId=pool,
        ProviderName="workforce",
        ProviderType="OIDC",
        ProviderDetails={"client_id": "bank", "client_secret": PLANTED, "oidc_issuer": "https://x"},
    )
    cognito.admin_create_user(
        UserPoolId=pool, Username="person", TemporaryPassword=f"Aa1!{PLANTED}",
        MessageAction="SUPPRESS",
    )  # fmt: skip


@dataclass(frozen=True)
class Made:
    """One backup, which tests damage copies of."""

    at: Path
    manifest: dict

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.at, to, dirs_exist_ok=True)
        return to


@pytest.fixture(scope="module")
def made(place, tmp_path_factory) -> Made:
    at = tmp_path_factory.mktemp("backups")
    return Made(at, place.run(at))


def objects(at: Path) -> list[Path]:
    return sorted(p for p in (at / "local" / "objects").rglob("*") if p.is_file())


def opened(place: Place, at: Path) -> str:
    """Everything in a backup in plain text, opened with nothing but the key."""
    key = BackupKey.from_text(place.key.read_text())
    return "\n".join(key.open(p.name, p.read_bytes()).decode() for p in objects(at))


def test_no_value_of_a_secret_is_in_a_backup_and_nothing_lies_in_the_clear(place, made):
    manifest = made.manifest
    assert manifest["parts"]["parameters"]["entries"] == 2
    assert manifest["parts"]["secrets"]["entries"] == 1
    content = opened(place, made.at)
    for name in ("/bank/local/x/plain", "/bank/local/x/secret", "workforce", "person"):
        assert name in content
    assert PLANTED not in content
    client = place.live.client("cognito-idp")
    pool = client.list_user_pools(MaxResults=60)["UserPools"][0]["Id"]
    web = client.list_user_pool_clients(UserPoolId=pool, MaxResults=60)["UserPoolClients"][0]
    described = client.describe_user_pool_client(UserPoolId=pool, ClientId=web["ClientId"])
    assert described["UserPoolClient"]["ClientSecret"] not in content
    for file in made.at.rglob("*"):
        if file.is_file():
            raw = file.read_bytes()
            assert b"/bank/local/" not in raw
            assert b"person" not in raw
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_equal_content_is_stored_once_and_what_lies_there_is_not_trusted(place, made, tmp_path):
    made.copy(tmp_path)
    damaged = objects(tmp_path)[0]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    names = objects(tmp_path)
    again = place.run(tmp_path)
    assert again["parts"] == made.manifest["parts"]
    assert objects(tmp_path) == names
    assert len(damaged.read_bytes()) == len(whole)
    assert place.verify(tmp_path).returncode == 0


@pytest.mark.parametrize("fault", ["cut", "altered", "missing", "swapped"])
def test_a_damaged_object_is_refused_and_restores_nothing(place, made, tmp_path, fault):
    made.copy(tmp_path)
    first, second = objects(tmp_path)[:2]
    content = first.read_bytes()
    if fault == "cut":
        first.write_bytes(content[:-1])
    elif fault == "altered":
        first.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif fault == "swapped":
        first.write_bytes(second.read_bytes())
    else:
        first.unlink()
    key = ("--at", str(tmp_path), "--key-file", str(place.key))
    # Both open a backup by the same way; one of the faults is tried with each.
    attempts = [place.verify(tmp_path)]
    if fault == "swapped":
        attempts.append(place.totara("restore", "local", *key))
    for done in attempts:
        assert done.returncode == 1
        assert "is damaged; nothing of it is used" in done.stderr
        assert first.name[:16] in done.stderr
        assert "fix: " in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "cut off or is none"),
        (lambda text: text.replace('"entries": 2', '"entries": 1'), "has been altered"),
        (lambda text: text.replace('"stack": "local"', '"stack": "dev"'), "has been altered"),
        (lambda text: text.replace('"format": 2', '"format": 3'), "a later version of totara"),
        (lambda text: text.replace('"format": 2', '"format": 1'), "the earlier version of totara"),
    ],
)
def test_a_damaged_manifest_is_refused(place, made, tmp_path, change, said):
    made.copy(tmp_path)
    file = next((tmp_path / "local" / "backups").iterdir())
    text = file.read_text()
    assert change(text) != text
    file.write_text(change(text))
    done = place.verify(tmp_path)
    assert done.returncode == 1
    assert said in done.stderr


def test_a_backup_goes_back_only_to_where_it_is_from(place, made, tmp_path):
    shutil.copytree(made.at / "local", tmp_path / "dev")
    done = place.verify(tmp_path, env="dev")
    assert done.returncode == 1
    assert f"{made.manifest['id']} is of `local`" in done.stderr
    done = place.verify(made.at, env="prod")
    assert (done.returncode, "no backup of `prod`" in done.stderr) == (2, True)


def test_a_backup_that_is_too_old_fails_the_schedule(place, made):
    young = place.verify(made.at, "--max-age", "1")
    assert young.returncode == 0, young.stderr
    old = place.verify(made.at, "--max-age", "0")
    assert (old.returncode, "totara backup run local" in old.stderr) == (1, True)
    assert "is whole" in old.stdout


def test_a_key_has_to_be_named_where_the_catalogue_names_none(place, tmp_path):
    done = place.totara("run", "local", "--at", str(tmp_path))
    assert (done.returncode, "Say which key" in done.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_another_key_is_recognised(place, made, tmp_path):
    assert place.totara("new-key", str(tmp_path / "other")).returncode == 0
    done = place.verify(made.at, key=tmp_path / "other")
    assert done.returncode == 1
    assert f"was made with key {made.manifest['key']}" in done.stderr
    again = place.totara("new-key", str(tmp_path / "other"))
    assert (again.returncode, "never overwritten" in again.stderr) == (2, True)


def test_a_key_that_others_can_read_is_refused_and_a_descriptor_will_do(place, made, tmp_path):
    loose = tmp_path / "loose"
    shutil.copy(place.key, loose)
    loose.chmod(0o644)
    done = place.verify(made.at, key=loose)
    assert (done.returncode, f"chmod 600 {loose}" in done.stderr) == (2, True)
    with place.key.open() as file:
        # The command closes what it has read.
        number = os.dup(file.fileno())
        words = ("verify", "local", "--at", str(made.at), "--key-fd", str(number))
        done = place.totara(*words)
    assert done.returncode == 0, done.stderr
    (tmp_path / "none").write_text(PLANTED)
    (tmp_path / "none").chmod(0o600)
    done = place.verify(made.at, key=tmp_path / "none")
    assert (done.returncode, PLANTED in done.stderr) == (2, False)


def test_a_bucket_and_a_key_of_kms(place):
    place.live.client("s3").create_bucket(
        Bucket="backups", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-2"}
    )
    key = place.live.client("kms").create_key()["KeyMetadata"]["KeyId"]
    at = ("--at", "s3://backups/totara")
    done = place.totara("run", "local", *at, "--kms-key", key, "--format", "json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads(done.stdout)
    done = place.totara("verify", "local", *at)
    assert done.returncode == 0, done.stderr
    assert "is whole" in done.stdout
    listed = json.loads(place.totara("list", "local", *at, "--format", "json").stdout)
    assert [m["id"] for m in listed] == [manifest["id"]]
    missing = place.totara("verify", "local", "--at", "s3://nobodys/x")
    assert missing.returncode == 1
    assert "listing bucket nobodys" in missing.stderr


def test_the_key_of_the_other_region_opens_a_backup_when_the_first_region_is_lost(place):
    other = "ap-southeast-4"
    keys = {
        region: place.live.client("kms", region=region).create_key()["KeyMetadata"]["KeyId"]
        for region in (place.live.settings.region, other)
    }
    first = keys[place.live.settings.region]
    key, wrapped = new_key_from_kms(place.live, first, "local", {other: keys[other]})
    assert set(wrapped) == set(keys)

    def opened_in(region: str, **forms: str) -> BackupKey:
        manifest = Manifest(
            format=FORMAT, id="x", stack="local", account_id="000000000000",
            region=place.live.settings.region, taken=datetime.now(UTC), key=key.id,
            wrapped_keys=forms, parts={},
        )  # fmt: skip
        settings = place.live.settings.model_copy(update={"region": region})
        return key_from_kms(Live(settings), manifest, "local")

    place.live.client("kms").schedule_key_deletion(KeyId=first, PendingWindowInDays=7)
    assert opened_in(other, **wrapped).id == key.id
    with pytest.raises(UsageError, match="opens the backup x in ap-southeast-2 only"):
        opened_in(other, **{r: w for r, w in wrapped.items() if r != other})
    # What one region's key has wrapped, another's does not open.
    with pytest.raises(AwsRefusedError, match="opening the key of the backup"):
        opened_in(other, **{other: wrapped[place.live.settings.region]})


def test_a_key_of_kms_in_a_folder_is_asked_of_the_emulator_and_of_nothing_else(place, tmp_path):
    at = ["--at", str(tmp_path / "backups")]
    key = place.live.client("kms").create_key()["KeyMetadata"]["KeyId"]
    assert place.totara("run", "local", *at, "--kms-key", key).returncode == 0
    opened = place.totara("verify", "local", *at)
    assert opened.returncode == 0, opened.stderr
    assert "is whole" in opened.stdout
