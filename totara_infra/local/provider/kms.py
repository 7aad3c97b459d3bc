"""KMS keys and aliases.

AWS never deletes a key at once: deleting schedules it, and a key that waits for its end counts as
gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    REGION,
    REGION_REPLACES,
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    differ,
    unless_gone,
    words,
)
from totara_infra.local.provider.values import Properties

GONE = "NotFoundException"
DEFAULT_WINDOW_DAYS = 30


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def _create_key(aws: Aws, inputs: Properties) -> Made:
    request: dict[str, Any] = {
        "Description": inputs.get("description", ""),
        "KeyUsage": inputs.get("keyUsage", "ENCRYPT_DECRYPT"),
        "KeySpec": inputs.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT"),
        "MultiRegion": bool(inputs.get("multiRegion")),
        "BypassPolicyLockoutSafetyCheck": bool(inputs.get("bypassPolicyLockoutSafetyCheck")),
        "Tags": _tag_list(inputs.get("tagsAll") or {}),
    }
    if "policy" in inputs:
        request["Policy"] = inputs["policy"]
    answer = aws.client("kms").create_key(**request)
    return Made(answer["KeyMetadata"]["KeyId"])


def _finish_key(aws: Aws, identifier: str, inputs: Properties) -> None:
    if inputs.get("enableKeyRotation"):
        _set_rotation(aws, identifier, inputs)
    if not inputs.get("isEnabled", True):
        aws.client("kms").disable_key(KeyId=identifier)


def _set_rotation(aws: Aws, identifier: str, inputs: Properties) -> None:
    client = aws.client("kms")
    if not inputs.get("enableKeyRotation"):
        client.disable_key_rotation(KeyId=identifier)
        return
    days = inputs.get("rotationPeriodInDays")
    client.enable_key_rotation(
        KeyId=identifier, **({"RotationPeriodInDays": int(days)} if days else {})
    )


def _read_key(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("kms")
    answer = unless_gone(client.describe_key, GONE, KeyId=identifier)
    if answer is None or answer["KeyMetadata"]["KeyState"] in (
        "PendingDeletion",
        "PendingReplicaDeletion",
    ):
        return None
    key = answer["KeyMetadata"]
    policy = client.get_key_policy(KeyId=identifier, PolicyName="default")["Policy"]
    tags = client.list_resource_tags(KeyId=identifier).get("Tags") or []
    inputs = {
        "description": key.get("Description") or None,
        "keyUsage": key.get("KeyUsage"),
        "customerMasterKeySpec": key.get("KeySpec") or key.get("CustomerMasterKeySpec"),
        "isEnabled": key["Enabled"],
        "multiRegion": bool(key.get("MultiRegion")),
        "policy": policy,
        "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
    }
    if key.get("KeySpec", "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT":
        rotation = client.get_key_rotation_status(KeyId=identifier)
        inputs["enableKeyRotation"] = bool(rotation["KeyRotationEnabled"])
        inputs["rotationPeriodInDays"] = rotation.get("RotationPeriodInDays")
    outputs = {"arn": key["Arn"], "keyId": key["KeyId"]}
    return Live({k: v for k, v in inputs.items() if v is not None}, outputs, key["KeyId"])


def _update_key(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("kms")
    if new.get("isEnabled", True) and not old.get("isEnabled", True):
        # A disabled key takes no other change.
        client.enable_key(KeyId=identifier)
    if differ(new, old, "description"):
        client.update_key_description(KeyId=identifier, Description=new.get("description", ""))
    if "policy" in new and differ(new, old, "policy"):
        client.put_key_policy(
            KeyId=identifier,
            PolicyName="default",
            Policy=new["policy"],
            BypassPolicyLockoutSafetyCheck=bool(new.get("bypassPolicyLockoutSafetyCheck")),
        )
    if differ(new, old, "enableKeyRotation", "rotationPeriodInDays"):
        _set_rotation(aws, identifier, new)
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(KeyId=identifier, Tags=_tag_list(tags)),
        lambda keys: client.untag_resource(KeyId=identifier, TagKeys=keys),
    )
    if not new.get("isEnabled", True):
        client.disable_key(KeyId=identifier)


def _delete_key(aws: Aws, identifier: str, recorded: Recorded) -> None:
    days = int(recorded.inputs.get("deletionWindowInDays", DEFAULT_WINDOW_DAYS))
    client = aws.client("kms")
    if _read_key(aws, identifier, recorded) is not None:
        unless_gone(client.schedule_key_deletion, GONE, KeyId=identifier, PendingWindowInDays=days)


def _find_alias(aws: Aws, name: str) -> dict[str, Any] | None:
    for page in aws.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == name:
                return dict(alias)
    return None


def _create_alias(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("kms"), inputs["name"]
    try:
        client.create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])
    except client.exceptions.AlreadyExistsException as error:
        raise AlreadyExists(f"the alias {name}", name) from error
    return Made(name)


def _read_alias(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    alias = _find_alias(aws, identifier)
    if alias is None:
        return None
    key, arn = alias["TargetKeyId"], aws.arn("kms", f"key/{alias['TargetKeyId']}")
    # Programs name the key by id or by ARN; AWS returns the id.
    target = arn if recorded.inputs.get("targetKeyId") == arn else key
    outputs = {"arn": alias["AliasArn"], "targetKeyArn": arn}
    return Live({"name": identifier, "targetKeyId": target}, outputs)


def _update_alias(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    aws.client("kms").update_alias(AliasName=identifier, TargetKeyId=new["targetKeyId"])


def _delete_alias(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("kms").delete_alias, GONE, AliasName=identifier)


def _verify_alias(inputs: Properties) -> Iterator[tuple[str, str]]:
    if not str(inputs.get("name", "")).startswith("alias/"):
        yield "name", "give the alias a name that starts with alias/"


def _no_change(**members: str) -> dict[str, str]:
    return {name: f"kms UpdateKeyDescription takes no {m}" for name, m in members.items()}


TYPES = (
    ResourceType(
        token="aws:kms/key:Key",
        serves=words(
            "description keyUsage customerMasterKeySpec multiRegion policy isEnabled"
            " enableKeyRotation rotationPeriodInDays"
            " deletionWindowInDays bypassPolicyLockoutSafetyCheck region tags"
        ),
        create=_create_key,
        finish=_finish_key,
        read=_read_key,
        update=_update_key,
        delete=_delete_key,
        replaces=REGION_REPLACES
        | _no_change(
            keyUsage="KeyUsage", customerMasterKeySpec="KeySpec", multiRegion="MultiRegion"
        ),
        defaults={
            "keyUsage": "ENCRYPT_DECRYPT",
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "multiRegion": False,
            "isEnabled": True,
            "enableKeyRotation": False,
            "deletionWindowInDays": DEFAULT_WINDOW_DAYS,
            "bypassPolicyLockoutSafetyCheck": False,
        },
        computed=words("policy rotationPeriodInDays"),
        unreadable=words("deletionWindowInDays bypassPolicyLockoutSafetyCheck"),
        policies=words("policy"),
        outputs=("arn", "keyId", "policy"),
    ),
    ResourceType(
        token="aws:kms/alias:Alias",
        serves=words("name targetKeyId region"),
        create=_create_alias,
        read=_read_alias,
        update=_update_alias,
        delete=_delete_alias,
        verify=_verify_alias,
        replaces={"name": "kms UpdateAlias identifies by AliasName", **REGION_REPLACES},
        unique=("name", REGION),
        outputs=("arn", "targetKeyArn"),
        volatile=words("targetKeyArn"),
        predict=lambda aws, inputs: {"arn": aws.arn("kms", str(inputs["name"]))},
    ),
)
