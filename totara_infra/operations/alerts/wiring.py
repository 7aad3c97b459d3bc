"""Whether every alarm is there and acts, and whether its way to people is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.alert_routing import (
    ROUTER,
    ROUTER_SUBSCRIPTION,
    alert_topic,
    route_filter,
    routes_here,
)
from totara_infra.blueprint.alerts import Watch, WatchGroup, intake, watch_groups, watches
from totara_infra.operations.live import Live

_UPDATE = "Run `pulumi refresh`, then the update again, which puts it back."


@dataclass(frozen=True)
class Link:
    """One piece of the way from a metric to people.

    Attributes:
        subject: alarm, router or route.
        expected, found, fix: what is wrong and how to mend it; all empty where it holds.
    """

    subject: str
    expected: str = ""
    found: str = ""
    fix: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        return not self.expected


def links(live: Live, blueprint: Blueprint, phase: int | None = None) -> Iterator[Link]:
    """Every piece of the way that alerts take.

    Args:
        live: the environment.
        blueprint: what must be there.
        phase: only what goes up in this phase; everything where it is left out.

    Raises:
        ClientError: AWS refuses to be read.
    """
    if blueprint.scope.catalogue.alerts is None:
        return
    yield from _alarms(live, blueprint, phase)
    owner = blueprint.resources[ROUTER_SUBSCRIPTION].step
    if phase in (None, blueprint.phase_of(owner)):
        yield _router(live, blueprint)
        yield from _routes(live, blueprint)


def alarm_states(live: Live, env: str) -> dict[str, dict[str, Any]]:
    """Every live alarm of an environment's alerts, by name, as DescribeAlarms gives it."""
    found: dict[str, dict[str, Any]] = {}
    pages = live.client("cloudwatch").get_paginator("describe_alarms")
    for page in pages.paginate(
        AlarmNamePrefix=f"bank-{env}-ALERT-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    ):
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            found[alarm["AlarmName"]] = alarm
    return found


def subscriptions(live: Live, topic_arn: str) -> dict[str, str]:
    """Endpoint -> ARN of each subscription of a topic; empty where there is no such topic."""
    pages = live.client("sns").get_paginator("list_subscriptions_by_topic")
    try:
        return {
            s["Endpoint"]: s["SubscriptionArn"]
            for page in pages.paginate(TopicArn=topic_arn)
            for s in page["Subscriptions"]
        }
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NotFound", "NotFoundException"):
            return {}
        raise


def filter_of(live: Live, subscription_arn: str) -> dict[str, Any]:
    """The live filter policy of a subscription; empty where everything passes."""
    answer = live.client("sns").get_subscription_attributes(SubscriptionArn=subscription_arn)
    policy: dict[str, Any] = json.loads(answer["Attributes"].get("FilterPolicy") or "{}")
    return policy


def topic_arn(blueprint: Blueprint, logical_name: str) -> str:
    """ARN of a topic of the blueprint."""
    name = blueprint.resources[logical_name].properties["name"]
    return blueprint.scope.arn("sns", name)


def _alarms(live: Live, blueprint: Blueprint, phase: int | None) -> Iterator[Link]:
    scope = blueprint.scope
    plan = scope.catalogue.alerts
    assert plan is not None
    arn = topic_arn(blueprint, intake(plan))
    there = alarm_states(live, scope.env)
    expected: list[Watch | WatchGroup] = [*watches(scope).values(), *watch_groups(scope).values()]
    for found in expected:
        step = blueprint.resources[f"alarm/{found.id}"].step
        if phase is not None and blueprint.phase_of(step) != phase:
            continue
        alarm = there.get(found.alarm)
        pages = isinstance(found, WatchGroup) or found.group is None
        actions = set(alarm.get("AlarmActions", [])) if alarm else set()
        if alarm is None:
            yield Link(found.alarm, "an alarm", "nothing", _UPDATE)
        elif not alarm.get("ActionsEnabled", True):
            fix = f"Run: aws cloudwatch enable-alarm-actions --alarm-names {found.alarm}"
            yield Link(found.alarm, "its actions enabled", "disabled", fix)
        elif pages and arn not in actions:
            found_actions = ", ".join(sorted(actions)) or "no action"
            yield Link(found.alarm, f"an action on {plan.intake}", found_actions, _UPDATE)
        elif not pages and actions:
            # Its group tells people; two pages for one fault are one too many.
            yield Link(found.alarm, "no action of its own", ", ".join(sorted(actions)), _UPDATE)
        else:
            yield Link(found.alarm)


def _router(live: Live, blueprint: Blueprint) -> Link:
    plan = blueprint.scope.catalogue.alerts
    assert plan is not None
    name = blueprint.resources[ROUTER].properties["name"]
    function = blueprint.scope.arn("lambda", f"function:{name}")
    if function not in subscriptions(live, topic_arn(blueprint, intake(plan))):
        return Link(name, f"subscribed to {plan.intake}", "not subscribed", _UPDATE)
    client = live.client("lambda")
    try:
        configuration = client.get_function_configuration(FunctionName=name)
        policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return Link(name, "a function that SNS may call", "nothing", _UPDATE)
    variables = configuration.get("Environment", {}).get("Variables", {})
    target, wanted = variables.get("ALERT_TOPIC_ARN"), topic_arn(blueprint, alert_topic(plan))
    if target != wanted:
        return Link(name, f"forwards to {wanted}", str(target), _UPDATE)
    callers = [s.get("Principal", {}).get("Service") for s in policy["Statement"]]
    if "sns.amazonaws.com" not in callers:
        return Link(name, "a permission for SNS to call it", "none", _UPDATE)
    return Link(name)


def _routes(live: Live, blueprint: Blueprint) -> Iterator[Link]:
    scope = blueprint.scope
    plan, routes = scope.catalogue.alerts, routes_here(scope)
    assert plan is not None
    if not routes:
        return
    there = subscriptions(live, topic_arn(blueprint, alert_topic(plan)))
    for route in routes:
        subject = f"route {route.id}"
        arn = there.get(scope.arn("sqs", scope.fill(route.queue)))
        if arn is None or not arn.startswith("arn:"):
            yield Link(subject, f"{scope.fill(route.queue)} subscribed", "not subscribed", _UPDATE)
            continue
        wanted, live_filter = route_filter(route), filter_of(live, arn)
        if _sets(wanted) != _sets(live_filter):
            yield Link(subject, json.dumps(wanted), json.dumps(live_filter), _UPDATE)
        else:
            yield Link(subject)


def _sets(policy: dict[str, Any]) -> dict[str, Any]:
    """A filter policy without the order of its values."""
    return {k: sorted(map(json.dumps, v)) if isinstance(v, list) else v for k, v in policy.items()}
