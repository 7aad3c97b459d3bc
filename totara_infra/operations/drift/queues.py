"""Queues of SQS and their policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    own_tags,
    pages,
    unless_gone,
    words,
)

QUEUE = "aws:sqs/queue:Queue"
POLICY = "aws:sqs/queuePolicy:QueuePolicy"
_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_NUMBERS = {
    "message_retention_seconds": "MessageRetentionPeriod",
    "visibility_timeout_seconds": "VisibilityTimeout",
    "delay_seconds": "DelaySeconds",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
}
_TEXTS = {
    "kms_master_key_id": "KmsMasterKeyId",
    "redrive_policy": "RedrivePolicy",
    "redrive_allow_policy": "RedriveAllowPolicy",
}


def _queues(reading: Reading) -> dict[str, dict[str, Any]]:
    """Name -> URL, tags and attributes; attributes of the planned ones only."""
    client = reading.client("sqs")

    def read(url: str) -> dict[str, Any] | None:
        tags = unless_gone(client.list_queue_tags, *_GONE, QueueUrl=url)
        found: dict[str, Any] = {"url": url, "tags": own_tags((tags or {}).get("Tags"))}
        if url.rsplit("/", 1)[-1] in reading.planned(QUEUE):
            answer = unless_gone(
                client.get_queue_attributes, *_GONE, QueueUrl=url, AttributeNames=["All"]
            )
            if answer is None:
                return None
            found["attributes"] = answer["Attributes"]
        return found

    def read_all() -> dict[str, dict[str, Any]]:
        urls = list(pages(client.list_queues, "QueueUrls", MaxResults=1000))
        return {
            url.rsplit("/", 1)[-1]: queue
            for url, queue in zip(urls, reading.each(read, urls), strict=True)
            if queue is not None
        }

    return reading.once("sqs-queues", read_all)


def _read_queues(reading: Reading) -> Iterator[Thing]:
    for name, queue in _queues(reading).items():
        attributes = queue.get("attributes", {})
        properties: dict[str, Any] = {"name": name, "tags": queue["tags"]}
        properties |= {k: int(attributes[a]) for k, a in _NUMBERS.items() if a in attributes}
        properties |= {k: attributes.get(a) for k, a in _TEXTS.items()}
        properties["sqs_managed_sse_enabled"] = attributes.get("SqsManagedSseEnabled") == "true"
        arn = reading.blueprint.scope.arn("sqs", name)
        yield Thing(
            name,
            properties,
            {"id": queue["url"], "url": queue["url"], "arn": arn, "name": name},
            "" if name in reading.left_to_deployments else reading.tagged(queue["tags"]),
        )


def _read_policies(reading: Reading) -> Iterator[Thing]:
    for name, queue in _queues(reading).items():
        policy = queue.get("attributes", {}).get("Policy")
        if policy:
            yield Thing(
                name,
                {"queue_url": queue["url"], "policy": policy},
                {"id": queue["url"]},
                f"it belongs to the queue {name}",
            )


READERS = (
    TypeReader(
        QUEUE,
        _read_queues,
        words("name tags sqs_managed_sse_enabled") | set(_NUMBERS) | set(_TEXTS),
        documents=words("redrive_policy redrive_allow_policy"),
        assumed={"visibility_timeout_seconds": 30},
    ),
    TypeReader(
        POLICY,
        _read_policies,
        words("queue_url policy"),
        key=("queue_url",),
        documents=words("policy"),
    ),
)
