"""The drill of a lost region: a stack in the other one stands in, with all that can be restored."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import BotoCoreError

from tests.recovery.drilling import Drills, outcomes, refused
from totara_infra.operations.live import Live

pytestmark = pytest.mark.engine

PARAMETER = "/bank/local/recovery-drill/endpoint"
LEADS_BACK = "/bank/local/recovery-drill/queue"


@pytest.fixture(scope="module")
def drills(new_small_environment) -> Drills:
    checkout = new_small_environment()
    checkout.live().client("ssm").put_parameter(
        Name=LEADS_BACK, Value="https://sqs.ap-southeast-2.amazonaws.com/queue", Type="String"
    )
    return Drills(checkout, "region-loss")


def other_region(drills: Drills) -> Live:
    return drills.checkout.live("local-recovery")


def test_without_the_other_region_nothing_can_be_restored(drills: Drills) -> None:
    record, done = drills.without("raise-recovery")
    assert outcomes(record)["enrol-users"] == "not reached"
    assert "failed: Restore the last backup into it" in done.err
    assert "NOT ACCEPTED" in done.err
    # Every indicator of every scenario is asked; a silent region must not hold them up.
    asked = drills.checkout.totara("dr", "status", "local", "--format", "json", code=1)
    assert asked.data["points_to"] == ["region-loss"]
    assert {i["raised"] for i in asked.data["indicators"] if i["scenario"] != "region-loss"} == {
        None
    }
    with pytest.raises(BotoCoreError):
        client = drills.checkout.live().client("ssm", attempts=1, seconds=1)
        client.describe_parameters(MaxResults=1)


def test_without_secrets_the_other_region_is_not_ready(drills: Drills) -> None:
    """The same drill goes on, with the first region still silent."""
    record, _ = drills.without("fill-secrets")
    assert outcomes(record)["raise-recovery"] == "done"
    assert outcomes(record)["deploy-modules"] == "played"
    assert refused(record) == {"secrets-filled-in-recovery"}


def test_without_the_backup_nobody_can_sign_in(drills: Drills) -> None:
    # As if nothing had been restored yet: it takes long to bring the stack up once more.
    live = other_region(drills)
    live.client("ssm").delete_parameter(Name=PARAMETER)
    cognito = live.client("cognito-idp")
    for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]:
        for user in cognito.list_users(UserPoolId=pool["Id"])["Users"]:
            cognito.admin_delete_user(UserPoolId=pool["Id"], Username=user["Username"])
    record, _ = drills.without("restore-exports")
    assert outcomes(record)["enrol-users"] == "failed"
    assert refused(record) == {"backup-equal-in-recovery", "same-claims-in-recovery"}


def test_without_enrolment_nobody_can_sign_in(drills: Drills) -> None:
    record, _ = drills.without("enrol-users")
    assert refused(record) == {"same-claims-in-recovery"}


def test_a_backup_goes_into_a_recovery_stack_only_when_that_is_said(drills: Drills) -> None:
    where = (
        "--at",
        str(drills.folder / "backups"),
        "--key-file",
        str(drills.folder / "backup-key"),
    )
    done = drills.checkout.totara("backup", "restore", "local-recovery", *where, code=2)
    assert "There is no backup of `local-recovery`" in done.err
    done = drills.checkout.totara("backup", "restore", "local", "--primary", *where, code=2)
    assert "--primary is for a recovery stack" in done.err


def test_the_whole_runbook_serves_from_the_other_region(drills: Drills, tmp_path) -> None:
    live = other_region(drills)
    assert live.settings.region == "ap-southeast-4"
    pools = live.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    assert {p["Id"].split("_")[0] for p in pools} == {"ap-southeast-4"}
    assert live.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    # What leads to the lost region is left to its module's pipeline.
    assert live.client("ssm").get_parameters(Names=[LEADS_BACK])["Parameters"] == []
    key = live.client("ssm").get_parameter(Name="/bank/local/kms/pii/arn")["Parameter"]["Value"]
    assert ":ap-southeast-4:" in key
    buckets = [b["Name"] for b in live.client("s3").list_buckets()["Buckets"]]
    assert buckets == ["bank-local-documents-dr"]
    users = json.loads((drills.folder / "users.json").read_text())["users"]
    assert len(users) == 1
    assert users[0]["old_sub"] != users[0]["new_sub"]

    evidence = tmp_path / "evidence.json"
    done = drills.checkout.totara(
        "dr", "drill", "region-loss", "local", "--evidence", str(evidence)
    )
    record = json.loads(evidence.read_text())
    assert record["outcome"] == "complete", done.err
    assert "local-recovery stays up, to be looked at. To end it: totara down local" in done.out
    assert {a["name"] for a in record["acceptance"] if a["holds"]} == {
        "indicators-quiet", "secrets-filled-in-recovery", "backup-equal-in-recovery",
        "same-claims-in-recovery", "verified",
    }  # fmt: skip
    # The first region is back, as it was.
    drills.checkout.totara("verify", "local", "--phase", "2")
    drills.checkout.totara("verify", "local-recovery", "--phase", "2")
