"""A production roll-out on an emulator of its own: it stops, goes on, refuses, and leaves nothing.

The tests share one rehearsal and run in this order.
"""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.engine.checkout import Checkout
from tests.engine.inventory import changes_since, inventory, names_of, touched
from tests.secrets import leaks
from totara_infra.blueprint import Blueprint
from totara_infra.operations.secrets.inventory import entries
from totara_infra.operations.trail import writes
from totara_infra.resolver.sequence import SECRETS_STEP

pytestmark = pytest.mark.engine

SD08 = "totara_infra/catalogue/domains/sd08.yaml"
RECORDING = "secret/app/call-recording-api-key"
OUR_SUFFIX = "totara-infra:bucket-suffix: -totara\n"


@pytest.fixture(scope="module")
def stopped(new_checkout):
    """A rehearsal that was brought up without any secret having a value, and how that ended."""
    checkout = new_checkout()
    before = (checkout.root / "Pulumi.prod.yaml").read_bytes()
    outcome = checkout.totara("up", "prod", "--rehearse", code=1)
    return checkout, outcome, before


@pytest.fixture(scope="module")
def rehearsal(stopped) -> Checkout:
    return stopped[0]


def required_secrets(blueprint: Blueprint) -> set[str]:
    required = {
        s.path for m in blueprint.scope.catalogue.modules.values() for s in m.secrets if s.required
    }
    tenants = [tenant.client_id for tenant in blueprint.scope.tenants]
    named = {blueprint.scope.fill(path, tenant) for path in required for tenant in tenants}
    return named & {r.properties["name"] for r in blueprint.steps[SECRETS_STEP]}


def secret_values(rehearsal: Checkout) -> list[str]:
    """What is in the secrets; of a key, a line that no other key has."""
    client = rehearsal.live("prod", rehearse=True).client("secretsmanager")
    blueprint = rehearsal.blueprint("prod", rehearse=True)
    texts = [client.get_secret_value(SecretId=p)["SecretString"] for p in entries(blueprint)]
    assert len(texts) > 60
    return [t.splitlines()[1] if t.startswith("-----") else t for t in texts]


def test_it_stops_at_the_first_gate_and_names_the_secrets_without_value(stopped):
    rehearsal, outcome, _ = stopped
    blueprint = rehearsal.blueprint("prod", rehearse=True)
    required = required_secrets(blueprint)
    containers = {r.properties["name"] for r in blueprint.steps[SECRETS_STEP]}

    assert len(required) > 40
    assert required != containers
    assert "FAILED gate:1: deployment/phase-1" in outcome.out
    complained = re.findall(r"- secret value (\S+): expected a value, found an empty", outcome.out)
    assert sorted(complained) == sorted(required)
    advice = "Fill it: totara secrets put prod {} --rehearse"
    assert all(advice.format(name) in outcome.out for name in required)
    assert "6 modules are up, 140 were not reached." in outcome.out
    for phase in blueprint.sequence.phases[1:]:
        assert f"  phase {phase.id} {phase.title}: {phase.modules[0]}" in outcome.out
    later = names_of(blueprint, range(2, 8))
    assert touched(writes(rehearsal.live("prod", rehearse=True))) & later == set()


def test_filled_secrets_let_the_next_up_go_on(rehearsal):
    blueprint = rehearsal.blueprint("prod", rehearse=True)
    live = rehearsal.live("prod", rehearse=True)
    rehearsal.totara("secrets", "seed", "prod", "--rehearse")
    values = secret_values(rehearsal)
    before = time.time()

    with leaks.Watch(values) as watch:
        outcome = rehearsal.totara("up", "prod", "--rehearse")

    assert not watch.found
    assert len(watch.seen) > 5
    assert "prod: 146 modules in 6 phases" in outcome.out
    first_phase = names_of(blueprint, [1]) - {blueprint.gate(1).properties["name"]}
    # What was there stayed as it was.
    assert touched(writes(live, since=before)) & first_phase == set()
    proof = rehearsal.totara("sequence", "verify", "prod", "--rehearse", "--format", "json").data
    assert proof["proved"] == proof["edges"] > 400
    assert proof["violations"] == []
    assert proof["gates_proved"] == 6


