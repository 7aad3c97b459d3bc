"""S3 buckets. The id is the name."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from totara_infra.local.provider.errors import AlreadyExists, Refusal
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    error_code,
    from_pairs,
    pairs,
    unless_gone,
    words,
)
from totara_infra.local.provider.values import Properties

NO_BUCKET = ("NoSuchBucket", "404", "NotFound")


def bucket_exists(aws: Aws, name: str) -> bool:
    """Say whether a bucket of that name exists, in whatever account."""
    client = aws.client("s3")
    try:
        return unless_gone(client.head_bucket, *NO_BUCKET, Bucket=name) is not None
    except ClientError as error:
        # Another account has a bucket of this name: names are global.
        if error_code(error) in ("403", "AccessDenied"):
            return True
        raise


def _create_bucket(aws: Aws, inputs: Properties) -> Made:
    name = inputs["bucket"]
    if bucket_exists(aws, name):
        raise AlreadyExists(f"the bucket {name}", name)
    request: dict[str, Any] = {"Bucket": name}
    if aws.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    if inputs.get("objectLockEnabled"):
        request["ObjectLockEnabledForBucket"] = True
    aws.client("s3").create_bucket(**request)
    return Made(name)


def _set_tags(aws: Aws, identifier: str, inputs: Properties) -> None:
    client, tags = aws.client("s3"), inputs.get("tagsAll")
    if tags:
        client.put_bucket_tagging(Bucket=identifier, Tagging={"TagSet": pairs(tags)})
    else:
        client.delete_bucket_tagging(Bucket=identifier)


def _finish_bucket(aws: Aws, identifier: str, inputs: Properties) -> None:
    if inputs.get("tagsAll"):
        _set_tags(aws, identifier, inputs)


def _update_bucket(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    _set_tags(aws, identifier, new)


def _read_bucket(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    if not bucket_exists(aws, identifier):
        return None
    client = aws.client("s3")
    tags = unless_gone(client.get_bucket_tagging, "NoSuchTagSet", Bucket=identifier) or {}
    lock = unless_gone(
        client.get_object_lock_configuration,
        "ObjectLockConfigurationNotFoundError",
        Bucket=identifier,
    )
    enabled = (lock or {}).get("ObjectLockConfiguration", {}).get("ObjectLockEnabled")
    inputs = {
        "bucket": identifier,
        "objectLockEnabled": enabled == "Enabled",
        "tags": from_pairs(tags.get("TagSet")),
    }
    return Live(inputs, _bucket_outputs(aws, {"bucket": identifier}))


def _bucket_outputs(aws: Aws, inputs: Properties) -> Properties:
    name = inputs["bucket"]
    return {
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{aws.region}.amazonaws.com",
        "bucketRegion": aws.region,
    }


def _delete_bucket(aws: Aws, identifier: str, recorded: Recorded) -> None:
    client = aws.client("s3")
    if recorded.inputs.get("forceDestroy") and bucket_exists(aws, identifier):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=identifier):
            for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                client.delete_object(
                    Bucket=identifier, Key=item["Key"], VersionId=item["VersionId"]
                )
    try:
        unless_gone(client.delete_bucket, *NO_BUCKET, Bucket=identifier)
    except ClientError as error:
        if error_code(error) == "BucketNotEmpty":
            raise Refusal(
                f"the bucket {identifier} is not empty: empty it, or set forceDestroy"
                " and update first"
            ) from error
        raise


TYPES = (
    ResourceType(
        token="aws:s3/bucket:Bucket",
        serves=words("bucket bucketPrefix forceDestroy objectLockEnabled tags"),
        create=_create_bucket,
        finish=_finish_bucket,
        read=_read_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
        replaces={
            "bucket": "s3 PutBucketTagging identifies by Bucket",
            "bucketPrefix": "s3 PutBucketTagging identifies by Bucket",
            "objectLockEnabled": "terraform-provider-aws internal/service/s3/bucket.go:"
            " object_lock_enabled ForceNew",
        },
        defaults={"forceDestroy": False, "objectLockEnabled": False},
        unreadable=words("forceDestroy bucketPrefix"),
        name="bucket",
        unique=("bucket",),
        outputs=("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion"),
        predict=_bucket_outputs,
    ),
)
