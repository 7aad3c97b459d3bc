"""State in a bucket of S3: locks, two updates at once, and an update that was killed there."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.engine.checkout import Checkout
from tests.engine.inventory import counted, inventory, wanted

pytestmark = pytest.mark.engine

REGION = "ap-southeast-2"
BUCKET = "bank-state"
STATE = ".pulumi/stacks/totara-infra/local.json"
LOCKS = ".pulumi/locks/organization/totara-infra/local/"


@pytest.fixture
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


def stop_in_the_middle(engine: subprocess.Popen[bytes], checkout: Checkout, client: Any) -> None:
    """Hold an engine that has made a pool, whose id AWS gives, and is making something else."""
    pools = checkout.live().client("cognito-idp")
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert engine.poll() is None, "it ended before it could be held"
        if pools.list_user_pools(MaxResults=60)["UserPools"]:
            engine.send_signal(signal.SIGSTOP)
            if b'"creating"' in content(client):
                return
            engine.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("it made no pool")


def content(client: Any) -> bytes:
    found: bytes = client.get_object(Bucket=BUCKET, Key=STATE)["Body"].read()
    return found


def test_a_bucket_keeps_two_updates_apart_and_a_killed_one_is_mended(bucket):
    checkout, client, variables = bucket

    def there(prefix: str) -> list[str]:
        listed = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in listed]

    checkout.start_emulator()
    checkout.pulumi("stack", "init", "local", **variables)
    with subprocess.Popen(
        checkout.command("pulumi", "up", "--yes", "--skip-preview", "-s", "local"),
        cwd=checkout.root,
        env={**checkout.environment, **variables, "PULUMI_SKIP_CHECKPOINTS": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as first:
        # Held, so that the second one meets it for certain.
        stop_in_the_middle(first, checkout, client)

        status = checkout.totara("state", "status", "local", code=1, **variables)
        second = checkout.totara("up", "local", code=1, **variables)
        for told in (status.out, second.err):
            assert f"locked by process {first.pid} " in told
            assert "which is running" in told
        untouched = checkout.totara("state", "rebuild", "local", code=1, **variables)
        assert "which is running" in untouched.err

        first.send_signal(signal.SIGKILL)

    refused = checkout.totara("up", "local", code=1, **variables)
    assert "has ended without lifting its lock" in refused.err
    assert "pulumi cancel -s local" in refused.err
    assert "would make a second one" in refused.err
    data = checkout.totara("state", "status", "local", "--format", "json", code=1, **variables).data
    assert [lock["alive"] for lock in data["locks"]] == [False]
    assert "creating" in {entry["operation"] for entry in data["pending"]}

    found = checkout.totara("state", "rebuild", "local", "--format", "json", **variables).data

    assert found["backup"].startswith(f"s3://{BUCKET}/.pulumi/backups/totara-infra/local/")
    assert found["counts"]["imported"]
    assert there(LOCKS) == []
    checkout.totara("state", "status", "local", **variables)
    checkout.totara("up", "local", **variables)
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    checkout.pulumi("preview", "-s", "local", "--expect-no-changes", **variables)