def test_the_checklist_passes_and_leaves_its_evidence(rehearsal, tmp_path):
    file = tmp_path / "evidence.json"

    outcome = rehearsal.totara("verify", "prod", "--rehearse", "--evidence", str(file))

    assert "0 failed" in outcome.out
    assert "skipped sign-in token, 2 times: No user is made in prod for a check." in outcome.out
    record = json.loads(file.read_text(encoding="utf-8"))
    assert (record["stack"], record["environment"]) == ("prod-rehearsal", "prod")
    assert (record["outcome"], record["emulated"]) == ("passed", True)
    values = {
        r["subject"] for c in record["checks"] for r in c["results"] if r["check"] == "secret value"
    }
    assert values == required_secrets(rehearsal.blueprint("prod", rehearse=True))
    assert leaks.in_files(tmp_path, secret_values(rehearsal)) == []
    page = rehearsal.totara("verify", "report", str(file))
    assert page.out.startswith("# Verification of prod-rehearsal: passed")


def test_vaults_of_two_regions_are_there_and_their_lock_is_not_claimed(rehearsal):
    live = rehearsal.live("prod", rehearse=True)
    for region, name in (
        ("ap-southeast-2", "bank-prod-recovery-points"),
        ("ap-southeast-4", "bank-prod-recovery-point-copies"),
    ):
        backup = live.client("backup", region=region)
        assert backup.describe_backup_vault(BackupVaultName=name)["EncryptionKeyArn"].startswith(
            f"arn:aws:kms:{region}:333333333333:key/"
        )
    checks = rehearsal.totara("verify", "prod", "--rehearse", "--phase", "1", "--format", "json")
    results = [r for c in checks.data["checks"] for r in c["results"]]
    (lock,) = [r for r in results if r["check"] == "vault lock"]
    assert (lock["outcome"], "not in a rehearsal" in lock["fix"]) == ("skipped", True)


def test_an_export_of_production_goes_into_its_bucket_and_nothing_is_lost(rehearsal, tmp_path):
    at = ("prod", "--rehearse", "--at", "s3://bank-prod-backups-totara", "--format", "json")
    made = rehearsal.totara("backup", "run", *at, "--kms-key", "alias/bank-prod-pii").data
    assert made["parts"]["parameters"]["entries"] > 400
    assert made["parts"]["secrets"]["entries"] > 40
    whole = rehearsal.totara("backup", "verify", *at, "--max-age", "1").data
    assert whole == made
    restored = rehearsal.totara("backup", "restore", *at, "--dry-run").data
    assert {a["way"] for a in restored["actions"]} <= {"by hand"}
    values = secret_values(rehearsal)
    assert leaks.in_text(json.dumps([made, whole, restored]), values) == []


def test_modules_for_tests_never_reach_production(rehearsal):
    sequence = rehearsal.totara("sequence", "prod", "--format", "json").data
    things = inventory(rehearsal.live("prod", rehearse=True))

    assert {m["id"] for m in sequence["modules"]} & {"MOD-157", "MOD-158", "MOD-159"} == set()
    markers = [name for name in things["Parameter"] if "/deployment/mod-" in name]
    assert len(markers) == 146
    assert not any(name.endswith(("mod-157", "mod-158", "mod-159")) for name in markers)


def test_alerts_end_where_their_severity_leads(rehearsal):
    checked = rehearsal.totara("alerts", "check", "prod", "--rehearse", "--format", "json").data
    assert checked["findings"] == []

    tested = rehearsal.totara("alerts", "test", "prod", "--rehearse", "--format", "json").data

    assert len(tested["alerts"]) > 70
    for alert in tested["alerts"]:
        ends = {"P1": {"on-call", "paging"}, "P2": {"on-call"}, "P3": {"tickets"}}
        wanted = ends[alert["severity"]] | ({"compliance"} if alert["regulatory"] else set())
        assert (alert["outcome"], set(alert["ends"])) == ("passed", wanted), alert
    # The routes' own queues have them as well, until MOD-076 takes them on.
    sqs = rehearsal.live("prod", rehearse=True).client("sqs")
    url = sqs.get_queue_url(QueueName="bank-alerts-compliance-prod")["QueueUrl"]
    waiting = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]
    assert {m["MessageAttributes"]["regulatory"]["StringValue"] for m in waiting} == {"true"}


