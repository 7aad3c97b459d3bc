"""What was changed behind the engine's back, gates that fail, and a policy pack.

The tests share one small environment; each leaves it as its files say, so any order will do.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.command import PULUMI
from tests.engine.checkout import Change, Checkout
from tests.engine.inventory import names_of, touched
from totara_infra.operations.trail import writes

pytestmark = pytest.mark.engine

WINDOW = "/bank/local/service-001/window"
BUCKET = "bank-local-documents"
QUEUE = "bank-core-dlq"
SD01 = "totara_infra/catalogue/domains/sd01.yaml"
SD07 = "totara_infra/catalogue/domains/sd07.yaml"
POLICY = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy


def tagged(args, report):
    if "/parameter:Parameter" in args.resource_type and not args.props.get("tags"):
        report("every parameter is tagged")


def small_window(args, report):
    if args.name == "service-001/window" and int(args.props["insecureValue"]) > 12:
        report("a repeat is recognised for twelve hours at most")


PolicyPack("bank", policies=[
    ResourceValidationPolicy(
        name=name, description=name, validate=check, enforcement_level=EnforcementLevel.MANDATORY
    )
    for name, check in (("tagged", tagged), ("small-window", small_window))
])
"""


@pytest.fixture(scope="module")
def small(new_small_environment) -> Checkout:
    """A copy of the project with a small catalogue that is up."""
    return new_small_environment()


def suspend_versioning(small: Checkout) -> None:
    small.live().client("s3").put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
    )


def versioning(small: Checkout) -> str:
    return str(small.live().client("s3").get_bucket_versioning(Bucket=BUCKET)["Status"])


def value_of(small: Checkout, name: str) -> str:
    return str(small.live().client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def retention_days(small: Checkout) -> int:
    client = small.live().client("sqs")
    queue = client.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["MessageRetentionPeriod"])
    return int(answer["Attributes"]["MessageRetentionPeriod"]) // 86400


def declare_window(small: Checkout, hours: int) -> None:
    """Write another default of the parameter of MOD-001 into the catalogue."""
    file = small.root / SD01
    text, count = re.subn(r"(unit: hours\n +default: )\d+", rf"\g<1>{hours}", file.read_text())
    assert count == 1
    file.write_text(text)


def declared_window(small: Checkout) -> str:
    return str(small.blueprint().resources["service-001/window"].properties["insecure_value"])


def test_a_refresh_shows_what_was_changed_and_nothing_else_and_the_next_up_mends_it(small):
    assert small.changes("refresh", "-s", "local", "--preview-only") == set()
    live = small.live()
    live.client("ssm").put_parameter(Name=WINDOW, Value="99", Overwrite=True)
    suspend_versioning(small)
    queue = live.client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]
    tags = live.client("sqs").list_queue_tags(QueueUrl=queue)["Tags"]
    live.client("sqs").untag_queue(QueueUrl=queue, TagKeys=["module_id"])

    shown = small.changes("refresh", "-s", "local", "--preview-only")

    assert shown == {
        Change("update", "service-001/window", ("insecureValue",)),
        Change("update", "bucket/bank-documents/versioning", ("versioningConfiguration",)),
        Change("update", f"queue/{QUEUE}", ("tags",)),
    }
    assert value_of(small, WINDOW) == "99"

    assert small.changes("refresh", "-s", "local", "--yes", "--skip-preview") == shown
    mended = small.totara("up", "local")

    assert re.search(r"^Operations: \d+ same, 3 update\.$", mended.out, re.MULTILINE)
    assert value_of(small, WINDOW) == declared_window(small)
    assert versioning(small) == "Enabled"
    assert live.client("sqs").list_queue_tags(QueueUrl=queue)["Tags"] == tags
    assert small.changes("refresh", "-s", "local", "--preview-only") == set()


