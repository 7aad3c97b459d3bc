"""SNS topics, their policies and subscriptions. Ids are ARNs."""

from __future__ import annotations

import json
from typing import Any

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    from_pairs,
    pairs,
    unless_gone,
    words,
)
from totara_infra.local.provider.values import Properties

GONE = ("NotFound", "NotFoundException")
_TOPIC_ATTRIBUTES = {
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoThroughputScope": "FifoThroughputScope",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION_ATTRIBUTES = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}
_BOOLEANS = words("contentBasedDeduplication fifoTopic rawMessageDelivery")
_NUMBERS = words("signatureVersion")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(inputs: Properties, members: dict[str, str]) -> dict[str, str]:
    return {
        member: _text(inputs[name])
        for name, member in members.items()
        if inputs.get(name) not in (None, False)
    }


def _from_attributes(attributes: dict[str, str], members: dict[str, str]) -> Properties:
    inputs: Properties = {}
    for name, member in members.items():
        value = attributes.get(member)
        if value in (None, ""):
            continue
        if name in _BOOLEANS:
            inputs[name] = value == "true"
        else:
            inputs[name] = int(str(value)) if name in _NUMBERS else value
    return inputs


def _reset(name: str) -> str:
    """Return the attribute value that means "not set"."""
    return {"rawMessageDelivery": "false", "contentBasedDeduplication": "false"}.get(name, "")


# --- topic ------------------------------------------------------------------------------------


def _get_topic(aws: Aws, arn: str) -> dict[str, str] | None:
    answer = unless_gone(aws.client("sns").get_topic_attributes, *GONE, TopicArn=arn)
    return None if answer is None else dict(answer["Attributes"])


def _create_topic(aws: Aws, inputs: Properties) -> Made:
    arn = aws.arn("sns", str(inputs["name"]))
    # CreateTopic answers with the existing topic.
    if _get_topic(aws, arn) is not None:
        raise AlreadyExists(f"the topic {inputs['name']}", arn)
    answer = aws.client("sns").create_topic(
        Name=inputs["name"],
        Attributes=_attributes(inputs, _TOPIC_ATTRIBUTES),
        Tags=pairs(inputs.get("tagsAll")),
    )
    return Made(answer["TopicArn"])


def _read_topic(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    attributes = _get_topic(aws, identifier)
    if attributes is None:
        return None
    tags = aws.client("sns").list_tags_for_resource(ResourceArn=identifier).get("Tags")
    inputs = _from_attributes(attributes, _TOPIC_ATTRIBUTES)
    inputs |= {"name": identifier.rsplit(":", maxsplit=1)[-1], "tags": from_pairs(tags)}
    return Live(inputs, {"arn": identifier, "owner": attributes.get("Owner", aws.account_id)})


def _update_topic(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("sns")
    for name, member in _TOPIC_ATTRIBUTES.items():
        if name == "fifoTopic" or new.get(name) == old.get(name):
            continue
        if name in new or name != "policy":
            value = _text(new[name]) if name in new else _reset(name)
            client.set_topic_attributes(
                TopicArn=identifier, AttributeName=member, AttributeValue=value
            )
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceArn=identifier, Tags=pairs(tags)),
        lambda keys: client.untag_resource(ResourceArn=identifier, TagKeys=keys),
    )


def _delete_topic(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("sns").delete_topic, *GONE, TopicArn=identifier)


# --- topic policy -----------------------------------------------------------------------------


def _default_policy(aws: Aws, arn: str) -> str:
    """Return the policy that AWS gives every topic: its own account may use it."""
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            f"SNS:{action}"
            for action in [
                "GetTopicAttributes",
                "SetTopicAttributes",
                "AddPermission",
                "RemovePermission",
                "DeleteTopic",
                "Subscribe",
                "ListSubscriptionsByTopic",
                "Publish",
            ]
        ],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": aws.account_id}},
    }
    document = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    return json.dumps(document)


def _is_default(policy: str | None) -> bool:
    return not policy or "__default_policy_ID" in policy or "__default_statement_ID" in policy


def _create_policy(aws: Aws, inputs: Properties) -> Made:
    arn = inputs["arn"]
    if not _is_default((_get_topic(aws, arn) or {}).get("Policy")):
        raise AlreadyExists(f"a policy of the topic {arn}", arn)
    _put_policy(aws, arn, inputs["policy"])
    return Made(arn)


def _put_policy(aws: Aws, arn: str, policy: str) -> None:
    aws.client("sns").set_topic_attributes(
        TopicArn=arn, AttributeName="Policy", AttributeValue=policy
    )


