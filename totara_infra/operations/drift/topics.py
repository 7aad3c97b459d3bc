"""Topics of SNS and their policies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    tags_from,
    unless_gone,
    words,
)

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
_GONE = ("NotFound", "NotFoundException", "ResourceNotFound")
_TEXTS = {
    "kms_master_key_id": "KmsMasterKeyId",
    "display_name": "DisplayName",
    "delivery_policy": "DeliveryPolicy",
}


def _topics(reading: Reading) -> dict[str, dict[str, Any]]:
    """Name -> ARN, tags and attributes; attributes of the planned ones only."""
    client = reading.client("sns")

    def read(arn: str) -> dict[str, Any] | None:
        tags = unless_gone(client.list_tags_for_resource, *_GONE, ResourceArn=arn)
        if tags is None:
            return None
        found: dict[str, Any] = {"arn": arn, "tags": tags_from(tags.get("Tags"))}
        if arn.rsplit(":", 1)[-1] in reading.planned(TOPIC):
            answer = unless_gone(client.get_topic_attributes, *_GONE, TopicArn=arn)
            if answer is None:
                return None
            found["attributes"] = answer["Attributes"]
        return found

    def read_all() -> dict[str, dict[str, Any]]:
        listed = client.get_paginator("list_topics").paginate()
        arns = [t["TopicArn"] for page in listed for t in page["Topics"]]
        topics = zip(arns, reading.each(read, arns), strict=True)
        return {a.rsplit(":", 1)[-1]: topic for a, topic in topics if topic is not None}

    return reading.once("sns-topics", read_all)


def _read_topics(reading: Reading) -> Iterator[Thing]:
    for name, topic in _topics(reading).items():
        attributes = topic.get("attributes", {})
        yield Thing(
            name,
            {
                "name": name,
                "tags": topic["tags"],
                **{k: attributes.get(a) for k, a in _TEXTS.items()},
            },
            {"id": topic["arn"], "arn": topic["arn"], "name": name},
            "" if name in reading.left_to_deployments else reading.tagged(topic["tags"]),
        )


def _read_policies(reading: Reading) -> Iterator[Thing]:
    for name, topic in _topics(reading).items():
        policy = topic.get("attributes", {}).get("Policy")
        if policy:
            yield Thing(name, {"arn": topic["arn"], "policy": policy}, {"id": topic["arn"]})


READERS = (
    TypeReader(
        TOPIC,
        _read_topics,
        words("name tags") | set(_TEXTS),
        documents=words("delivery_policy"),
    ),
    TypeReader(
        POLICY, _read_policies, words("arn policy"), key=("arn",), documents=words("policy")
    ),
)
