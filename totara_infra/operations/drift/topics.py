"""Topics of SNS, their policies and subscriptions."""

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
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
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


_SUBSCRIPTION_TEXTS = {
    "filter_policy": "FilterPolicy",
    "redrive_policy": "RedrivePolicy",
    "delivery_policy": "DeliveryPolicy",
    "subscription_role_arn": "SubscriptionRoleArn",
}


def _read_subscriptions(reading: Reading) -> Iterator[Thing]:
    """Subscriptions of the topics by which alerts reach people, and of those that are planned."""
    client, plan = reading.client("sns"), reading.blueprint.scope.catalogue.alerts
    scope = reading.blueprint.scope
    told = {scope.fill(name) for name in (plan.intake, plan.topic)} if plan else set()

    def read(subscription: dict[str, str]) -> Thing | None:
        arn = subscription["SubscriptionArn"]
        attributes: dict[str, str] = {}
        # Until it is confirmed it has no ARN, and no attributes to ask for.
        if arn.startswith("arn:"):
            answer = unless_gone(client.get_subscription_attributes, *_GONE, SubscriptionArn=arn)
            if answer is None:
                return None
            attributes = answer["Attributes"]
        topic = subscription["TopicArn"].rsplit(":", 1)[-1]
        endpoint = subscription["Endpoint"]
        texts = {k: attributes.get(a) for k, a in _SUBSCRIPTION_TEXTS.items()}
        # The scope is that of the policy; without one it says nothing.
        by_body = texts["filter_policy"] and attributes.get("FilterPolicyScope") == "MessageBody"
        return Thing(
            f"{topic}/{endpoint.rsplit(':', 1)[-1]}",
            {
                "topic": subscription["TopicArn"],
                "protocol": subscription["Protocol"],
                "endpoint": endpoint,
                "raw_message_delivery": attributes.get("RawMessageDelivery") == "true",
                "filter_policy_scope": "MessageBody" if by_body else None,
                **texts,
            },
            {"id": arn, "arn": arn},
            "it is told of every alert of this environment" if topic in told else "",
        )

    listed = client.get_paginator("list_subscriptions").paginate()
    planned = {key.split("/", 1)[0] for key in reading.planned(SUBSCRIPTION)} | told
    ours = [
        subscription
        for page in listed
        for subscription in page["Subscriptions"]
        if subscription["TopicArn"].rsplit(":", 1)[-1] in planned
    ]
    yield from (thing for thing in reading.each(read, ours) if thing is not None)


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
    TypeReader(
        SUBSCRIPTION,
        _read_subscriptions,
        words("topic protocol endpoint raw_message_delivery filter_policy_scope")
        | set(_SUBSCRIPTION_TEXTS),
        key=("topic", "endpoint"),
        documents=words("filter_policy redrive_policy delivery_policy"),
    ),
)