def _read_policy(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    attributes = _get_topic(aws, identifier) or {}
    if _is_default(attributes.get("Policy")):
        return None
    owner = attributes.get("Owner", aws.account_id)
    return Live({"arn": identifier, "policy": attributes["Policy"]}, {"owner": owner})


def _update_policy(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    _put_policy(aws, identifier, new["policy"])


def _delete_policy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    # A topic is never without a policy.
    unless_gone(lambda: _put_policy(aws, identifier, _default_policy(aws, identifier)), *GONE)


# --- subscription -----------------------------------------------------------------------------


def _get_subscription(aws: Aws, arn: str) -> dict[str, str] | None:
    client = aws.client("sns")
    answer = unless_gone(client.get_subscription_attributes, *GONE, SubscriptionArn=arn)
    return None if answer is None else dict(answer["Attributes"])


def _create_subscription(aws: Aws, inputs: Properties) -> Made:
    client, topic = aws.client("sns"), inputs["topic"]
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    for found in (item for page in pages for item in page["Subscriptions"]):
        # Subscribe answers with the existing subscription.
        if (found["Protocol"], found["Endpoint"]) == (inputs["protocol"], inputs["endpoint"]):
            what = f"the subscription of {inputs['endpoint']} to {topic}"
            raise AlreadyExists(what, found["SubscriptionArn"])
    answer = client.subscribe(
        TopicArn=topic,
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        Attributes=_attributes(inputs, _SUBSCRIPTION_ATTRIBUTES),
        ReturnSubscriptionArn=True,
    )
    return Made(answer["SubscriptionArn"])


def _read_subscription(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    attributes = _get_subscription(aws, identifier)
    if attributes is None:
        return None
    inputs = _from_attributes(attributes, _SUBSCRIPTION_ATTRIBUTES)
    inputs |= {
        "topic": attributes["TopicArn"],
        "protocol": attributes["Protocol"],
        "endpoint": attributes["Endpoint"],
    }
    outputs = {
        "arn": identifier,
        "ownerId": attributes.get("Owner", aws.account_id),
        "pendingConfirmation": attributes.get("PendingConfirmation") == "true",
        "confirmationWasAuthenticated": attributes.get("ConfirmationWasAuthenticated") == "true",
    }
    return Live(inputs, outputs)


def _update_subscription(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("sns")
    for name, member in _SUBSCRIPTION_ATTRIBUTES.items():
        if new.get(name) != old.get(name):
            value = _text(new[name]) if name in new else _reset(name)
            client.set_subscription_attributes(
                SubscriptionArn=identifier, AttributeName=member, AttributeValue=value
            )


def _delete_subscription(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("sns").unsubscribe, *GONE, SubscriptionArn=identifier)


TYPES = (
    ResourceType(
        token="aws:sns/topic:Topic",
        serves=frozenset(_TOPIC_ATTRIBUTES) | words("name namePrefix tags"),
        create=_create_topic,
        read=_read_topic,
        update=_update_topic,
        delete=_delete_topic,
        replaces={
            "name": "sns SetTopicAttributes takes no Name",
            "namePrefix": "sns SetTopicAttributes takes no Name",
            "fifoTopic": "https://docs.aws.amazon.com/sns/latest/dg/fifo-topic-code-examples.html:"
            " a standard topic can't be converted into a FIFO topic",
        },
        defaults={"fifoTopic": False, "contentBasedDeduplication": False},
        computed=words("policy signatureVersion tracingConfig fifoThroughputScope archivePolicy"),
        unreadable=words("namePrefix"),
        policies=words("policy"),
        json_values=words("deliveryPolicy archivePolicy"),
        name="name",
        unique=("name",),
        outputs=("arn", "owner"),
        predict=lambda aws, inputs: {
            "arn": aws.arn("sns", str(inputs["name"])),
            "owner": aws.account_id,
        },
    ),
    ResourceType(
        token="aws:sns/topicPolicy:TopicPolicy",
        serves=words("arn policy"),
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces={"arn": "sns SetTopicAttributes identifies by TopicArn"},
        policies=words("policy"),
        unique=("arn",),
        outputs=("owner",),
    ),
    ResourceType(
        token="aws:sns/topicSubscription:TopicSubscription",
        serves=frozenset(_SUBSCRIPTION_ATTRIBUTES)
        | words("topic protocol endpoint confirmationTimeoutInMinutes endpointAutoConfirms"),
        create=_create_subscription,
        read=_read_subscription,
        update=_update_subscription,
        delete=_delete_subscription,
        replaces={
            "topic": "sns SetSubscriptionAttributes takes no TopicArn",
            "protocol": "sns SetSubscriptionAttributes takes no Protocol",
            "endpoint": "sns SetSubscriptionAttributes takes no Endpoint",
        },
        defaults={
            "rawMessageDelivery": False,
            "confirmationTimeoutInMinutes": 1,
            "endpointAutoConfirms": False,
        },
        computed=words("filterPolicyScope"),
        unreadable=words("confirmationTimeoutInMinutes endpointAutoConfirms"),
        json_values=words("filterPolicy redrivePolicy deliveryPolicy"),
        unique=("topic", "protocol", "endpoint"),
        outputs=("arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated"),
        volatile=words("pendingConfirmation confirmationWasAuthenticated"),
    ),
)
