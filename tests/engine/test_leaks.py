"""No secret's value in anything that the engine says, starts or leaves behind."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.engine.checkout import Checkout
from tests.secrets import leaks

pytestmark = pytest.mark.engine

SD07 = "totara_infra/catalogue/domains/sd07.yaml"
SD01 = "totara_infra/catalogue/domains/sd01.yaml"
BUCKET = "bank-local-documents"
PATHS = [f"/bank/local/{d}/neon-db-url" for d in ("core", "kyc", "aml", "payments")]


def import_values(checkout: Checkout, values: dict[str, str]) -> str:
    done = subprocess.run(
        checkout.command("totara", "secrets", "import", "local", "-"),
        cwd=checkout.root,
        env=checkout.environment,
        input=json.dumps(values),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def declare_window(checkout: Checkout, default: str) -> None:
    """Another default, in SD01, so that the gate of its phase is checked again."""
    file = checkout.root / SD01
    text, count = re.subn(r"(unit: hours\n +default: ).+", rf"\g<1>{default}", file.read_text())
    assert count == 1
    file.write_text(text)


def search(checkout: Checkout, values: list[str], said: str, temporary: Path) -> list[str]:
    return leaks.everywhere(values, said, checkout.root, temporary)


def test_values_are_nowhere_after_every_run_of_the_engine_and_found_when_leaked(
    new_small_environment, tmp_path
):
    checkout = new_small_environment()
    temporary = {"TMPDIR": str(tmp_path)}
    passwords = {path: f"planted{uuid.uuid4().hex}" for path in PATHS}
    values = list(passwords.values())
    urls = {p: f"postgresql://app_user:{w}@db.example.test/bank" for p, w in passwords.items()}
    with leaks.Watch(values) as watch:
        said = [import_values(checkout, urls)]
        declare_window(checkout, "36")
        said.append(checkout.totara("preview", "local", **temporary).text)
        said.append(checkout.totara("up", "local", **temporary).text)
        said.append(checkout.pulumi("refresh", "-s", "local", "--yes", **temporary).text)
        for name in ("core", "kyc"):
            # What the engine reads back and compares has to be written anew.
            checkout.live().client("secretsmanager").tag_resource(
                SecretId=f"/bank/local/{name}/neon-db-url", Tags=[{"Key": "env", "Value": "x"}]
            )
        said.append(checkout.pulumi("refresh", "-s", "local", "--yes", "--diff", **temporary).text)
        checkout.live().client("s3").put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
        )
        checkout.edit(SD07, "default: 60\n", "default: 61\n")
        failed = checkout.totara("up", "local", code=1, **temporary)
        said.append(failed.text)
    assert "FAILED" in failed.text
    assert BUCKET in failed.text
    assert not watch.found
    assert len(watch.seen) > 10
    assert list(checkout.state.rglob("*.json"))
    assert search(checkout, values, "\n".join(said), tmp_path) == []
    kept = checkout.live().client("secretsmanager").get_secret_value(SecretId=PATHS[0])
    assert values[0] in kept["SecretString"]

    checkout.live().client("s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    )
    # A value where it does not belong comes through the engine into its state and its words.
    file = checkout.root / SD01
    file.write_text(file.read_text().replace("How long a repeat is recognised.", f"{values[0]}."))
    found = search(checkout, values, "", checkout.state)
    assert found == [f"file {file}"]
    said.append(checkout.totara("preview", "local", **temporary).text)
    checkout.pulumi("up", "-s", "local", "--yes", "--skip-preview", **temporary)
    assert any("/.totara/" in place for place in search(checkout, values, "", tmp_path))
