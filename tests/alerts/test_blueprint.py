"""Alarms, groups, router and routes as an environment has them."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from tests.conftest import PROJECT
from tests.environments import blueprint_of
from totara_infra.blueprint import Reference
from totara_infra.blueprint.alert_routing import (
    alert_routing_resources,
    route_takes,
    routes_here,
)
from totara_infra.blueprint.alerts import alarm_resources, watch_groups, watches
from totara_infra.model.alerts import Severity
from totara_infra.model.vocabulary import Environment

EVERYWHERE = pytest.mark.parametrize("name", list(Environment))


@EVERYWHERE
def test_each_fault_has_exactly_one_pager_that_acts_on_the_intake(name) -> None:
    blueprint = blueprint_of(name)
    groups = watch_groups(blueprint.scope)
    for watch in watches(blueprint.scope).values():
        alarm = blueprint.resources[f"alarm/{watch.id}"].properties
        intake = [Reference("topic/mod076-alarm-intake", "arn")]
        if watch.group is None:
            assert alarm["alarm_actions"] == alarm["ok_actions"] == intake
        else:
            assert not {"alarm_actions", "ok_actions", "insufficient_data_actions"} & set(alarm)
            composite = blueprint.resources[f"alarm/{watch.group}"].properties
            assert composite["alarm_actions"] == composite["ok_actions"] == intake
            assert f'ALARM("{watch.alarm}")' in composite["alarm_rule"]
    for group in groups.values():
        assert group.severity == min(m.severity for m in group.members)


@EVERYWHERE
def test_alarms_go_up_with_their_module_and_after_the_intake(name) -> None:
    blueprint = blueprint_of(name)
    steps = list(blueprint.steps)
    intake = steps.index(blueprint.resources["topic/mod076-alarm-intake"].step)
    alarms = [r for r in blueprint.resources.values() if r.kind == "alarms"]
    assert len(alarms) == len(watches(blueprint.scope)) + len(watch_groups(blueprint.scope))
    for alarm in alarms:
        assert steps.index(alarm.step) >= intake
        assert alarm in blueprint.steps[alarm.step][:-1]


@EVERYWHERE
def test_each_alert_reaches_somebody_and_reg_the_compliance_officer(name) -> None:
    scope = blueprint_of(name).scope
    routes = routes_here(scope)
    if name in (Environment.LOCAL, Environment.DEV):
        assert routes == []
        return
    for found in (*watches(scope).values(), *watch_groups(scope).values()):
        ends = {r.id for r in routes if route_takes(r, found.severity, found.regulatory)}
        assert ends & {"on-call", "tickets"}
        assert ("paging" in ends) is (found.severity is Severity.P1)
        assert ("compliance" in ends) is found.regulatory


def test_routes_are_filtered_subscriptions_with_a_queue_each() -> None:
    blueprint = blueprint_of(Environment.PROD)
    filters = {
        r.name: json.loads(r.properties["filter_policy"])
        for r in blueprint.resources.values()
        if r.shape == "TopicSubscription" and "filter_policy" in r.properties
    }
    assert filters == {
        "alert_route/on-call": {"severity": ["P1", "P2"]},
        "alert_route/paging": {"severity": ["P1"]},
        "alert_route/compliance": {"severity": ["P1"], "regulatory": ["true"]},
        "alert_route/tickets": {"severity": ["P3"]},
    }


def test_a_gentler_environment_has_its_own_threshold_and_severity() -> None:
    dev, prod = (
        blueprint_of(e).resources["alarm/ALERT-API-001"].properties
        for e in (Environment.DEV, Environment.PROD)
    )
    assert (dev["threshold"], prod["threshold"]) == (0.25, 0.02)
    assert dev["alarm_description"].startswith("P3 ALERT-API-001")
    assert prod["alarm_description"].startswith("P1 ALERT-API-001")
    assert "alarm/ALERT-PAGING-001" not in blueprint_of(Environment.DEV).resources


def test_a_changed_alert_changes_its_module_and_its_phase_only(catalogue) -> None:
    from totara_infra.blueprint import plan

    plain = blueprint_of(Environment.LOCAL)
    scope = plain.scope
    alerts = [
        a.model_copy(update={"threshold": 99.0}) if a.id == "ALERT-LEDGER-001" else a
        for a in scope.catalogue.alerts.alerts
    ]
    other = scope.catalogue.model_copy(
        update={"alerts": scope.catalogue.alerts.model_copy(update={"alerts": alerts})}
    )
    changed = plan(other, scope.settings, list(scope.tenants))
    differing = {
        name
        for name, resource in plain.resources.items()
        if resource.properties != changed.resources[name].properties
    }
    marker, gate = plain.marker("MOD-002").name, plain.gate(plain.phase_of("MOD-002")).name
    assert differing == {"alarm/ALERT-LEDGER-001", marker, gate}


def test_an_alert_goes_with_what_it_watches() -> None:
    blueprint = blueprint_of(Environment.LOCAL)
    scope = blueprint.scope
    module = scope.catalogue.modules["MOD-043"]
    from dataclasses import replace

    without = replace(scope, active=scope.active - {"MOD-132"})
    names = {r.name for r in alarm_resources(scope, module)}
    assert names - {r.name for r in alarm_resources(without, module)} == {"alarm/ALERT-DLQ-020"}
    group = watch_groups(without)["ALERT-DLQ-105"]
    assert "ALERT-DLQ-020" not in group.rule


def test_a_catalogue_without_alerts_watches_nothing() -> None:
    from dataclasses import replace

    scope = blueprint_of(Environment.PROD).scope
    bare = replace(scope, catalogue=scope.catalogue.model_copy(update={"alerts": None}))
    module = scope.catalogue.modules["MOD-076"]
    assert alarm_resources(bare, module) == alert_routing_resources(bare, module) == []


def test_every_runbook_is_a_heading_of_the_guide_and_is_used(catalogue) -> None:
    text = (PROJECT / "docs" / "guides" / "alert-runbooks.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    anchors = {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
    plan = catalogue.alerts
    assert {x.runbook for x in (*plan.alerts, *plan.groups)} == anchors


def test_metrics_are_told_apart(catalogue) -> None:
    """Two alerts on one metric with the same dimensions would be one alert."""
    seen = Counter(
        (a.metric.namespace, a.metric.name, *sorted(a.metric.dimensions.items()))
        for a in catalogue.alerts.alerts
    )
    assert [metric for metric, count in seen.items() if count > 1] == []
