"""SQS queues and their policies. The id is the queue's URL.

MiniStack's URLs carry its own address, so they work from this machine; nothing in them is
rewritten.
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

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_ATTRIBUTES = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_BOOLEANS = words("contentBasedDeduplication fifoQueue sqsManagedSseEnabled")
_TEXTS = words(
    "deduplicationScope fifoThroughputLimit kmsMasterKeyId policy redriveAllowPolicy redrivePolicy"
)
_DEFAULTS = {
    "contentBasedDeduplication": False,
    "delaySeconds": 0,
    "fifoQueue": False,
    "messageRetentionSeconds": 345_600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}


def _attributes(inputs: Properties) -> dict[str, str]:
    found = {m: inputs[name] for name, m in _ATTRIBUTES.items() if inputs.get(name) is not None}
    if not inputs.get("fifoQueue"):
        # AWS refuses FifoQueue=false on a standard queue.
        found.pop("FifoQueue", None)
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in found.items()
    }


def _from_attributes(attributes: dict[str, str]) -> Properties:
    inputs: Properties = {}
    for name, member in _ATTRIBUTES.items():
        value = attributes.get(member)
        if value in (None, ""):
            continue
        if name in _BOOLEANS:
            inputs[name] = value == "true"
        else:
            inputs[name] = value if name in _TEXTS else int(str(value))
    return inputs


def _get(aws: Aws, url: str) -> dict[str, str] | None:
    client = aws.client("sqs")
    answer = unless_gone(client.get_queue_attributes, *GONE, QueueUrl=url, AttributeNames=["All"])
    return None if answer is None else dict(answer.get("Attributes") or {})


def _create_queue(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("sqs"), inputs["name"]
    # CreateQueue answers with the existing queue where the attributes agree.
    found = unless_gone(client.get_queue_url, *GONE, QueueName=name)
    if found is not None:
        raise AlreadyExists(f"the queue {name}", found["QueueUrl"])
    request: dict[str, Any] = {"QueueName": name, "Attributes": _attributes(inputs)}
    if inputs.get("tagsAll"):
        request["tags"] = inputs["tagsAll"]
    # AWS keeps a deleted queue's name for 60 seconds.
    answer = keep_trying(
        lambda: client.create_queue(**request),
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDeletedRecently",
        seconds=70,
    )
    return Made(answer["QueueUrl"])


def _read_queue(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    attributes = _get(aws, identifier)
    if attributes is None:
        return None
    inputs = _from_attributes(attributes) | {"name": attributes["QueueArn"].split(":")[-1]}
    tags = aws.client("sqs").list_queue_tags(QueueUrl=identifier).get("Tags") or {}
    outputs = {"arn": attributes["QueueArn"], "url": identifier}
    return Live(inputs | {"tags": dict(tags)}, outputs)


def _update_queue(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("sqs")
    # An attribute that the program no longer names goes back to AWS's default.
    emptied = {name: _DEFAULTS.get(name, "") for name in old if name in _ATTRIBUTES}
    emptied = {n: v for n, v in emptied.items() if v != "" or n in _TEXTS - {"policy"}}
    attributes = _attributes(emptied | new)
    # What a queue is can't be changed, and FifoQueue may not be sent.
    attributes.pop("FifoQueue", None)
    if not new.get("fifoQueue"):
        attributes.pop("ContentBasedDeduplication", None)
    if attributes:
        client.set_queue_attributes(QueueUrl=identifier, Attributes=attributes)
    change_tags(
        new,
        old,
        lambda tags: client.tag_queue(QueueUrl=identifier, Tags=tags),
        lambda keys: client.untag_queue(QueueUrl=identifier, TagKeys=keys),
    )


def _delete_queue(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("sqs").delete_queue, *GONE, QueueUrl=identifier)


def _create_policy(aws: Aws, inputs: Properties) -> Made:
    url = inputs["queueUrl"]
    if (_get(aws, url) or {}).get("Policy"):
        raise AlreadyExists(f"a policy of the queue {url}", url)
    _put_policy(aws, url, inputs["policy"])
    return Made(url)


def _put_policy(aws: Aws, url: str, policy: str) -> None:
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def _read_policy(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    policy = (_get(aws, identifier) or {}).get("Policy")
    return Live({"queueUrl": identifier, "policy": policy}) if policy else None


def _update_policy(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    _put_policy(aws, identifier, new["policy"])


def _delete_policy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(lambda: _put_policy(aws, identifier, ""), *GONE)


TYPES = (
    ResourceType(
        token="aws:sqs/queue:Queue",
        serves=frozenset(_ATTRIBUTES) | words("name namePrefix tags"),
        create=_create_queue,
        read=_read_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaces={
            "name": "sqs SetQueueAttributes takes no QueueName",
            "namePrefix": "sqs SetQueueAttributes takes no QueueName",
            "fifoQueue": "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/"
            "API_CreateQueue.html: you can't change an existing standard queue into a FIFO queue",
        },
        defaults=_DEFAULTS,
        computed=words(
            "deduplicationScope fifoThroughputLimit kmsDataKeyReusePeriodSeconds maxMessageSize"
            " policy sqsManagedSseEnabled"
        ),
        unreadable=words("namePrefix"),
        policies=words("policy"),
        json_values=words("redrivePolicy redriveAllowPolicy"),
        name="name",
        unique=("name",),
        outputs=("arn", "url"),
        predict=lambda aws, inputs: {"arn": aws.arn("sqs", str(inputs["name"]))},
    ),
    ResourceType(
        token="aws:sqs/queuePolicy:QueuePolicy",
        serves=words("queueUrl policy"),
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces={"queueUrl": "sqs SetQueueAttributes identifies by QueueUrl"},
        policies=words("policy"),
        unique=("queueUrl",),
    ),
)
