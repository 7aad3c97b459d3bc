"""`totara alerts` on a local environment that the command itself brought up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.drift.cloud import Cloud
from totara_infra.blueprint.alert_routing import ROUTER_SUBSCRIPTION
from totara_infra.blueprint.alerts import watches
from totara_infra.operations.checks import Outcome
from totara_infra.operations.checks.inspection import Extent
from totara_infra.operations.checks.registry import run_checks


def check(environment) -> dict[str, str]:
    """Subject -> what was found, of everything that `alerts check` complains about."""
    result = environment.run("alerts", "check", "local", "--format", "json")
    data = json.loads(result.stdout)
    assert result.returncode == (1 if data["findings"] else 0), result.stderr
    assert data["failures"] == len(data["findings"])
    return {finding["subject"]: finding["found"] for finding in data["findings"]}


def gate_failures(environment) -> set[str]:
    """Subjects about which a gate of this environment would complain."""
    return {
        result.subject
        for phase in environment.blueprint.sequence.phases
        for entry in run_checks(
            environment.live, environment.blueprint, Extent(frozenset({phase.id}), gates=False)
        )
        for result in entry.results
        if result.check == "alert" and result.outcome is Outcome.FAILED
    }


def test_a_fresh_environment_is_wired(environment) -> None:
    assert check(environment) == {}
    assert gate_failures(environment) == set()


def test_every_alert_arrives_and_nothing_is_left_behind(environment) -> None:
    cloud = Cloud(environment.blueprint)
    before = environment.live.client("sqs").list_queues(MaxResults=1000).get("QueueUrls", [])
    result = environment.run("alerts", "test", "local", "--format", "json")
    assert result.returncode == 0, result.stdout + result.stderr
    proofs = {a["id"]: a for a in json.loads(result.stdout)["alerts"]}
    assert set(proofs) == set(watches(environment.blueprint.scope))
    assert {a["outcome"] for a in proofs.values()} == {"passed"}
    assert all(a["by"] == "datapoint" and a["ends"] == ["topic"] for a in proofs.values())
    assert cloud.sqs.list_queues(MaxResults=1000).get("QueueUrls", []) == before
    alarms = cloud.cloudwatch.describe_alarms(MaxRecords=100)
    assert {a["StateValue"] for a in alarms["MetricAlarms"]} == {"INSUFFICIENT_DATA"}
    assert environment.drift().clean


Fault = Callable[[Cloud], tuple[Callable[[], object], Callable[[], object]]]
"""Gives two calls: one that breaks something, and one that mends it."""


def _changed(alarm: str, **change: object) -> Fault:
    def fault(cloud: Cloud) -> tuple[Callable[[], object], Callable[[], object]]:
        found = cloud.cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
        taken = cloud.cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape
        was = {key: value for key, value in found.items() if key in taken.members}
        put = cloud.cloudwatch.put_metric_alarm
        return lambda: put(**was | change), lambda: put(**was)

    return fault


_without_action = _changed("bank-local-ALERT-LEDGER-001", AlarmActions=[])


def _disabled(cloud: Cloud) -> tuple[Callable[[], object], Callable[[], object]]:
    names = ["bank-local-ALERT-LEDGER-001"]
    return (
        lambda: cloud.cloudwatch.disable_alarm_actions(AlarmNames=names),
        lambda: cloud.cloudwatch.enable_alarm_actions(AlarmNames=names),
    )


def _router_deaf(cloud: Cloud) -> tuple[Callable[[], object], Callable[[], object]]:
    subscription = cloud.blueprint.resources[ROUTER_SUBSCRIPTION]
    topic = cloud.topic(cloud.target(subscription, "topic"))
    function = cloud.arn(cloud.target(subscription, "endpoint"))
    return (
        lambda: cloud.sns.unsubscribe(SubscriptionArn=cloud.subscription(subscription)),
        lambda: cloud.sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function),
    )


def _router_astray(cloud: Cloud) -> tuple[Callable[[], object], Callable[[], object]]:
    name = "bank-alarm-router-local"
    update = cloud.lambda_.update_function_configuration
    topic = cloud.blueprint.scope.arn("sns", "bank-platform-alerts-local")
    return (
        lambda: update(FunctionName=name, Environment={"Variables": {"ALERT_TOPIC_ARN": "gone"}}),
        lambda: update(FunctionName=name, Environment={"Variables": {"ALERT_TOPIC_ARN": topic}}),
    )


@contextmanager
def broken(cloud: Cloud, fault: Fault) -> Iterator[None]:
    breaks, mends = fault(cloud)
    breaks()
    try:
        yield
    finally:
        mends()


@pytest.mark.parametrize(
    ("fault", "subject"),
    [
        (_without_action, "bank-local-ALERT-LEDGER-001"),
        (_disabled, "bank-local-ALERT-LEDGER-001"),
        (_router_deaf, "bank-alarm-router-local"),
        (_router_astray, "bank-alarm-router-local"),
    ],
)
def test_a_broken_way_is_found_by_check_gate_and_test(environment, fault, subject) -> None:
    with broken(Cloud(environment.blueprint), fault):
        assert subject in check(environment)
        assert gate_failures(environment) == {subject}
        result = environment.run(
            "alerts", "test", "local", "ALERT-LEDGER-001", "--wait", "2", "--format", "json"
        )
        assert result.returncode == 1, result.stderr
        (found,) = json.loads(result.stdout)["alerts"]
        assert found["outcome"] == "failed"
        assert "Nothing arrived at topic in 2 s." in found["reason"]
    assert check(environment) == {}


def test_a_changed_threshold_is_found(environment) -> None:
    alarm = "bank-local-ALERT-COST-001"
    with broken(Cloud(environment.blueprint), _changed(alarm, Threshold=50.0)):
        assert check(environment) == {f"{alarm} threshold": "50.0"}


def test_an_unknown_alert_is_named_with_the_nearest(environment) -> None:
    result = environment.run("alerts", "test", "local", "ALERT-LEDGR-001")
    assert result.returncode == 2
    assert "Did you mean ALERT-LEDGER-001?" in result.stderr
