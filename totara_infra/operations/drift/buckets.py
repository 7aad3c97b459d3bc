"""Buckets of S3 and each of their settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    snaked,
    tags_from,
    unless_gone,
    words,
)

BUCKET = "aws:s3/bucket:Bucket"
_NO_BUCKET = "NoSuchBucket"


def _names(reading: Reading) -> list[str]:
    """Buckets with a name of this environment."""

    def read() -> list[str]:
        prefix = f"bank-{reading.env}-"
        pages = reading.client("s3").get_paginator("list_buckets").paginate()
        names = [b["Name"] for page in pages for b in page.get("Buckets", [])]
        return [n for n in names if n.startswith(prefix) or n in reading.planned(BUCKET)]

    return reading.once("bucket-names", read)


def _ours(reading: Reading) -> list[str]:
    return [name for name in _names(reading) if name in reading.planned(BUCKET)]


def _lock(reading: Reading, bucket: str) -> dict[str, Any]:
    answer = unless_gone(
        reading.client("s3").get_object_lock_configuration,
        _NO_BUCKET,
        "ObjectLockConfigurationNotFoundError",
        Bucket=bucket,
    )
    found: dict[str, Any] = (answer or {}).get("ObjectLockConfiguration") or {}
    return found


def _read_buckets(reading: Reading) -> Iterator[Thing]:
    client, names = reading.client("s3"), _names(reading)

    def read(name: str) -> Thing:
        tags = unless_gone(client.get_bucket_tagging, _NO_BUCKET, "NoSuchTagSet", Bucket=name)
        enabled = _lock(reading, name).get("ObjectLockEnabled") == "Enabled"
        left = name in reading.left_to_deployments
        return Thing(
            name,
            {
                "bucket": name,
                "object_lock_enabled": enabled,
                "tags": tags_from((tags or {}).get("TagSet")),
            },
            {"id": name, "bucket": name, "arn": f"arn:aws:s3:::{name}"},
            "" if left else f"its name begins with bank-{reading.env}-",
        )

    yield from reading.each(read, names)


Setting = Callable[[Any, str], dict[str, Any] | None]


def _versioning(client: Any, bucket: str) -> dict[str, Any] | None:
    answer = unless_gone(client.get_bucket_versioning, _NO_BUCKET, Bucket=bucket) or {}
    if not answer.get("Status"):
        return None
    found = {"status": answer["Status"]}
    if answer.get("MFADelete") == "Enabled":
        found["mfa_delete"] = "Enabled"
    return {"versioning_configuration": found}


def _encryption(client: Any, bucket: str) -> dict[str, Any] | None:
    answer = unless_gone(
        client.get_bucket_encryption,
        _NO_BUCKET,
        "ServerSideEncryptionConfigurationNotFoundError",
        Bucket=bucket,
    )
    if answer is None:
        return None
    rules = []
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        default = snaked(rule.get("ApplyServerSideEncryptionByDefault") or {})
        rules.append(
            {
                "apply_server_side_encryption_by_default": default,
                "bucket_key_enabled": bool(rule.get("BucketKeyEnabled")),
            }
        )
    return {"rules": rules}


def _access(client: Any, bucket: str) -> dict[str, Any] | None:
    answer = unless_gone(
        client.get_public_access_block,
        _NO_BUCKET,
        "NoSuchPublicAccessBlockConfiguration",
        Bucket=bucket,
    )
    return snaked(answer["PublicAccessBlockConfiguration"]) if answer else None


def _policy(client: Any, bucket: str) -> dict[str, Any] | None:
    answer = unless_gone(client.get_bucket_policy, _NO_BUCKET, "NoSuchBucketPolicy", Bucket=bucket)
    return {"policy": answer["Policy"]} if answer else None


def _lifecycle(client: Any, bucket: str) -> dict[str, Any] | None:
    answer = unless_gone(
        client.get_bucket_lifecycle_configuration,
        _NO_BUCKET,
        "NoSuchLifecycleConfiguration",
        Bucket=bucket,
    )
    return {"rules": snaked(answer["Rules"])} if answer else None


def _read_locks(reading: Reading) -> Iterator[Thing]:
    names = _ours(reading)
    for name, lock in zip(names, reading.each(partial(_lock, reading), names), strict=True):
        if lock.get("Rule"):
            yield _part(name, {"rule": snaked(lock["Rule"])})


def _read_setting(get: Setting, reading: Reading) -> Iterator[Thing]:
    client, names = reading.client("s3"), _ours(reading)
    for name, found in zip(names, reading.each(lambda n: get(client, n), names), strict=True):
        if found is not None:
            yield _part(name, found)


def _part(bucket: str, properties: dict[str, Any]) -> Thing:
    return Thing(
        bucket,
        {"bucket": bucket, **properties},
        {"id": bucket, "bucket": bucket},
        f"it belongs to the bucket {bucket}",
    )


def _setting(token: str, get: Setting, reads: str, **how: Any) -> TypeReader:
    full = f"aws:s3/{token[0].lower()}{token[1:]}:{token}"
    return TypeReader(
        full, partial(_read_setting, get), words(f"bucket {reads}"), key=("bucket",), **how
    )


READERS = (
    TypeReader(
        BUCKET,
        _read_buckets,
        words("bucket object_lock_enabled tags"),
        key=("bucket",),
        unreadable={"force_destroy": "is an argument of the deletion"},
    ),
    _setting("BucketVersioning", _versioning, "versioning_configuration"),
    _setting("BucketServerSideEncryptionConfiguration", _encryption, "rules"),
    _setting(
        "BucketPublicAccessBlock",
        _access,
        "block_public_acls block_public_policy ignore_public_acls restrict_public_buckets",
    ),
    _setting("BucketPolicy", _policy, "policy", documents=words("policy")),
    _setting("BucketLifecycleConfiguration", _lifecycle, "rules", keyed={"rules": "id"}),
    TypeReader(
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        _read_locks,
        words("bucket rule"),
        key=("bucket",),
    ),
)
