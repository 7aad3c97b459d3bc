"""What is live as prowler judges it: published checks, none of them ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drift.cloud import Cloud
from tests.local_environment import Environment
from totara_infra.local.locked_environment import LockedEnvironment
from totara_infra.local.setup import one_at_a_time

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(sys.version_info >= (3, 14), reason="prowler runs on Python up to 3.13"),
]

PROWLER = LockedEnvironment("prowler", "prowler", "about 20 seconds")
SCAN = Path(__file__).with_name("prowler_scan.py")

HELD = (
    "awslambda_function_not_publicly_accessible",
    "awslambda_function_using_supported_runtimes",
    "backup_vaults_encrypted",
    "cloudwatch_log_group_kms_encryption_enabled",
    "cloudwatch_log_group_retention_policy_specific_days_enabled",
    "cognito_user_pool_self_registration_disabled",
    "iam_customer_attached_policy_no_administrative_privileges",
    "iam_inline_policy_no_administrative_privileges",
    "iam_inline_policy_no_full_access_to_kms",
    "iam_no_custom_policy_permissive_role_assumption",
    "iam_policy_no_full_access_to_kms",
    "kms_cmk_not_multi_region",
    "kms_cmk_rotation_enabled",
    "kms_key_not_publicly_accessible",
    "s3_bucket_cross_account_access",
    "s3_bucket_default_encryption",
    "s3_bucket_kms_encryption",
    "s3_bucket_level_public_access_block",
    "s3_bucket_object_versioning",
    "s3_bucket_policy_public_write_access",
    "s3_bucket_public_access",
    "s3_bucket_secure_transport_policy",
    "secretsmanager_not_publicly_accessible",
    "sns_topics_kms_encryption_at_rest_enabled",
    "sns_topics_not_publicly_accessible",
    "sqs_queues_not_publicly_accessible",
    "sqs_queues_server_side_encryption_enabled",
)
"""Checks that nothing of ours fails. Keys on their way out are left to `totara drift`: its tests,
which share this environment, delete some."""

RECORDED = {
    "secretsmanager_automatic_rotation_enabled": "Rotation needs the function of MOD-045. `totara "
    "secrets schedule` attaches it once that is deployed; `secrets check` says so until then.",
    "secretsmanager_has_restrictive_resource_policy": "It wants every action denied to everybody "
    "but the readers. Ours deny reading only: whoever deploys the containers must not be a reader.",
    "iam_role_cross_service_confused_deputy_prevention": "Roles of functions. Lambda assumes a "
    "role for a function of its own account, which needs iam:PassRole there.",
    "eventbridge_bus_exposed": "The emulator keeps a statement of its own in place of the policy "
    "that it is given, which names this account.",
    "cognito_user_pool_deletion_protection_enabled": "The stack local is throwaway; the policies "
    "demand it in uat and prod.",
    "cognito_user_pool_mfa_enabled": "Passwords without a second factor are for the stack local. "
    "Elsewhere staff need one, and the challenge of MOD-068 asks customers for theirs.",
}
"""Checks that fail -> why that stays so."""


@dataclass(frozen=True)
class Finding:
    check: str
    status: str
    resource: str
    says: str


def scan(environment: Environment, *checks: str) -> list[Finding]:
    """What the checks find in the environment."""
    with one_at_a_time():
        PROWLER.ensure_installed()
    settings = environment.live.settings
    done = subprocess.run(
        [PROWLER.python(), "-I", SCAN, settings.region, *checks],
        env={
            "PATH": "/usr/bin:/bin",
            "AWS_ENDPOINT_URL": str(settings.endpoint),
            "AWS_ACCESS_KEY_ID": settings.account_id,
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Finding(*found) for found in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def found(environment) -> list[Finding]:
    return scan(environment, *HELD, *RECORDED)


def test_nothing_fails_that_has_no_recorded_reason(found):
    failed = {f for f in found if f.status != "PASS"}
    assert {f for f in failed if f.check not in RECORDED} == set()
    assert {f.check for f in failed} == set(RECORDED), "a reason that is no longer needed"


def test_the_checks_have_seen_what_there_is(found, environment):
    shapes = [r.shape for r in environment.blueprint.resources.values()]
    for check, shape in (
        ("kms_cmk_rotation_enabled", "Key"),
        ("s3_bucket_level_public_access_block", "Bucket"),
        ("secretsmanager_not_publicly_accessible", "Secret"),
        ("cloudwatch_log_group_kms_encryption_enabled", "LogGroup"),
        ("sqs_queues_server_side_encryption_enabled", "Queue"),
        ("sns_topics_kms_encryption_at_rest_enabled", "Topic"),
        ("cognito_user_pool_self_registration_disabled", "UserPool"),
    ):
        assert sum(f.check == check for f in found) == shapes.count(shape) > 1, check


@contextmanager
def faults(environment: Environment) -> Iterator[dict[str, str]]:
    """Faults in what is live: check -> the resource that it must name. Taken back afterwards."""
    cloud = Cloud(environment.blueprint)
    bucket = cloud.name(cloud.of("aws:s3/bucket:Bucket", 0))
    key = cloud.key(cloud.of("aws:kms/key:Key", 0))
    group = cloud.name(cloud.of("aws:cloudwatch/logGroup:LogGroup", 0))
    (before,) = (
        g
        for g in cloud.logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        if g["logGroupName"] == group
    )
    queue = cloud.sqs.create_queue(
        QueueName="bank-fault", Attributes={"SqsManagedSseEnabled": "false"}
    )
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = environment.blueprint.scope.domain_roles["SD01"]
    block = cloud.s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    cloud.iam.put_role_policy(
        RoleName=role,
        PolicyName="fault",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    cloud.s3.delete_public_access_block(Bucket=bucket)
    cloud.kms.disable_key_rotation(KeyId=key)
    cloud.logs.disassociate_kms_key(logGroupName=group)
    try:
        yield {
            "s3_bucket_level_public_access_block": bucket,
            "kms_cmk_rotation_enabled": key,
            "cloudwatch_log_group_kms_encryption_enabled": group,
            "sqs_queues_server_side_encryption_enabled": queue["QueueUrl"],
            "iam_inline_policy_no_administrative_privileges": f"{role}/fault",
        }
    finally:
        cloud.sqs.delete_queue(QueueUrl=queue["QueueUrl"])
        cloud.iam.delete_role_policy(RoleName=role, PolicyName="fault")
        cloud.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
        cloud.kms.enable_key_rotation(KeyId=key)
        cloud.logs.associate_kms_key(logGroupName=group, kmsKeyId=before["kmsKeyId"])


def test_a_fault_in_what_is_live_is_found(environment):
    with faults(environment) as planted:
        failed = [f for f in scan(environment, *planted) if f.status == "FAIL"]
    assert {f.check: f.resource for f in failed} == planted
