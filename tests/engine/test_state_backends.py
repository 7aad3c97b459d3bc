"""State in a bucket of S3: locks, two updates at once, and an update that was killed there."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import psutil
import pytest

from tests.command import TOTARA
from tests.engine.checkout import Checkout
from tests.engine.inventory import counted, inventory, wanted

pytestmark = pytest.mark.engine

REGION = "ap-southeast-2"
BUCKET = "bank-state"
STATE = ".pulumi/stacks/totara-infra/local.json"
LOCKS = ".pulumi/locks/organization/totara-infra/local/"


@pytest.fixture(scope="module")
def bucket(new_small_checkout) -> Iterator[tuple[Checkout, Any, dict[str, str]]]:
    """A small environment, a client of the emulator that holds its state, and its variables."""
    checkout = new_small_checkout()
    checkout.python(
        "from totara_infra.local import emulator\n"
        f"emulator.start('state-rehearsal', region='{REGION}')"
    )
    port = json.loads(checkout.emulator_record("state-rehearsal").read_text())["port"]
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="000000000000",
        aws_secret_access_key="emulated",
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    variables = {
        "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint=127.0.0.1:{port}&disableSSL=true"
        f"&s3ForcePathStyle=true&region={REGION}",
        "AWS_ACCESS_KEY_ID": "000000000000",
        "AWS_SECRET_ACCESS_KEY": "emulated",
    }
    yield checkout, client, variables
    checkout.python("from totara_infra.local import emulator\nemulator.stop('state-rehearsal')")


def stop_in_the_middle(
    command: subprocess.Popen[bytes], checkout: Checkout, client: Any
) -> psutil.Process:
    """Hold an engine that has made a pool, whose id AWS gives, and is making something else."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert command.poll() is None, "it ended before it could be held"
        engines = [p for p in psutil.Process(command.pid).children() if p.name() == "pulumi"]
        if engines and checkout.emulator_record().is_file() and b"userPool" in content(client):
            engines[0].suspend()
            if b'"creating"' in content(client):
                return engines[0]
            engines[0].resume()
        time.sleep(0.05)
    raise AssertionError("it made no pool")


def content(client: Any) -> bytes:
    try:
        found: bytes = client.get_object(Bucket=BUCKET, Key=STATE)["Body"].read()
    except client.exceptions.NoSuchKey:
        return b""
    return found


def offered(text: str) -> str:
    """The first command that a message offers."""
    found = re.search(r"`((?:totara|pulumi) [^`]+)`", text)
    assert found, text
    return found[1]


def test_a_bucket_keeps_two_updates_apart_and_a_killed_one_is_mended(bucket):
    checkout, client, variables = bucket

    def there(prefix: str) -> list[str]:
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in listed]

    first = subprocess.Popen(
        checkout.command("totara", "up", "local"),
        cwd=checkout.root,
        env={**checkout.environment, **variables, "PULUMI_SKIP_CHECKPOINTS": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # Held, so that the second one meets it for certain.
        engine = stop_in_the_middle(first, checkout, client)

        status = checkout.totara("state", "status", "local", code=1, **variables)
        assert f"locked by process {engine.pid} " in status.out
        assert "which is running" in status.out
        told = checkout.run(TOTARA, "drift", "local", **variables)
        assert f"An update of stack local is running (process {engine.pid} " in told.err
        first.kill()
        first.wait()
        second = checkout.totara("up", "local", code=1, **variables)
        untouched = checkout.totara("state", "rebuild", "local", code=1, **variables)
        for text in (second.err, untouched.err):
            assert f"locked by process {engine.pid} " in text
            assert "which is running" in text
        engine.kill()
    finally:
        # A test that fails in between leaves nobody waiting for a process that is held.
        for process in checkout.processes():
            if process.name() == "pulumi":
                process.kill()
        first.kill()
        first.wait()

    refused = checkout.totara("up", "local", code=1, **variables)
    assert "has ended without lifting its lock" in refused.err
    assert "would make a second one" in refused.err
    assert offered(refused.err) == "pulumi cancel -s local"
    data = checkout.totara("state", "status", "local", "--format", "json", code=1, **variables).data
    assert [lock["alive"] for lock in data["locks"]] == [False]
    assert "creating" in {entry["operation"] for entry in data["pending"]}
    checkout.pulumi("cancel", "--yes", "-s", "local", **variables)
    refused = checkout.totara("up", "local", code=1, **variables)
    assert offered(refused.err) == "totara state rebuild local"

    found = checkout.totara("state", "rebuild", "local", "--format", "json", **variables).data

    assert found["backup"].startswith(f"s3://{BUCKET}/.pulumi/backups/totara-infra/local/")
    assert found["counts"]["imported"]
    assert there(LOCKS) == []
    checkout.totara("state", "status", "local", **variables)
    checkout.totara("up", "local", **variables)
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    checkout.pulumi("preview", "-s", "local", "--expect-no-changes", **variables)


def test_a_lost_emptied_or_altered_state_is_refused_before_anything_is_made(bucket):
    checkout, client, variables = bucket
    checkout.totara("up", "local", **variables)
    things = inventory(checkout.live())
    whole = content(client)
    nothing = {"stack": "organization/totara-infra/local", "latest": None}
    empty = json.dumps({"version": 3, "checkpoint": nothing}).encode()
    for command, state in (("preview", empty), ("up", empty), ("up", b"")):
        if state:
            client.put_object(Bucket=BUCKET, Key=STATE, Body=state)
        else:
            client.delete_object(Bucket=BUCKET, Key=STATE)
        refused = checkout.totara(command, "local", code=1, **variables)
        assert "an update would make them a second time" in refused.err
        assert offered(refused.err) == "totara state rebuild local"
        # Not even a stack was made.
        assert content(client) == state
    assert inventory(checkout.live()) == things
    state = json.loads(whole)
    pool = next(
        resource
        for resource in state["checkpoint"]["latest"]["resources"]
        if resource["urn"].endswith("::user_pool/staff")
    )
    right, pool["id"] = pool["id"], "ap-southeast-2_notThisOne"
    client.put_object(Bucket=BUCKET, Key=STATE, Body=json.dumps(state).encode())
    status = checkout.totara("state", "status", "local", code=1, **variables)
    refused = checkout.totara("up", "local", code=1, **variables)
    for text in (status.out, refused.err):
        assert f"the state has ap-southeast-2_notThisOne, live is {right}" in text
        assert offered(text) == "totara state rebuild local"
    checkout.totara("state", "rebuild", "local", **variables)
    assert "Nothing changed" in checkout.totara("up", "local", **variables).out
    assert inventory(checkout.live()) == things


def test_a_state_that_outlives_its_emulator_is_emptied_and_no_tracked_file_goes(bucket):
    checkout, _, variables = bucket
    checkout.totara("up", "local", **variables)
    tracked = (checkout.root / "Pulumi.local.yaml").read_bytes()
    said = checkout.totara("down", "local", **variables)
    assert "totara state rebuild local --empty" in said.out
    for command in (("state", "status"), ("up",), ("state", "rebuild")):
        refused = checkout.totara(*command, "local", code=1, **variables)
        assert offered(refused.text) == "totara state rebuild local --empty"
    checkout.totara("state", "rebuild", "local", "--empty", **variables)
    assert (
        '"new"' in checkout.totara("state", "status", "local", "--format", "json", **variables).out
    )
    checkout.totara("up", "local", **variables)
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    assert (checkout.root / "Pulumi.local.yaml").read_bytes() == tracked
