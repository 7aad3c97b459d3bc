"""From the intake to people: the router, and a filtered subscription for each route."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from totara_infra.blueprint.alerts import intake
from totara_infra.blueprint.resource import Archive, PlannedResource, Reference, logical
from totara_infra.blueprint.scope import Scope
from totara_infra.model.alerts import AlertPlan, AlertRoute, Severity
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Topic
from totara_infra.model.stack import RoleHandling
from totara_infra.model.vocabulary import KeyClass

ROLE = "BankAlarmRouterRole"
ROUTER = "function/alarm-router"
ROUTER_SUBSCRIPTION = "alert_route/router"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
QUEUE_RETENTION_SECONDS = 14 * 86_400
TIMEOUT_SECONDS = 30


def alert_topic(plan: AlertPlan) -> str:
    """Logical name of the topic from which people are told."""
    return logical("topic", plan.topic)


def routes_here(scope: Scope) -> list[AlertRoute]:
    """The routes that lead on to people in this environment; none where alerts end at the topic."""
    plan = scope.catalogue.alerts
    if plan is None or scope.settings.environment not in plan.routes_in:
        return []
    return list(plan.routes)


def route_subscription(route: AlertRoute) -> str:
    """Logical name of a route's subscription."""
    return f"alert_route/{route.id}"


def route_filter(route: AlertRoute) -> dict[str, list[str]]:
    """The filter policy of a route: message attributes -> values that pass."""
    policy = {"severity": [severity.value for severity in route.severities]}
    if route.regulatory_only:
        policy["regulatory"] = ["true"]
    return policy


def route_takes(route: AlertRoute, severity: Severity, regulatory: bool) -> bool:
    """Whether an alert goes that way."""
    return severity in route.severities and (regulatory or not route.regulatory_only)


def alert_routing_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """Router and routes, where the module owns the intake."""
    plan = scope.catalogue.alerts
    if plan is None or not any(
        isinstance(r, Topic) and r.name == plan.intake for r in module.resources
    ):
        return []
    return [
        *_role(scope, plan, module),
        *_router(scope, plan, module),
        *(r for route in routes_here(scope) for r in _route(scope, plan, module, route)),
    ]


@cache
def router_archive() -> Archive:
    """The router's code, as it is uploaded."""
    source = Path(__file__).resolve().parent.parent / "router" / "alarm_router.py"
    return Archive({"alarm_router.py": source.read_text(encoding="utf-8")})


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def _planned(
    module: Module,
    kind: str,
    name: str,
    properties: dict[str, Any],
    waits_for: tuple[str, ...] = (),
) -> PlannedResource:
    return PlannedResource(kind, name, module.id, "alert_routing", properties, waits_for=waits_for)


def _role(scope: Scope, plan: AlertPlan, module: Module) -> Iterator[PlannedResource]:
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"role/{ROLE}"
    topic = scope.arn("sns", scope.fill(plan.topic))
    service = f"sns.{scope.settings.region}.amazonaws.com"
    log_group = scope.arn("logs", f"log-group:/aws/lambda/{scope.fill(plan.router)}:*")
    yield _planned(
        module,
        "aws:iam/role:Role",
        name,
        {
            "name": ROLE,
            "description": "Role of the function that takes alarms to the alerts topic.",
            "assume_role_policy": _document(
                {
                    "Sid": "Assume",
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ),
            "tags": scope.tags(module.id),
        },
    )
    yield _planned(
        module,
        "aws:iam/rolePolicy:RolePolicy",
        f"{name}/policy",
        {
            "name": "router",
            "role": Reference(name, "name"),
            "policy": _document(
                {
                    "Sid": "PublishAlerts",
                    "Effect": "Allow",
                    "Action": ["sns:Publish"],
                    "Resource": [topic],
                },
                {
                    # The key's id is made by AWS; only SNS may use it on this role's behalf.
                    "Sid": "EncryptAlerts",
                    "Effect": "Allow",
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": [scope.arn("kms", "key/*")],
                    "Condition": {"StringEquals": {"kms:ViaService": service}},
                },
                {
                    "Sid": "WriteLogs",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": [log_group],
                },
            ),
        },
    )


def _router(scope: Scope, plan: AlertPlan, module: Module) -> Iterator[PlannedResource]:
    name, tags = scope.fill(plan.router), scope.tags(module.id)
    log_group = "log_group/alarm-router"
    yield _planned(
        module,
        "aws:cloudwatch/logGroup:LogGroup",
        log_group,
        {
            "name": f"/aws/lambda/{name}",
            "retention_in_days": scope.settings.log_retention_days,
            "kms_key_id": Reference(f"key/{KeyClass.OPERATIONAL}", "arn"),
            "tags": tags,
        },
    )
    created = scope.settings.roles is RoleHandling.CREATE
    yield _planned(
        module,
        "aws:lambda/function:Function",
        ROUTER,
        {
            "name": name,
            "description": "Takes alarms to the alerts topic and names their severity.",
            "role": Reference(f"role/{ROLE}", "arn") if created else scope.role_arn(ROLE),
            "runtime": "python3.12",
            "architectures": ["arm64"],
            "handler": "alarm_router.handler",
            "code": router_archive(),
            "timeout": TIMEOUT_SECONDS,
            "memory_size": 256,
            "environment": {"variables": {"ALERT_TOPIC_ARN": Reference(alert_topic(plan), "arn")}},
            "tags": tags,
        },
        (log_group, f"role/{ROLE}/policy") if created else (log_group,),
    )
    yield _planned(
        module,
        "aws:lambda/permission:Permission",
        f"{ROUTER}/permission",
        {
            "statement_id": "IntakeCalls",
            "action": "lambda:InvokeFunction",
            "function": Reference(ROUTER, "name"),
            "principal": "sns.amazonaws.com",
            "source_arn": Reference(intake(plan), "arn"),
        },
    )
    yield _planned(
        module,
        SUBSCRIPTION,
        ROUTER_SUBSCRIPTION,
        {
            "topic": Reference(intake(plan), "arn"),
            "protocol": "lambda",
            "endpoint": Reference(ROUTER, "arn"),
        },
        (f"{ROUTER}/permission",),
    )


def _route(
    scope: Scope, plan: AlertPlan, module: Module, route: AlertRoute
) -> Iterator[PlannedResource]:
    queue, physical = logical("queue", route.queue), scope.fill(route.queue)
    topic = alert_topic(plan)
    yield _planned(
        module,
        "aws:sqs/queue:Queue",
        queue,
        {
            "name": physical,
            "message_retention_seconds": QUEUE_RETENTION_SECONDS,
            "sqs_managed_sse_enabled": True,
            "tags": scope.tags(module.id),
        },
    )
    yield _planned(
        module,
        "aws:sqs/queuePolicy:QueuePolicy",
        f"{queue}/policy",
        {
            "queue_url": Reference(queue, "id"),
            "policy": delivery_policy(
                scope.arn("sqs", physical), scope.arn("sns", scope.fill(plan.topic))
            ),
        },
    )
    yield _planned(
        module,
        SUBSCRIPTION,
        route_subscription(route),
        {
            "topic": Reference(topic, "arn"),
            "protocol": "sqs",
            "endpoint": Reference(queue, "arn"),
            "filter_policy": json.dumps(route_filter(route), sort_keys=True),
            "raw_message_delivery": True,
        },
        (f"{queue}/policy",),
    )


def delivery_policy(queue_arn: str, topic_arn: str) -> str:
    """The policy of a queue to which one topic delivers, and nobody else."""
    return _document(
        {
            "Sid": "AlertsArrive",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }
    )
