"""Buckets of S3 with their settings, each a resource of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.blueprint.resource import PlannedResource, Reference, document, logical
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Bucket
from totara_infra.model.vocabulary import Environment

DAYS_OF_AN_UPLOAD = 7
"""Parts of an upload that nobody finished within so many days are thrown away."""


def bucket_resources(scope: Scope, module: Module, bucket: Bucket) -> Iterator[PlannedResource]:
    """A bucket: versioned, encrypted, private, with an end for what was superseded."""
    name, physical = logical("bucket", bucket.name), scope.fill(bucket.name)
    arn = f"arn:aws:s3:::{physical}"
    reference = Reference(name, "bucket")

    def part(
        token: str, suffix: str, properties: dict[str, Any], waits_for: tuple[str, ...] = ()
    ) -> PlannedResource:
        return PlannedResource(
            f"aws:s3/{token[0].lower()}{token[1:]}:{token}",
            f"{name}/{suffix}",
            module.id,
            "storage",
            {"bucket": reference, **properties},
            waits_for=waits_for,
        )

    yield PlannedResource(
        "aws:s3/bucket:Bucket",
        name,
        module.id,
        "storage",
        {
            "bucket": physical,
            # Objects outlive a mistake: an emptied bucket is a decision of its own.
            "force_destroy": scope.settings.emulated,
            "object_lock_enabled": bucket.object_lock_years is not None,
            "tags": scope.tags(module.id, store=f"bucket:{bucket.name}"),
        },
        protect=scope.settings.protect,
    )
    yield part(
        "BucketVersioning", "versioning", {"versioning_configuration": {"status": "Enabled"}}
    )
    yield part(
        "BucketServerSideEncryptionConfiguration",
        "encryption",
        {
            "rules": [
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": Reference(f"key/{bucket.key_class}", "arn"),
                    },
                    "bucket_key_enabled": True,
                }
            ]
        },
    )
    yield part(
        "BucketPublicAccessBlock",
        "public-access",
        {
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
    )
    yield part("BucketPolicy", "policy", {"policy": _bucket_policy(arn, bucket)})
    rules = lifecycle_rules(scope.settings.environment, bucket)
    if rules:
        # S3 ends versions only where it keeps some.
        yield part(
            "BucketLifecycleConfiguration",
            "lifecycle",
            {"rules": rules},
            waits_for=(f"{name}/versioning",),
        )
    if bucket.object_lock_years is not None:
        yield part(
            "BucketObjectLockConfiguration",
            "object-lock",
            {
                "rule": {
                    "default_retention": {"mode": "COMPLIANCE", "years": bucket.object_lock_years}
                }
            },
            # S3 takes the rule, and takes it off again, only while versions are kept.
            waits_for=(f"{name}/versioning",),
        )


def noncurrent_days(environment: Environment, bucket: Bucket) -> int | None:
    """Days after which a superseded version is deleted in an environment."""
    if environment is not Environment.PROD and bucket.noncurrent_expiry_days_below_prod:
        return bucket.noncurrent_expiry_days_below_prod
    return bucket.noncurrent_expiry_days


def lifecycle_rules(environment: Environment, bucket: Bucket) -> list[dict[str, Any]]:
    """What S3 does by itself with what is old; none where the catalogue says nothing.

    A lifecycle deletes whatever a bucket's policy says. So where nobody may delete under some
    prefixes, only the others are named, and a prefix that the catalogue does not know is kept.
    """
    days = noncurrent_days(environment, bucket)
    if days is None:
        return []
    free = [p for p in bucket.prefixes if not p.startswith(tuple(bucket.immutable_prefixes))]
    return [
        {
            "id": "unfinished-uploads",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": DAYS_OF_AN_UPLOAD},
        },
        *(
            {
                "id": f"superseded-versions-{prefix.strip('/').replace('/', '-')}".rstrip("-"),
                "status": "Enabled",
                "filter": {"prefix": prefix},
                "noncurrent_version_expiration": {"noncurrent_days": days},
            }
            for prefix in (free if bucket.immutable_prefixes else [""])
        ),
    ]


def _bucket_policy(arn: str, bucket: Bucket) -> str:
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OnlyEncryptedTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]
    if bucket.immutable_prefixes:
        statements.append(
            {
                "Sid": "NobodyDeletes",
                "Effect": "Deny",
                "Principal": "*",
                "Action": [
                    "s3:BypassGovernanceRetention",
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                ],
                "Resource": [f"{arn}/{prefix}*" for prefix in bucket.immutable_prefixes],
            }
        )
    return document(*statements)
