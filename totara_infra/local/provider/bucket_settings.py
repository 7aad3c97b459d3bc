"""The settings of a bucket that are resources of their own. Ids are bucket names.

AWS creates every bucket with encryption, public access blocked and ownership enforced. Those
settings are taken over as they are when the program declares them; a policy, a lifecycle or a lock
rule that is there already was made by someone, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from totara_infra.local.provider.bucket_rules import lifecycle_from, lifecycle_request
from totara_infra.local.provider.buckets import NO_BUCKET, bucket_exists
from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    unless_gone,
    words,
)
from totara_infra.local.provider.shapes import to_api
from totara_infra.local.provider.values import Properties

# --- settings ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Setting:
    """A setting of a bucket that is a resource.

    Attributes:
        put: Sets it.
        get: Returns its inputs without the bucket, or None where it is not set.
        remove: Takes it away, back to what AWS gives a new bucket.
        refuses: What an existing one is called, where it may not be taken over.
    """

    put: Callable[[Any, str, Properties], Any]
    get: Callable[[Any, str, Recorded], Properties | None]
    remove: Callable[[Any, str], Any]
    refuses: str | None = None


def _setting(
    name: str,
    setting: Setting,
    serves: str,
    *,
    policies: str = "",
    defaults: Mapping[str, Any] | None = None,
    computed: str = "",
    unreadable: str = "",
) -> ResourceType:
    def create(aws: Aws, inputs: Properties) -> Made:
        client, bucket = aws.client("s3"), inputs["bucket"]
        empty = Recorded({}, {})
        if setting.refuses and setting.get(client, bucket, empty) is not None:
            raise AlreadyExists(f"{setting.refuses} of the bucket {bucket}", bucket)
        setting.put(client, bucket, inputs)
        return Made(bucket)

    def read(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
        found = setting.get(aws.client("s3"), identifier, recorded)
        return None if found is None else Live({"bucket": identifier, **found})

    def update(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
        setting.put(aws.client("s3"), identifier, new)

    def delete(aws: Aws, identifier: str, _recorded: Recorded) -> None:
        if bucket_exists(aws, identifier):
            setting.remove(aws.client("s3"), identifier)

    return ResourceType(
        token=f"aws:s3/{name[:1].lower()}{name[1:]}:{name}",
        serves=words(serves) | {"bucket"},
        create=create,
        read=read,
        update=update,
        delete=delete,
        replaces={
            "bucket": "https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple"
            "_Storage_Service.html: a setting is of one bucket"
        },
        defaults=defaults or {},
        computed=words(computed),
        unreadable=words(unreadable),
        policies=words(policies),
        unique=("bucket",),
    )


def _get_versioning(client: Any, bucket: str, recorded: Recorded) -> Properties | None:
    answer = unless_gone(client.get_bucket_versioning, *NO_BUCKET, Bucket=bucket)
    if not answer or not answer.get("Status"):
        return None
    found = {"status": answer["Status"]}
    if "mfaDelete" in recorded.inputs.get("versioningConfiguration", {}):
        found["mfaDelete"] = answer.get("MFADelete", "Disabled")
    return {"versioningConfiguration": found}


def _put_versioning(client: Any, bucket: str, inputs: Properties) -> None:
    given = inputs["versioningConfiguration"]
    configuration = to_api(given, ("status", "mfaDelete"), {"mfaDelete": "MFADelete"})
    if configuration["Status"] != "Disabled":
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)


def _remove_versioning(client: Any, bucket: str) -> None:
    # A bucket that had versions can only be suspended; one with object lock not even that.
    unless_gone(
        client.put_bucket_versioning,
        "InvalidBucketState",
        Bucket=bucket,
        VersioningConfiguration={"Status": "Suspended"},
    )


_ENCRYPTION = {"kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm"}


def _put_encryption(client: Any, bucket: str, inputs: Properties) -> None:
    rules = [to_api(rule, None, _ENCRYPTION) for rule in inputs["rules"]]
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def _get_encryption(client: Any, bucket: str, recorded: Recorded) -> Properties | None:
    answer = unless_gone(
        client.get_bucket_encryption,
        *NO_BUCKET,
        "ServerSideEncryptionConfigurationNotFoundError",
        Bucket=bucket,
    )
    if answer is None:
        return None
    given = recorded.inputs.get("rules") or [{}]
    rules: list[Properties] = []
    for rule in answer["ServerSideEncryptionConfiguration"]["Rules"]:
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        found: Properties = {
            "applyServerSideEncryptionByDefault": {
                name: default[member] for name, member in _ENCRYPTION.items() if default.get(member)
            }
        }
        # False is what AWS says when nothing was said.
        if rule.get("BucketKeyEnabled") or "bucketKeyEnabled" in given[0]:
            found["bucketKeyEnabled"] = bool(rule.get("BucketKeyEnabled"))
        rules.append(found)
    return {"rules": rules}


_BLOCKS = words("blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets")


def _put_block(client: Any, bucket: str, inputs: Properties) -> None:
    flags = {name: bool(inputs.get(name)) for name in _BLOCKS}
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=to_api(flags))


def _get_block(client: Any, bucket: str, _recorded: Recorded) -> Properties | None:
    answer = unless_gone(
        client.get_public_access_block,
        *NO_BUCKET,
        "NoSuchPublicAccessBlockConfiguration",
        Bucket=bucket,
    )
    if answer is None:
        return None
    flags = answer["PublicAccessBlockConfiguration"]
    return {name: bool(flags.get(name[:1].upper() + name[1:])) for name in _BLOCKS}


def _get_ownership(client: Any, bucket: str, _recorded: Recorded) -> Properties | None:
    answer = unless_gone(
        client.get_bucket_ownership_controls,
        *NO_BUCKET,
        "OwnershipControlsNotFoundError",
        Bucket=bucket,
    )
    if answer is None:
        return None
    rules = answer["OwnershipControls"]["Rules"]
    return {"rule": {"objectOwnership": rules[0]["ObjectOwnership"]}}


def _get_policy(client: Any, bucket: str, _recorded: Recorded) -> Properties | None:
    answer = unless_gone(client.get_bucket_policy, *NO_BUCKET, "NoSuchBucketPolicy", Bucket=bucket)
    return None if answer is None else {"policy": answer["Policy"]}


def _get_lifecycle(client: Any, bucket: str, _recorded: Recorded) -> Properties | None:
    answer = unless_gone(
        client.get_bucket_lifecycle_configuration,
        *NO_BUCKET,
        "NoSuchLifecycleConfiguration",
        Bucket=bucket,
    )
    if answer is None:
        return None
    found: Properties = {"rules": [lifecycle_from(rule) for rule in answer["Rules"]]}
    size = answer.get("TransitionDefaultMinimumObjectSize")
    return found | ({"transitionDefaultMinimumObjectSize": size} if size else {})


def _put_lifecycle(client: Any, bucket: str, inputs: Properties) -> None:
    rules = [lifecycle_request(rule) for rule in inputs.get("rules") or []]
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={"Rules": rules},
        **to_api(inputs, ("transitionDefaultMinimumObjectSize",)),
    )


def _put_lock(client: Any, bucket: str, inputs: Properties) -> None:
    configuration = {"ObjectLockEnabled": "Enabled", **to_api(inputs, ("rule",))}
    client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)


def _get_lock(client: Any, bucket: str, _recorded: Recorded) -> Properties | None:
    answer = unless_gone(
        client.get_object_lock_configuration,
        *NO_BUCKET,
        "ObjectLockConfigurationNotFoundError",
        Bucket=bucket,
    )
    configuration = (answer or {}).get("ObjectLockConfiguration") or {}
    retention = configuration.get("Rule", {}).get("DefaultRetention")
    if not configuration:
        return None
    found: Properties = {"objectLockEnabled": configuration.get("ObjectLockEnabled", "Enabled")}
    if retention:
        members = {name: retention.get(name.capitalize()) for name in ("mode", "days", "years")}
        found["rule"] = {"defaultRetention": {k: v for k, v in members.items() if v}}
    return found


def _get_lock_rule(client: Any, bucket: str, recorded: Recorded) -> Properties | None:
    # Object lock itself belongs to the bucket; this resource is its rule.
    found = _get_lock(client, bucket, recorded)
    return found if found is not None and "rule" in found else None


def _remove_lock(client: Any, bucket: str) -> None:
    # Object lock can't be taken off a bucket, its default rule can.
    if _get_lock(client, bucket, Recorded({}, {})) is not None:
        client.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
        )


TYPES = (
    _setting(
        "BucketVersioning",
        Setting(_put_versioning, _get_versioning, _remove_versioning),
        "versioningConfiguration",
    ),
    _setting(
        "BucketServerSideEncryptionConfiguration",
        Setting(
            _put_encryption,
            _get_encryption,
            lambda client, bucket: client.delete_bucket_encryption(Bucket=bucket),
        ),
        "rules",
    ),
    _setting(
        "BucketPublicAccessBlock",
        Setting(
            _put_block,
            _get_block,
            lambda client, bucket: client.delete_public_access_block(Bucket=bucket),
        ),
        " ".join(_BLOCKS),
        defaults=dict.fromkeys(_BLOCKS, False),
    ),
    _setting(
        "BucketOwnershipControls",
        Setting(
            lambda client, bucket, inputs: client.put_bucket_ownership_controls(
                Bucket=bucket, OwnershipControls={"Rules": [to_api(inputs["rule"])]}
            ),
            _get_ownership,
            lambda client, bucket: client.delete_bucket_ownership_controls(Bucket=bucket),
        ),
        "rule",
    ),
    _setting(
        "BucketPolicy",
        Setting(
            lambda client, bucket, inputs: client.put_bucket_policy(
                Bucket=bucket, Policy=inputs["policy"]
            ),
            _get_policy,
            lambda client, bucket: client.delete_bucket_policy(Bucket=bucket),
            refuses="a policy",
        ),
        "policy",
        policies="policy",
    ),
    _setting(
        "BucketLifecycleConfiguration",
        Setting(
            _put_lifecycle,
            _get_lifecycle,
            lambda client, bucket: client.delete_bucket_lifecycle(Bucket=bucket),
            refuses="a lifecycle",
        ),
        "rules transitionDefaultMinimumObjectSize",
        computed="transitionDefaultMinimumObjectSize",
    ),
    _setting(
        "BucketObjectLockConfiguration",
        Setting(_put_lock, _get_lock_rule, _remove_lock, refuses="an object lock rule"),
        "rule objectLockEnabled",
        defaults={"objectLockEnabled": "Enabled"},
    ),
)
