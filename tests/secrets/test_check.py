"""`totara secrets check`: each fault that it is for is made through AWS's API and named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.secrets.containers import narrowed
from totara_infra.blueprint.pipeline_roles import pipeline_roles
from totara_infra.model.stack import RoleHandling
from totara_infra.operations.checks import Outcome
from totara_infra.operations.pipeline_roles import policy_faults, put_policies, put_roles
from totara_infra.operations.secrets.audit import audit
from totara_infra.operations.secrets.exposure import CHECK as WAYS
from totara_infra.operations.secrets.filling import ROTATION_FUNCTION, seed
from totara_infra.resolver.sequence import SECRETS_STEP

PATH = "/bank/local/core/neon-db-url"
MIGRATION = "/bank/local/core/neon-db-migrate-url"
"""In the path of SD01, but for the migration pipeline alone."""
FUNCTION = "arn:aws:lambda:ap-southeast-2:000000000000:function:rotate"


@pytest.fixture(scope="module")
def filled(place):
    list(seed(place.live, place.blueprint))
    return place


def failures(place, now: datetime | None = None) -> dict[tuple[str, str], str]:
    return {
        (r.check, r.subject): str(r)
        for r in audit(place.live, place.blueprint, now or datetime.now(UTC))
        if r.outcome is Outcome.FAILED
    }


def policy_of(place, path: str = PATH) -> str:
    planned = next(r for r in place.blueprint.steps[SECRETS_STEP] if r.properties["name"] == path)
    return planned.properties["policy"]


def test_an_environment_as_planned_passes(filled):
    assert failures(filled) == {}
    answer = filled.totara("check", "local")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "0 failed" in answer.stdout


def untagged(place) -> Callable[[], object]:
    client = place.live.client("secretsmanager")
    client.untag_resource(SecretId=PATH, TagKeys=["env"])
    return lambda: client.tag_resource(SecretId=PATH, Tags=[{"Key": "env", "Value": "local"}])


def other_key(place) -> Callable[[], object]:
    client = place.live.client("secretsmanager")
    before = client.describe_secret(SecretId=PATH)["KmsKeyId"]
    alias = place.blueprint.resources["key/pii/alias"].properties["name"]
    arn = place.live.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    client.update_secret(SecretId=PATH, KmsKeyId=arn)
    return lambda: client.update_secret(SecretId=PATH, KmsKeyId=before)


def no_policy(place) -> Callable[[], object]:
    client = place.live.client("secretsmanager")
    client.delete_resource_policy(SecretId=MIGRATION)
    return lambda: client.put_resource_policy(
        SecretId=MIGRATION, ResourcePolicy=policy_of(place, MIGRATION)
    )


def one_reader_more(place) -> Callable[[], object]:
    client, iam = place.live.client("secretsmanager"), place.live.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    arn = iam.create_role(RoleName="Curious", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    rights = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    iam.put_role_policy(RoleName="Curious", PolicyName="all", PolicyDocument=text)
    client.put_resource_policy(SecretId=PATH, ResourcePolicy=narrowed(policy_of(place), arn))

    def mend() -> None:
        client.put_resource_policy(SecretId=PATH, ResourcePolicy=policy_of(place))
        iam.delete_role_policy(RoleName="Curious", PolicyName="all")
        iam.delete_role(RoleName="Curious")

    return mend


def locked_out(place) -> Callable[[], object]:
    iam = place.live.client("iam")
    arn = "arn:aws:iam::000000000000:policy/bank-secrets-read"
    iam.detach_role_policy(RoleName="BankCoreRole", PolicyArn=arn)
    return lambda: iam.attach_role_policy(RoleName="BankCoreRole", PolicyArn=arn)


def deleted(place) -> Callable[[], object]:
    client = place.live.client("secretsmanager")
    client.delete_secret(SecretId=PATH, RecoveryWindowInDays=7)
    return lambda: client.restore_secret(SecretId=PATH)


def unscheduled(place) -> Callable[[], object]:
    ssm = place.live.client("ssm")
    name = place.blueprint.scope.fill(ROTATION_FUNCTION)
    ssm.put_parameter(Name=name, Value=FUNCTION, Type="String")
    return lambda: ssm.delete_parameter(Name=name)


@pytest.mark.parametrize(
    ("break_it", "check", "told"),
    [
        (untagged, "secret tag", "no such tag"),
        (no_policy, "secret closed", "BankCoreRole may read it too"),
        (other_key, "secret key", "the key of class operational"),
        (one_reader_more, "secret closed", "Curious may read it too"),
        (locked_out, "secret readers", "BankCoreRole lacks secretsmanager:GetSecretValue"),
        (deleted, "secret there", "put local /bank/local/core/neon-db-url --restore"),
        (unscheduled, "secret rotation", "totara secrets schedule local"),
    ],
)
def test_a_fault_is_named_with_its_mend(filled, break_it, check, told):
    mend = break_it(filled)
    try:
        found = failures(filled)
        path = MIGRATION if break_it is no_policy else PATH
        assert told in found.get((check, path), ""), found
    finally:
        mend()


def test_mended_again_it_passes(filled):
    assert failures(filled) == {}


REPOSITORY = "totara-bank/totara-infra"


EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="module")
def with_pipeline(filled):
    scope = filled.blueprint.scope
    list(put_roles(filled.live, scope, REPOSITORY, pipeline_roles(scope, "state")))
    return filled


def test_it_agrees_with_the_roles_that_the_bootstrap_makes(with_pipeline):
    results = audit(with_pipeline.live, with_pipeline.blueprint, datetime.now(UTC))
    assert [str(r) for r in results if r.outcome is Outcome.FAILED] == []
    searched = {r.subject for r in results if (r.check, r.outcome) == (WAYS, Outcome.PASSED)}
    assert {"BankDeployRole", "BankReadRole", "BankExportRole", "BankCoreRole"} <= searched


def test_a_role_that_could_open_a_secret_to_itself_is_named_with_its_way(with_pipeline):
    iam = with_pipeline.live.client("iam")
    actions = ["secretsmanager:PutResourcePolicy", "kms:Decrypt"]
    rights = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    for role in ("BankReadRole", "BankDeployRole"):
        iam.put_role_policy(RoleName=role, PolicyName="more", PolicyDocument=text)
    try:
        found = failures(with_pipeline)
    finally:
        for role in ("BankReadRole", "BankDeployRole"):
            iam.delete_role_policy(RoleName=role, PolicyName="more")
    assert f"PutResourcePolicy of {PATH[:12]}" in found[WAYS, "BankReadRole"]
    # What the role that deploys must never do is denied to it, whoever allows it.
    assert (WAYS, "BankDeployRole") not in found


def test_the_bootstrap_keeps_the_policies_of_ready_made_roles(with_pipeline):
    live, scope = with_pipeline.live, with_pipeline.blueprint.scope
    ready = replace(
        scope, settings=scope.settings.model_copy(update={"roles": RoleHandling.EXISTING})
    )

    def faults() -> list[str]:
        return [str(r) for r in policy_faults(live, ready) if r.outcome is Outcome.FAILED]

    assert faults() == []
    iam = live.client("iam")
    arn = "arn:aws:iam::000000000000:policy/bank-secrets-read"
    iam.create_policy_version(
        PolicyArn=arn,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [EVERYTHING]}),
        SetAsDefault=True,
    )
    iam.detach_role_policy(RoleName="BankCoreRole", PolicyArn=arn)
    first, second = faults()
    assert "bank-secrets-read: expected its statements" in first
    assert "bank-secrets-read on BankCoreRole: expected to be attached" in second
    assert "bank-secrets-read is there, and on 8 roles." in list(put_policies(live, ready))
    assert faults() == []


def test_a_value_that_is_too_old_fails(filled):
    found = failures(filled, datetime.now(UTC) + timedelta(days=91))
    assert "a value of at most 90 days" in found["secret rotation", PATH]


def test_a_container_that_is_gone_fails_and_the_command_ends_with_1(filled):
    filled.live.client("secretsmanager").delete_secret(
        SecretId=PATH, ForceDeleteWithoutRecovery=True
    )
    answer = filled.totara("check", "local", "--format", "json")
    assert answer.returncode == 1
    failed = [r for r in json.loads(answer.stdout) if r["outcome"] == "failed"]
    assert [(r["check"], r["subject"]) for r in failed] == [("secret there", PATH)]