def test_what_was_deleted_behind_the_engines_back_is_shown_and_made_again(small):
    small.live().client("ssm").delete_parameter(Name=WINDOW)

    shown = small.changes("refresh", "-s", "local", "--yes", "--skip-preview")

    assert shown == {Change("delete", "service-001/window")}
    mended = small.totara("up", "local")
    assert "1 create" in mended.out
    assert "update" not in mended.out.split("Resources by kind")[0]
    assert value_of(small, WINDOW) == declared_window(small)


def test_a_failing_gate_stops_later_phases_and_the_next_up_goes_on(small):
    suspend_versioning(small)
    days = f"dead_letter_queue: {QUEUE}\n    dead_letter_retention_days: 14"
    small.edit(SD07, days, days.replace("14", "10"))
    window = value_of(small, WINDOW)
    declare_window(small, 36)
    blueprint, before = small.blueprint(), time.time()

    stopped = small.totara("up", "local", code=1)

    assert "FAILED gate:1: deployment/phase-1" in stopped.out
    assert "Gate of phase 1 (Bootstrap): 1 of " in stopped.out
    complaint = (
        f"- bucket versioning {BUCKET}: expected versioning_configuration.status = Enabled, found "
        "versioning_configuration.status = Suspended. Run `pulumi refresh -s local`"
    )
    assert complaint in stopped.out
    assert "stopped after" in stopped.out
    assert "were not reached." in stopped.out
    assert "phase 3 Core: MOD-001" in stopped.out
    record = touched(writes(small.live(), since=before))
    assert "/bank/local/deployment/mod-104" in record
    assert blueprint.gate(1).properties["name"] not in record
    assert record & names_of(blueprint, range(2, 8)) == set()
    assert (retention_days(small), value_of(small, WINDOW)) == (10, window)

    # As the message says.
    small.pulumi("refresh", "-s", "local", "--yes", "--skip-preview")
    small.totara("up", "local")

    assert versioning(small) == "Enabled"
    assert value_of(small, WINDOW) == "36"
    for phase in (1, 3):
        gate = blueprint.gate(phase).properties
        assert value_of(small, gate["name"]) == gate["insecure_value"]


def test_a_gate_finds_a_parameter_that_somebody_removed(small):
    """A phase other than the first one; the parameter's own module is not what changes."""
    gone = "/bank/local/deployment/mod-118"
    small.live().client("ssm").delete_parameter(Name=gone)
    declare_window(small, 48)
    before = time.time()

    stopped = small.totara("up", "local", code=1)

    assert "FAILED gate:3: deployment/phase-3" in stopped.out
    assert f"- module marker {gone}: expected sha256:" in stopped.out
    assert "found nothing. Run " in stopped.out
    assert (
        touched(writes(small.live(), since=before)) & names_of(small.blueprint(), (4, 5, 6))
        == set()
    )

    small.pulumi("refresh", "-s", "local", "--yes", "--skip-preview")
    small.totara("up", "local")
    assert value_of(small, gone).startswith("sha256:")
    assert value_of(small, WINDOW) == "48"


def test_a_policy_pack_runs_against_the_platform(small, tmp_path):
    pack: Path = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (pack / "__main__.py").write_text(POLICY)

    refused = small.run(PULUMI, "preview", "-s", "local", "--policy-pack", str(pack))

    assert refused.code != 0
    assert "a repeat is recognised for twelve hours at most" in refused.text
    assert "small-window" in refused.text
    assert "every parameter is tagged" not in refused.text


def test_a_resource_that_is_given_no_provider_is_refused(small):
    program = small.root / "__main__.py"
    text = program.read_text()
    stray = 'import pulumi_aws\n\npulumi_aws.ssm.Parameter("stray", type="String", value="x")\n'
    program.write_text(f"{stray}{text}")
    try:
        refused = small.run(PULUMI, "preview", "-s", "local", "--non-interactive")
    finally:
        program.write_text(text)
    assert refused.code != 0
    assert "Default provider for 'aws' disabled" in refused.text
    assert "stray" in refused.text
