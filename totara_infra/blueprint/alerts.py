"""Alarms of CloudWatch: one for each alert, and a composite one for each group of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.resource import PlannedResource, Reference, logical
from totara_infra.blueprint.scope import Scope
from totara_infra.model.alerts import (
    Alert,
    AlertGroup,
    AlertOverride,
    AlertPlan,
    Comparison,
    MissingData,
    Severity,
)
from totara_infra.model.catalogue import Module

METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE_ALARM = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
RUNBOOKS = "docs/guides/alert-runbooks.md"
_OPERATORS = {
    Comparison.GREATER: "GreaterThanThreshold",
    Comparison.GREATER_OR_EQUAL: "GreaterThanOrEqualToThreshold",
    Comparison.LESS: "LessThanThreshold",
    Comparison.LESS_OR_EQUAL: "LessThanOrEqualToThreshold",
}
_MISSING = {
    MissingData.NOT_BREACHING: "notBreaching",
    MissingData.IGNORE: "ignore",
    # Not "breaching": that would page for everything whose emitter is still to be deployed.
    MissingData.FAULT: "missing",
}


@dataclass(frozen=True)
class Watch:
    """An alert as one environment has it.

    Attributes:
        alert: as declared.
        alarm: name of its alarm in CloudWatch.
        dimensions: with this environment's names.
        threshold, evaluation_periods, datapoints, severity: after the environment's override.
        group: id of the group that pages for it; None where it pages itself.
    """

    alert: Alert
    alarm: str
    dimensions: dict[str, str]
    threshold: float
    evaluation_periods: int
    datapoints: int
    severity: Severity
    group: str | None

    @property
    def id(self) -> str:
        """Id of the alert."""
        return self.alert.id

    @property
    def regulatory(self) -> bool:
        """Whether it concerns a regulator."""
        return self.alert.regulatory


@dataclass(frozen=True)
class WatchGroup:
    """A group as one environment has it.

    Attributes:
        group: as declared.
        alarm: name of its composite alarm.
        members: watches of which one in alarm is enough.
        unless: watches whose alarm silences it.
    """

    group: AlertGroup
    alarm: str
    members: tuple[Watch, ...]
    unless: tuple[Watch, ...]

    @property
    def id(self) -> str:
        """Id of the group."""
        return self.group.id

    @property
    def severity(self) -> Severity:
        """That of its gravest member."""
        return min(member.severity for member in self.members)

    @property
    def regulatory(self) -> bool:
        """Whether one of its members concerns a regulator."""
        return any(member.regulatory for member in self.members)

    @property
    def rule(self) -> str:
        """The rule as CloudWatch takes it."""
        some = " OR ".join(f'ALARM("{m.alarm}")' for m in self.members)
        silent = "".join(f' AND NOT ALARM("{m.alarm}")' for m in self.unless)
        return f"({some}){silent}" if silent and len(self.members) > 1 else f"{some}{silent}"


def watches(scope: Scope) -> dict[str, Watch]:
    """The alerts that an environment has, by id, in the order of the file."""
    plan = scope.catalogue.alerts
    return {} if plan is None else _watches(scope, plan, plan.alerts)


def _watches(scope: Scope, plan: AlertPlan, alerts: Iterable[Alert]) -> dict[str, Watch]:
    """Those of the given alerts that an environment has, by id."""
    return {
        alert.id: _watch(scope, alert, plan.group_of.get(alert.id))
        for alert in alerts
        if alert.module in scope.active
        and scope.active.intersection(alert.subjects)
        and _override(scope, alert).enabled
    }


def watch_groups(scope: Scope) -> dict[str, WatchGroup]:
    """The groups of which an environment has at least one member, by id."""
    plan = scope.catalogue.alerts
    if plan is None:
        return {}
    return _watch_groups(scope, plan, plan.groups)


def _watch_groups(
    scope: Scope, plan: AlertPlan, groups: Iterable[AlertGroup]
) -> dict[str, WatchGroup]:
    """Those of the given groups of which an environment has at least one member, by id."""
    named = {i for group in groups for i in (*group.any_of, *group.unless)}
    there = _watches(scope, plan, (alert for alert in plan.alerts if alert.id in named))
    found = {}
    for group in groups:
        members = tuple(there[i] for i in group.any_of if i in there)
        unless = tuple(there[i] for i in group.unless if i in there)
        if members:
            found[group.id] = WatchGroup(group, alarm_name(scope, group.id), members, unless)
    return found


def alarm_name(scope: Scope, alert_id: str) -> str:
    """Name of an alert's or group's alarm."""
    return f"bank-{scope.env}-{alert_id}"


def intake(plan: AlertPlan) -> str:
    """Logical name of the topic on which the alarms act."""
    return logical("topic", plan.intake)


def alarm_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """The alarms that go up with one module."""
    plan = scope.catalogue.alerts
    if plan is None:
        return []
    alerts = [alert for alert in plan.alerts if alert.module == module.id]
    groups = [group for group in plan.groups if group.module == module.id]
    return [
        *(_alarm(scope, plan, watch) for watch in _watches(scope, plan, alerts).values()),
        *(_composite(scope, plan, group) for group in _watch_groups(scope, plan, groups).values()),
    ]


_AS_DECLARED = AlertOverride(why="None.")


def _override(scope: Scope, alert: Alert) -> AlertOverride:
    return alert.environments.get(scope.settings.environment, _AS_DECLARED)


def _watch(scope: Scope, alert: Alert, group: str | None) -> Watch:
    here = _override(scope, alert)
    periods = here.evaluation_periods or alert.evaluation_periods
    return Watch(
        alert,
        alarm_name(scope, alert.id),
        {k: scope.fill(v) for k, v in alert.metric.dimensions.items()},
        alert.threshold if here.threshold is None else here.threshold,
        periods,
        here.datapoints or alert.datapoints or periods,
        here.severity or alert.severity,
        group,
    )


def description(found: Watch | WatchGroup) -> str:
    """What the page says. Its beginning is what the router reads severity and mark from."""
    declared = found.alert if isinstance(found, Watch) else found.group
    mark = " [REG]" if found.regulatory else ""
    return (
        f"{found.severity}{mark} {found.id}: {declared.title}. {declared.why} "
        f"Runbook: {RUNBOOKS}#{declared.runbook}"
    )


def _actions(plan: AlertPlan) -> dict[str, Any]:
    # Also the end is told, so that what was opened is closed by itself.
    arn = Reference(intake(plan), "arn")
    return {"alarm_actions": [arn], "ok_actions": [arn]}


def _alarm(scope: Scope, plan: AlertPlan, found: Watch) -> PlannedResource:
    alert, metric = found.alert, found.alert.metric
    kind = "extended_statistic" if alert.statistic.startswith("p") else "statistic"
    properties: dict[str, Any] = {
        "name": found.alarm,
        "alarm_description": description(found),
        "namespace": metric.namespace,
        "metric_name": metric.name,
        kind: alert.statistic,
        "period": alert.period,
        "evaluation_periods": found.evaluation_periods,
        "datapoints_to_alarm": found.datapoints,
        "threshold": int(found.threshold) if found.threshold.is_integer() else found.threshold,
        "comparison_operator": _OPERATORS[alert.comparison],
        "treat_missing_data": _MISSING[alert.missing_data],
        "tags": scope.tags(alert.module),
    }
    if found.dimensions:
        properties["dimensions"] = found.dimensions
    if found.group is None:
        properties |= _actions(plan)
        if alert.missing_data is MissingData.FAULT:
            # A new alarm begins without data and so does not change to it: only what has reported
            # before, and then falls silent, tells people.
            properties["insufficient_data_actions"] = properties["alarm_actions"]
    return PlannedResource(METRIC_ALARM, f"alarm/{alert.id}", alert.module, "alarms", properties)


def _composite(scope: Scope, plan: AlertPlan, found: WatchGroup) -> PlannedResource:
    return PlannedResource(
        COMPOSITE_ALARM,
        f"alarm/{found.id}",
        found.group.module,
        "alarms",
        {
            "alarm_name": found.alarm,
            "alarm_description": description(found),
            "alarm_rule": found.rule,
            **_actions(plan),
            "tags": scope.tags(found.group.module),
        },
        waits_for=tuple(f"alarm/{m.id}" for m in (*found.members, *found.unless)),
    )
