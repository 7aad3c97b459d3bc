"""Secrets: the container only. No value ever passes through the provider.

MiniStack frees the name of a secret that is deleted without recovery at once; AWS takes a while,
hence the waits.
"""

from __future__ import annotations

from botocore.exceptions import ClientError

from totara_infra.local.provider.errors import AlreadyExists, Refusal
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    differ,
    error_code,
    from_pairs,
    keep_trying,
    pairs,
    unless_gone,
    wait_until,
    words,
)
from totara_infra.local.provider.shapes import to_api
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"
SCHEDULED = "scheduled for deletion"
DEFAULT_WINDOW_DAYS = 30


def _create(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("secretsmanager"), inputs["name"]
    request = to_api(inputs, ("name", "description", "kmsKeyId", "forceOverwriteReplicaSecret"))
    request["Tags"] = pairs(inputs.get("tagsAll"))
    try:
        answer = keep_trying(
            lambda: client.create_secret(**request),
            "InvalidRequestException",
            text=SCHEDULED,
            seconds=10,
        )
    except ClientError as error:
        exists = error_code(error) == "ResourceExistsException"
        found = client.describe_secret(SecretId=name) if exists else {}
        if exists and not found.get("DeletedDate"):
            raise AlreadyExists(f"the secret {name}", found["ARN"]) from error
        # AWS says so in the first way, MiniStack in the second.
        if SCHEDULED in str(error) or exists:
            raise Refusal(
                f"the secret {name} is scheduled for deletion and keeps its name until then:"
                f" restore it (`aws secretsmanager restore-secret --secret-id {name}`) and import"
                " it, or delete it with --force-delete-without-recovery"
            ) from error
        raise
    return Made(answer["ARN"])


def _finish(aws: Aws, identifier: str, inputs: Properties) -> None:
    client = aws.client("secretsmanager")
    # MiniStack gives a new secret a current version without a value, AWS gives it none: the empty
    # container would pass for a filled one.
    for version in client.describe_secret(SecretId=identifier).get("VersionIdsToStages") or {}:
        client.update_secret_version_stage(
            SecretId=identifier, VersionStage="AWSCURRENT", RemoveFromVersionId=version
        )
    if inputs.get("policy"):
        client.put_resource_policy(SecretId=identifier, ResourcePolicy=inputs["policy"])


def _read(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("secretsmanager")
    secret = unless_gone(client.describe_secret, GONE, SecretId=identifier)
    if secret is None or secret.get("DeletedDate"):
        return None
    policy = unless_gone(client.get_resource_policy, GONE, SecretId=identifier) or {}
    inputs = {
        "name": secret["Name"],
        "description": secret.get("Description"),
        "kmsKeyId": secret.get("KmsKeyId"),
        "policy": policy.get("ResourcePolicy"),
        "tags": from_pairs(secret.get("Tags")),
    }
    outputs = {"arn": secret["ARN"]}
    return Live({k: v for k, v in inputs.items() if v not in (None, "")}, outputs, secret["ARN"])


def _update(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("secretsmanager")
    if differ(new, old, "description", "kmsKeyId"):
        request = to_api({"description": "", **new}, ("description", "kmsKeyId"))
        if "kmsKeyId" in old and "kmsKeyId" not in new:
            request["KmsKeyId"] = "alias/aws/secretsmanager"
        client.update_secret(SecretId=identifier, **request)
    if new.get("policy"):
        client.put_resource_policy(SecretId=identifier, ResourcePolicy=new["policy"])
    elif old.get("policy"):
        client.delete_resource_policy(SecretId=identifier)
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(SecretId=identifier, Tags=pairs(tags)),
        lambda keys: client.untag_resource(SecretId=identifier, TagKeys=keys),
    )


def _delete(aws: Aws, identifier: str, recorded: Recorded) -> None:
    client = aws.client("secretsmanager")
    days = int(recorded.inputs.get("recoveryWindowInDays", DEFAULT_WINDOW_DAYS))
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    secret = unless_gone(client.describe_secret, GONE, SecretId=identifier)
    if secret is None or (secret.get("DeletedDate") and days):
        return
    unless_gone(client.delete_secret, GONE, SecretId=identifier, **how)
    if not days:
        wait_until(
            lambda: unless_gone(client.describe_secret, GONE, SecretId=identifier) is None,
            f"the deletion of {identifier} did not end",
        )


TYPES = (
    ResourceType(
        token="aws:secretsmanager/secret:Secret",
        serves=words(
            "name namePrefix description kmsKeyId policy recoveryWindowInDays"
            " forceOverwriteReplicaSecret tags"
        ),
        create=_create,
        finish=_finish,
        read=_read,
        update=_update,
        delete=_delete,
        replaces={
            "name": "secretsmanager UpdateSecret takes no Name",
            "namePrefix": "secretsmanager UpdateSecret takes no Name",
        },
        defaults={
            "recoveryWindowInDays": DEFAULT_WINDOW_DAYS,
            "forceOverwriteReplicaSecret": False,
        },
        unreadable=words("recoveryWindowInDays forceOverwriteReplicaSecret namePrefix"),
        policies=words("policy"),
        name="name",
        unique=("name",),
        outputs=("arn",),
    ),
)
