"""Faulty resources, each of which breaks one convention; a program declares them, or a test does.

A fault stands in the SDK's spelling, so that the real program can make it as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TAGS = "TAGS"
"""Stands for the right tag set, which depends on the stack."""
KEY = {"$output": "arn", "of": "key/pii"}
"""Stands for the ARN of a key that the program makes: unknown in a first preview."""

PARAMETER = "aws:ssm/parameter:Parameter"
SECRET = "aws:secretsmanager/secret:Secret"
BUCKET = "aws:s3/bucket:Bucket"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"


@dataclass(frozen=True)
class Fault:
    """A resource that breaks a convention, in its name.

    Attributes:
        policy: the one that it breaks; no other.
        type: Pulumi's type token.
        properties: in the SDK's spelling.
        says: a part of the message.
        protect: as the engine's option.
        mended: what to change so that nothing is broken any more.
    """

    policy: str
    name: str
    type: str
    properties: Mapping[str, Any]
    says: str
    protect: bool = True
    mended: Mapping[str, Any] = field(default_factory=dict)


def parameter(name: str, **properties: Any) -> dict[str, Any]:
    given = {"name": name, "type": "String", "insecure_value": "1", "tags": TAGS}
    return given | properties


def secret(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "kms_key_id": KEY, "tags": TAGS} | properties


def document(effect: str, principal: Any) -> str:
    statement = {"Sid": "Fault", "Effect": effect, "Principal": principal, "Action": "sqs:*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})


SERVICE = {"Service": "events.amazonaws.com"}
CLIENT = {
    "name": "faulty",
    "user_pool_id": {"$output": "id", "of": "user_pool/customers"},
    "generate_secret": False,
}

FAULTS = (
    Fault(
        "tags", "fault/untagged", PARAMETER, parameter("/bank/prod/faults/untagged", tags={}),
        "Tags: module_id is missing, which is no module", mended={"tags": TAGS},
    ),
    Fault(
        "paths", "fault/path", PARAMETER, parameter("/bank/dev/faults/path"),
        "`/bank/dev/faults/path` is not of the form /bank/prod/{service}/{parameter}",
        mended={"name": "/bank/prod/faults/path"},
    ),
    Fault(
        "paths", "fault/secret-path", SECRET, secret("/bank/prod/faults/secret-path"),
        "is not of the form /bank/prod/{domain}/{secret-name}",
        mended={"name": "/bank/prod/core/secret-path"},
    ),
    Fault(
        "no-secret-values", "fault/secure-string", PARAMETER,
        {"name": "/bank/prod/faults/secure-string", "type": "SecureString", "value": "x",
         "tags": TAGS},
        "A SecureString is a secret", mended={"type": "String"},
    ),
    Fault(
        "no-secret-values", "fault/credential", PARAMETER,
        parameter("/bank/prod/faults/credential",
                  insecure_value="postgresql://bank:canary-41c7@db.example/core"),
        "`insecureValue` looks like a credential",
        mended={"insecure_value": "postgresql://db.example/core"},
    ),
    Fault(
        "no-secret-values", "fault/client-secret", "aws:cognito/userPoolClient:UserPoolClient",
        CLIENT | {"generate_secret": True, "write_attributes": ["phone_number"]},
        "The secret that Cognito would generate stands in the state",
        mended={"generate_secret": False},
    ),
    Fault(
        "encryption", "fault/foreign-key", SECRET,
        secret("/bank/prod/core/foreign-key", kms_key_id="alias/aws/secretsmanager"),
        "`kmsKeyId` names no key of the platform", mended={"kms_key_id": KEY},
    ),
    Fault(
        "encryption", "fault/topic", "aws:sns/topic:Topic",
        {"name": "fault-topic", "tags": TAGS},
        "`kmsMasterKeyId` names no key of the platform", mended={"kms_master_key_id": KEY},
    ),
    Fault(
        "encryption", "fault/log-group", "aws:cloudwatch/logGroup:LogGroup",
        {"name": "/aws/bank-platform/prod/fault", "tags": TAGS},
        "`kmsKeyId` names no key of the platform", mended={"kms_key_id": KEY},
    ),
    Fault(
        "encryption", "fault/vault", "aws:backup/vault:Vault",
        {"name": "fault-vault", "tags": TAGS},
        "`kmsKeyArn` names no key of the platform in its region", mended={"kms_key_arn": KEY},
    ),
    Fault(
        "encryption", "fault/queue", "aws:sqs/queue:Queue",
        {"name": "fault-queue", "sqs_managed_sse_enabled": False, "tags": TAGS},
        "It is not encrypted", mended={"sqs_managed_sse_enabled": True},
    ),
    Fault(
        "encryption", "fault/key", "aws:kms/key:Key",
        {"description": "Never renewed.", "enable_key_rotation": False, "tags": TAGS},
        "Its material is never renewed", mended={"enable_key_rotation": True},
    ),
    Fault(
        "encryption", "fault/bucket-key", ENCRYPTION,
        {"bucket": {"$output": "bucket", "of": "fault/bucket"},
         "rules": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}]},
        "A rule encrypts without a key of the platform",
        mended={"rules": [{"apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms", "kms_master_key_id": KEY}}]},
    ),
    Fault(
        "public-access", "fault/open-queue", "aws:sqs/queuePolicy:QueuePolicy",
        {"queue_url": "http://127.0.0.1/queue", "policy": document("Allow", {"AWS": ["*"]})},
        "Statement `Fault` of `policy` allows everybody",
        mended={"policy": document("Allow", SERVICE)},
    ),
    Fault(
        "public-access", "fault/open-block", BLOCK,
        {"bucket": {"$output": "bucket", "of": "fault/bucket"}, "block_public_acls": True,
         "block_public_policy": False, "ignore_public_acls": True},
        "It leaves blockPublicPolicy, restrictPublicBuckets off",
        mended={"block_public_policy": True, "restrict_public_buckets": True},
    ),
    Fault(
        "write-lists", "fault/empty-list", "aws:cognito/userPoolClient:UserPoolClient",
        CLIENT | {"write_attributes": []},
        "Its write list is empty", mended={"write_attributes": ["phone_number"]},
    ),
    Fault(
        "write-lists", "fault/deciding", "aws:cognito/userPoolClient:UserPoolClient",
        CLIENT | {"write_attributes": ["phone_number", "custom:tenant_id"]},
        "`custom:tenant_id` is in its write list, and decides access",
        mended={"write_attributes": ["phone_number"]},
    ),
    Fault(
        "protection", "fault/unprotected", SECRET, secret("/bank/prod/core/unprotected"),
        "A secret without `protect`", protect=False, mended={"protect": True},
    ),
)  # fmt: skip
"""What a policy for single resources finds."""

BARE_BUCKET = {"bucket": "bank-prod-fault", "tags": TAGS}
STACK_FAULTS = (
    ("buckets", "fault/bare-bucket", "No BucketPublicAccessBlock belongs to it"),
    ("buckets", "fault/bare-bucket", "No BucketServerSideEncryptionConfiguration belongs to it"),
    ("key-class", "secret/core/neon-db-url", "It is encrypted with key/pii"),
)
"""Policy, resource and message of what only shows in the stack as a whole."""
