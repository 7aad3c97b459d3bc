"""CloudWatch log groups and their subscription filters.

The id of a subscription filter is `GROUP|NAME`, the form in which Pulumi's plugin imports one (its
own ids are a hash, from which nothing can be found again).
"""

from __future__ import annotations

from typing import Any

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    keep_trying,
    unless_gone,
    words,
)
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"


def _group_arn(aws: Aws, name: str) -> str:
    return aws.arn("logs", f"log-group:{name}")


def _create_group(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("logs"), inputs["name"]
    request: dict[str, Any] = {"logGroupName": name}
    request |= {key: inputs[key] for key in ("kmsKeyId", "logGroupClass") if inputs.get(key)}
    if inputs.get("tagsAll"):
        request["tags"] = inputs["tagsAll"]
    try:
        client.create_log_group(**request)
    except client.exceptions.ResourceAlreadyExistsException as error:
        raise AlreadyExists(f"the log group {name}", name) from error
    return Made(name)


def _set_retention(aws: Aws, identifier: str, inputs: Properties) -> None:
    client, days = aws.client("logs"), int(inputs.get("retentionInDays") or 0)
    if days:
        client.put_retention_policy(logGroupName=identifier, retentionInDays=days)
    else:
        client.delete_retention_policy(logGroupName=identifier)


def _finish_group(aws: Aws, identifier: str, inputs: Properties) -> None:
    if inputs.get("retentionInDays"):
        _set_retention(aws, identifier, inputs)


def _read_group(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("logs")
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=identifier)
    groups = (group for page in pages for group in page["logGroups"])
    group = next((group for group in groups if group["logGroupName"] == identifier), None)
    if group is None:
        return None
    arn = _group_arn(aws, identifier)
    tags = client.list_tags_for_resource(resourceArn=arn).get("tags") or {}
    inputs = {
        "name": identifier,
        "kmsKeyId": group.get("kmsKeyId"),
        "retentionInDays": group.get("retentionInDays"),
        "logGroupClass": group.get("logGroupClass"),
        "tags": dict(tags),
    }
    return Live({k: v for k, v in inputs.items() if v is not None}, {"arn": arn})


def _update_group(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client, arn = aws.client("logs"), _group_arn(aws, identifier)
    _set_retention(aws, identifier, new)
    if new.get("kmsKeyId"):
        client.associate_kms_key(logGroupName=identifier, kmsKeyId=new["kmsKeyId"])
    elif old.get("kmsKeyId"):
        client.disassociate_kms_key(logGroupName=identifier)
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
        lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
    )


def _delete_group(aws: Aws, identifier: str, recorded: Recorded) -> None:
    if not recorded.inputs.get("skipDestroy"):
        unless_gone(aws.client("logs").delete_log_group, GONE, logGroupName=identifier)


def _find_filter(aws: Aws, identifier: str) -> dict[str, Any] | None:
    group, _, name = identifier.partition("|")
    answer = unless_gone(
        aws.client("logs").describe_subscription_filters,
        GONE,
        logGroupName=group,
        filterNamePrefix=name,
    )
    found = (answer or {}).get("subscriptionFilters", [])
    return next((dict(item) for item in found if item["filterName"] == name), None)


def _put_filter(aws: Aws, inputs: Properties) -> None:
    request = {
        "logGroupName": inputs["logGroup"],
        "filterName": inputs["name"],
        "filterPattern": inputs["filterPattern"],
        "destinationArn": inputs["destinationArn"],
    }
    request |= {name: inputs[name] for name in ("roleArn", "distribution") if inputs.get(name)}
    # A destination's role or permission that was made a moment ago is not seen at once.
    keep_trying(
        lambda: aws.client("logs").put_subscription_filter(**request),
        "InvalidParameterException",
        text="Could not",
        seconds=20,
    )


def _create_filter(aws: Aws, inputs: Properties) -> Made:
    identifier = f"{inputs['logGroup']}|{inputs['name']}"
    if _find_filter(aws, identifier) is not None:
        raise AlreadyExists(f"the subscription filter {identifier}", identifier)
    _put_filter(aws, inputs)
    return Made(identifier)


def _read_filter(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    found = _find_filter(aws, identifier)
    if found is None:
        return None
    names = ("filterPattern", "destinationArn", "roleArn", "distribution")
    inputs = {"name": found["filterName"], "logGroup": found["logGroupName"]}
    return Live(inputs | {name: found[name] for name in names if found.get(name) is not None})


def _update_filter(aws: Aws, _identifier: str, new: Properties, _old: Properties) -> None:
    _put_filter(aws, new)


def _delete_filter(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    group, _, name = identifier.partition("|")
    client = aws.client("logs")
    unless_gone(client.delete_subscription_filter, GONE, logGroupName=group, filterName=name)


TYPES = (
    ResourceType(
        token="aws:cloudwatch/logGroup:LogGroup",
        serves=words("name namePrefix kmsKeyId retentionInDays logGroupClass skipDestroy tags"),
        create=_create_group,
        finish=_finish_group,
        read=_read_group,
        update=_update_group,
        delete=_delete_group,
        replaces={
            "name": "logs PutRetentionPolicy identifies by logGroupName",
            "namePrefix": "logs PutRetentionPolicy identifies by logGroupName",
            "logGroupClass": "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
            "CloudWatch_Logs_Log_Classes.html: the class can't be changed after creation",
        },
        defaults={"retentionInDays": 0, "skipDestroy": False, "logGroupClass": "STANDARD"},
        unreadable=words("skipDestroy namePrefix"),
        name="name",
        unique=("name",),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": _group_arn(aws, inputs["name"])},
    ),
    ResourceType(
        token="aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        serves=words("name logGroup filterPattern destinationArn roleArn distribution"),
        create=_create_filter,
        read=_read_filter,
        update=_update_filter,
        delete=_delete_filter,
        replaces={
            "name": "logs PutSubscriptionFilter identifies by filterName",
            "logGroup": "logs PutSubscriptionFilter identifies by logGroupName",
            "destinationArn": "terraform-provider-aws internal/service/logs/subscription_filter.go:"
            " destination_arn ForceNew",
        },
        computed=words("roleArn distribution"),
        name="name",
        unique=("logGroup", "name"),
    ),
)
