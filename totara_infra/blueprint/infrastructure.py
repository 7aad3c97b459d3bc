"""Keys, event buses, buckets, topics and log groups: what the bootstrap modules own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.blueprint.buckets import bucket_resources
from totara_infra.blueprint.resource import PlannedResource, Reference, document, logical
from totara_infra.blueprint.roles import policy_resources, role_resources
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import (
    Bucket,
    EncryptionKey,
    EventBus,
    LogGroup,
    Policy,
    RuntimeRole,
    Topic,
)
from totara_infra.model.vocabulary import Environment, Source

SECONDS_A_DAY = 86_400


def infrastructure_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """Everything of a module's `resources:` that this program makes."""
    return [
        planned
        for resource in module.resources
        if resource.source is Source.RESOURCE
        for planned in _planned(scope, module, resource)
    ]


def _planned(scope: Scope, module: Module, resource: Any) -> Iterator[PlannedResource]:
    match resource:
        case EncryptionKey():
            yield from _key(scope, module, resource)
        case EventBus():
            yield from _event_bus(scope, module, resource)
        case Bucket():
            yield from bucket_resources(scope, module, resource)
        case Topic():
            yield from _topic(scope, module, resource)
        case LogGroup():
            yield _log_group(scope, module, resource)
        case RuntimeRole():
            yield from role_resources(scope, module, resource)
        case Policy():
            yield from policy_resources(scope, module, resource)


def _key(scope: Scope, module: Module, key: EncryptionKey) -> Iterator[PlannedResource]:
    alias = f"alias/bank-{scope.env}-{key.name}"
    days = key.deletion_window_days
    yield from key_resources(
        scope, module, f"key/{key.name}", "encryption", alias, key.why, deletion_window_days=days
    )


def key_resources(
    scope: Scope,
    module: Module,
    name: str,
    kind: str,
    alias: str,
    why: str,
    *,
    deletion_window_days: int = 30,
    region: str | None = None,
) -> Iterator[PlannedResource]:
    """A customer-managed key with its alias.

    Args:
        scope: the environment.
        module: in whose step they go up.
        name: logical name of the key.
        kind: which component makes them.
        alias: with `alias/`.
        why: its description, by which a key is known.
        deletion_window_days: days in which a deletion can be taken back.
        region: where, if not in the stack's own.
    """
    place = {} if region is None else {"region": region}
    services = ["cloudwatch", "events", "s3", "secretsmanager", "sns", "sqs"]
    yield PlannedResource(
        "aws:kms/key:Key",
        name,
        module.id,
        kind,
        {
            "description": why,
            "deletion_window_in_days": deletion_window_days,
            "enable_key_rotation": True,
            # Can't be changed later, so it is decided now: the second region gets its own keys.
            "multi_region": False,
            "policy": document(
                {
                    "Sid": "AccountDecidesThroughIam",
                    "Effect": "Allow",
                    "Principal": {"AWS": scope.arn("iam", "root", regional=False)},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "AwsServicesOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": [f"{s}.amazonaws.com" for s in services]},
                    "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceAccount": scope.settings.account_id}},
                },
                _log_groups_of(scope, region or scope.settings.region),
            ),
            "tags": scope.tags(module.id),
            **place,
        },
        protect=scope.settings.protect,
    )
    yield PlannedResource(
        "aws:kms/alias:Alias",
        f"{name}/alias",
        module.id,
        kind,
        {"name": alias, "target_key_id": Reference(name, "id"), **place},
        delete_first=True,
    )


