"""The policies under the real engine, in a preview of prod that breaks every one of them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.engine.conftest import new_checkout, new_small_checkout
from tests.policies.faults import FAULTS, STACK_FAULTS
from totara_infra.policies.enforcement import CONVENTIONS, STACK_CONVENTIONS

pytestmark = pytest.mark.engine

__all__ = ["new_checkout", "new_small_checkout"]

DECLARED = """
import pulumi
import pulumi_aws as aws
from faults import BARE_BUCKET, FAULTS, TAGS
from totara_infra.components.made import resource_class

def declare(platform, settings):
    made = platform._made._resources
    tags = settings.tags("MOD-104", "SD07")

    def value(given):
        if given == TAGS:
            return tags
        if isinstance(given, dict):
            if "$output" in given:
                return getattr(made[given["of"]], given["$output"])
            return {key: value(item) for key, item in given.items()}
        return [value(item) for item in given] if isinstance(given, list) else given

    def make(name, kind, properties, protect):
        options = pulumi.ResourceOptions(parent=platform, protect=protect)
        made[name] = resource_class(kind)(name, opts=options, **value(properties))

    make("fault/bucket", "aws:s3/bucket:Bucket", BARE_BUCKET | {"bucket": "bank-fault"}, True)
    make("fault/bare-bucket", "aws:s3/bucket:Bucket", BARE_BUCKET, True)
    for fault in FAULTS:
        make(fault.name, fault.type, fault.properties, fault.protect)
    aws.Provider(
        "elsewhere", region="ap-southeast-4", access_key=settings.account_id, secret_key="emulated",
        endpoints=[{"sts": settings.endpoint}], skip_credentials_validation=True,
    )
"""
PROVIDER_FAULTS = ("Its region is not the stack's", "It allows every account")


@pytest.fixture(scope="module")
def faulty(new_small_checkout):
    """A program that breaks every convention, and how its preview ended."""
    checkout = new_small_checkout()
    shutil.copy(Path(__file__).parent / "faults.py", checkout.root / "faults.py")
    (checkout.root / "declaring.py").write_text(DECLARED)
    checkout.edit(
        "__main__.py",
        "    return await Platform(settings, tenants, checks=Gates(settings)).ready()\n",
        "    platform = Platform(settings, tenants, checks=Gates(settings))\n"
        "    from declaring import declare\n"
        "    declare(platform, settings)\n"
        "    return await platform.ready()\n",
    )
    checkout.edit(
        "totara_infra/blueprint/secrets.py",
        'Reference(f"key/{secret.key_class}", "arn")',
        'Reference("key/pii", "arn")',
    )
    return checkout, checkout.totara("preview", "prod", "--offline", code=1, TOTARA_POLICIES="1")


def reported(output: str) -> dict[tuple[str, str], str]:
    """Policy and resource -> what the command says of them."""
    found: dict[tuple[str, str], str] = {}
    resource = ""
    for line in output.splitlines():
        if line.startswith("FAILED "):
            resource = line.split(" ")[-1]
        elif match := re.match(r"  policy ([\w-]+): ", line):
            key = (match[1], resource)
            found[key] = found.get(key, "") + "\n" + line
        elif line.startswith("  ") and found:
            found[key] += "\n" + line
    return found


def test_each_fault_is_reported_by_its_policy_and_by_no_other(faulty):
    _, outcome = faulty
    found = reported(outcome.out)

    wanted = {(fault.policy, fault.name): fault.says for fault in FAULTS}
    for key, says in wanted.items():
        assert says in found.get(key, ""), outcome.out
    for policy, name, says in STACK_FAULTS:
        assert says in found.get((policy, name), ""), outcome.text
    for says in PROVIDER_FAULTS:
        assert says in found["provider", "elsewhere"]

    secrets = {key for key in found if key[0] == "key-class"}
    assert len(secrets) == 9
    others = {(policy, name) for policy, name, _ in STACK_FAULTS}
    assert set(found) == set(wanted) | others | secrets | {("provider", "elsewhere")}
    named = {policy for policy, _ in found}
    assert named == {c.name for c in (*CONVENTIONS, *STACK_CONVENTIONS)}


def test_no_report_repeats_a_credential(faulty):
    checkout, outcome = faulty
    assert "canary-41c7" not in outcome.text
    written = checkout.state.rglob("*.log")
    assert [file for file in written if b"canary-41c7" in file.read_bytes()] == []


def test_an_offline_preview_leaves_nothing_behind(faulty):
    checkout, _ = faulty
    checkout.wait_for_no_process()
    assert not list(checkout.root.glob("Pulumi.*-rehearsal.yaml"))
    assert not [file for file in checkout.state.rglob("*offline*") if file.is_file()]