@pytest.mark.parametrize(
    ("route", "policy", "wait", "complaint"),
    [
        ("compliance", {"severity": ["P1"]}, "20", "It arrived at compliance, which is not for it"),
        ("on-call", {"severity": ["P2"]}, "5", "Nothing arrived at on-call in 5 s."),
    ],
)
def test_a_route_with_a_wrong_filter_is_found(rehearsal, route, policy, wait, complaint):
    sns = rehearsal.live("prod", rehearse=True).client("sns")
    scope = rehearsal.blueprint("prod", rehearse=True).scope
    topic = scope.arn("sns", "bank-platform-alerts-prod")
    found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    arn = next(
        s["SubscriptionArn"] for s in found if s["Endpoint"].endswith(f"bank-alerts-{route}-prod")
    )
    attribute = {"SubscriptionArn": arn, "AttributeName": "FilterPolicy"}
    was = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["FilterPolicy"]
    sns.set_subscription_attributes(**attribute, AttributeValue=json.dumps(policy))
    try:
        checked = rehearsal.totara("alerts", "check", "prod", "--rehearse", code=1)
        tested = rehearsal.totara(
            "alerts", "test", "prod", "ALERT-SLO-001", "--rehearse", "--wait", wait, code=1
        )
    finally:
        sns.set_subscription_attributes(**attribute, AttributeValue=was)
    assert f"route {route}" in checked.out
    assert complaint in tested.out


def test_no_secret_value_comes_into_state_or_logs(rehearsal):
    exported = rehearsal.pulumi("stack", "export", "-s", "prod-rehearsal").out
    listed = rehearsal.pulumi("stack", "-s", "prod-rehearsal", "--show-ids").out

    assert "neon-db-url" in exported
    values = secret_values(rehearsal)
    assert leaks.in_text(exported + listed, values) == []
    folders = [rehearsal.state / f for f in ("runs", "state", "home", "prod-rehearsal")]
    assert list((rehearsal.state / "runs").rglob("up.log"))
    assert [found for folder in folders for found in leaks.in_files(folder, values)] == []


def test_deleting_what_cannot_be_made_again_is_refused_until_it_is_named(rehearsal):
    live, before = rehearsal.live("prod", rehearse=True), time.time()
    remove_recording_secret(rehearsal)
    another_suffix = OUR_SUFFIX.replace("totara\n", "moved\n")
    rehearsal.edit("Pulumi.prod.yaml", OUR_SUFFIX, another_suffix)
    try:
        refused = rehearsal.totara("up", "prod", "--rehearse", code=1)
    finally:
        rehearsal.edit("Pulumi.prod.yaml", another_suffix, OUR_SUFFIX)

    assert "Refused: in prod this plan would delete" in refused.err
    assert f"- secret {RECORDING}\n" in refused.err
    assert f"--allow-delete {RECORDING}" in refused.err
    buckets = re.findall(r"- bucket (\S+)\n", refused.err)
    assert len(buckets) == len(inventory(live)["Bucket"]) == 9
    assert changes_since(before, live) == []

    secrets = inventory(live)["Secret"]
    rehearsal.totara("up", "prod", "--rehearse", "--allow-delete", RECORDING)

    gone = set(secrets) - set(inventory(live)["Secret"])
    assert gone == {"/bank/prod/app/call-recording-api-key"}
    assert len(inventory(live)["Bucket"]) == 9


def remove_recording_secret(rehearsal: Checkout) -> None:
    """Remove its declaration, and the lines elsewhere that name it."""
    catalogue = rehearsal.root / "totara_infra" / "catalogue"
    for name in ("provisioning.yaml", "coverage/names.yaml", "coverage/sd08.yaml"):
        lines = (catalogue / name).read_text().splitlines(keepends=True)
        kept = [line for line in lines if "app/call-recording-api-key" not in line]
        assert len(kept) == len(lines) - 1
        (catalogue / name).write_text("".join(kept))
    file = rehearsal.root / SD08
    lines = file.read_text().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if "app/call-recording-api-key" in line)
    indent = lines[start].index("-")
    end = start + 1
    while lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > indent:
        end += 1
    alone = "secrets:" in lines[start - 1] and not lines[end].lstrip().startswith("- ")
    file.write_text("".join(lines[: start - alone] + lines[end:]))


def test_down_leaves_no_process_and_no_state(stopped):
    rehearsal, _, settings = stopped
    assert (rehearsal.root / "Pulumi.prod.yaml").read_bytes() == settings

    outcome = rehearsal.totara("down", "prod", "--rehearse")

    assert "Stack prod-rehearsal is down: stopped its emulator" in outcome.out
    rehearsal.wait_for_no_process()
    assert [
        file for file in rehearsal.state.rglob("*prod-rehearsal*") if "runs" not in file.parts
    ] == []
    assert not (rehearsal.root / "Pulumi.prod-rehearsal.yaml").exists()
    assert (rehearsal.root / "Pulumi.prod.yaml").read_bytes() == settings