def _log_groups_of(scope: Scope, region: str) -> dict[str, Any]:
    """Let CloudWatch Logs use a key for the platform's log groups, in the form that AWS documents.

    Patterns instead of names: the pipeline may add a log group, but not change a key's policy.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    platform = f"/aws/bank-platform/{scope.env}"
    groups = (platform, f"{platform}/*", f"/aws/lambda/bank-*-{scope.env}")
    account = scope.settings.account_id
    return {
        "Sid": "LogGroupsOfThePlatform",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.amazonaws.com"},
        "Action": [
            "kms:Decrypt*",
            "kms:Describe*",
            "kms:Encrypt*",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": [
                    f"arn:aws:logs:{region}:{account}:log-group:{group}" for group in groups
                ]
            }
        },
    }


def _event_bus(scope: Scope, module: Module, bus: EventBus) -> Iterator[PlannedResource]:
    name, queue = f"event_bus/{bus.name}", f"queue/{bus.dead_letter_queue}"
    tags = scope.tags(module.id)
    bus_arn = scope.arn("events", f"event-bus/{bus.name}")
    yield PlannedResource(
        "aws:sqs/queue:Queue",
        queue,
        module.id,
        "events",
        {
            "name": bus.dead_letter_queue,
            "message_retention_seconds": bus.dead_letter_retention_days * SECONDS_A_DAY,
            "sqs_managed_sse_enabled": True,
            "tags": tags,
        },
    )
    yield PlannedResource(
        "aws:sqs/queuePolicy:QueuePolicy",
        f"{queue}/policy",
        module.id,
        "events",
        {
            "queue_url": Reference(queue, "id"),
            "policy": document(
                {
                    "Sid": "UndeliveredEvents",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": scope.arn("sqs", bus.dead_letter_queue),
                    "Condition": {"StringEquals": {"aws:SourceAccount": scope.settings.account_id}},
                }
            ),
        },
    )
    yield PlannedResource(
        "aws:cloudwatch/eventBus:EventBus",
        name,
        module.id,
        "events",
        {
            "name": bus.name,
            "description": bus.why,
            "dead_letter_config": {"arn": Reference(queue, "arn")},
            "tags": tags,
        },
    )
    yield PlannedResource(
        "aws:cloudwatch/eventArchive:EventArchive",
        f"{name}/archive",
        module.id,
        "events",
        {
            "name": f"{bus.name}-archive",
            "event_source_arn": Reference(name, "arn"),
            "retention_days": bus.archive_days,
        },
    )
    yield PlannedResource(
        "aws:cloudwatch/eventBusPolicy:EventBusPolicy",
        f"{name}/policy",
        module.id,
        "events",
        {
            "event_bus_name": Reference(name, "name"),
            "policy": document(
                {
                    "Sid": "AccountPublishes",
                    "Effect": "Allow",
                    "Principal": {"AWS": scope.arn("iam", "root", regional=False)},
                    "Action": "events:PutEvents",
                    "Resource": bus_arn,
                }
            ),
        },
    )


def _topic(scope: Scope, module: Module, topic: Topic) -> Iterator[PlannedResource]:
    name, physical = logical("topic", topic.name), scope.fill(topic.name)
    yield PlannedResource(
        "aws:sns/topic:Topic",
        name,
        module.id,
        "messaging",
        {
            "name": physical,
            "kms_master_key_id": Reference(f"key/{topic.key_class}", "arn"),
            "tags": scope.tags(module.id),
        },
    )
    yield PlannedResource(
        "aws:sns/topicPolicy:TopicPolicy",
        f"{name}/policy",
        module.id,
        "messaging",
        {
            "arn": Reference(name, "arn"),
            "policy": document(
                {
                    "Sid": "AlarmsAndRulesOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                    "Action": "sns:Publish",
                    "Resource": scope.arn("sns", physical),
                    "Condition": {"StringEquals": {"aws:SourceAccount": scope.settings.account_id}},
                },
                {
                    "Sid": "RolesOfThisAccount",
                    "Effect": "Allow",
                    "Principal": {"AWS": scope.arn("iam", "root", regional=False)},
                    "Action": ["sns:Publish", "sns:Subscribe"],
                    "Resource": scope.arn("sns", physical),
                },
            ),
        },
    )


def _log_group(scope: Scope, module: Module, group: LogGroup) -> PlannedResource:
    return PlannedResource(
        "aws:cloudwatch/logGroup:LogGroup",
        logical("log_group", group.name),
        module.id,
        "logging",
        {
            "name": scope.fill(group.name),
            "retention_in_days": retention_days(scope, group),
            "kms_key_id": Reference(f"key/{group.key_class}", "arn"),
            "tags": scope.tags(module.id),
        },
        protect=scope.settings.protect and group.delete_denied,
    )


def retention_days(scope: Scope, group: LogGroup) -> int:
    """Days that a log group keeps events in this environment."""
    if scope.settings.environment is not Environment.PROD and group.retention_days_below_prod:
        return group.retention_days_below_prod
    return group.retention_days or scope.settings.log_retention_days
