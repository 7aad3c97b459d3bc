"""Proof that an alert arrives: a synthetic datapoint goes in, and a message must come out."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.alert_routing import (
    alert_topic,
    delivery_policy,
    route_takes,
    routes_here,
)
from totara_infra.blueprint.alerts import Watch, WatchGroup, watch_groups, watches
from totara_infra.model.alerts import Comparison, Severity
from totara_infra.operations.alerts.wiring import (
    alarm_states,
    filter_of,
    subscriptions,
    topic_arn,
)
from totara_infra.operations.checks import Outcome
from totara_infra.operations.live import Live

ALARM, OK, NO_DATA = "ALARM", "OK", "INSUFFICIENT_DATA"
EMULATED_SECONDS = 20
LIVE_SECONDS = 240
"""How long a message may take: evaluation once a minute, and the two minutes of a page."""
EXPIRY_SECONDS = 5
"""An emulator judges by every datapoint of the evaluated time; ours is dated so that it soon falls
out of it."""
EMULATED_AT_ONCE = 4
"""Alerts that are set off side by side there: each message starts the router, on this machine."""
_DATA_A_CALL = 100
_PAUSE_SECONDS = 0.05
_TOPIC_END = "topic"


class By(StrEnum):
    """How an alarm was set off."""

    DATAPOINT = "datapoint"
    """A datapoint on its metric: metric, threshold and wiring are proved."""
    STATE = "state"
    """SetAlarmState, where nobody but AWS may write the metric or it would take too long: the
    wiring is proved."""


@dataclass(frozen=True)
class Proof:
    """Whether one alert arrived.

    Attributes:
        id: of the alert.
        pager: id of what tells people: the alert itself, or its group.
        severity, regulatory: of the pager.
        by: how it was set off; None for a skipped one.
        ends: where it had to arrive: routes, or the topic where there are none.
        seconds: until it was at all of them.
        reason: for a failed or skipped one, what happened and how to go on.
    """

    id: str
    pager: str
    severity: Severity
    regulatory: bool
    outcome: Outcome
    by: By | None = None
    ends: tuple[str, ...] = ()
    seconds: float | None = None
    reason: str = ""

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class _End:
    """Where messages come out: a queue of the test beside a route's own.

    Attributes:
        name: of the route, or `topic`.
        url: of the test's queue; None where the route is not subscribed.
        takes: whether an alert of that severity and mark must arrive here.
    """

    name: str
    url: str | None
    takes: Callable[[Severity, bool], bool]


def prove(
    live: Live,
    blueprint: Blueprint,
    ids: Sequence[str],
    progress: Callable[[str], None] = lambda _: None,
    seconds: int | None = None,
) -> list[Proof]:
    """Set alerts off and wait for their messages at the end of the route.

    Whoever gets alerts of this environment gets these too. Each alarm is set back afterwards, and
    the queues and subscriptions of the test are removed.

    Args:
        live: the environment.
        blueprint: what it has.
        ids: of alerts, each once.
        progress: told what is going on.
        seconds: how long a message may take; by the environment where it is left out.

    Raises:
        ClientError: AWS refuses.
    """
    usual = EMULATED_SECONDS if blueprint.scope.settings.emulated else LIVE_SECONDS
    with _ends(live, blueprint) as ends:
        return _Test(live, blueprint, ends, progress, seconds or usual).run(ids)


class _Test:
    def __init__(
        self,
        live: Live,
        blueprint: Blueprint,
        ends: Sequence[_End],
        progress: Callable[[str], None],
        seconds: int,
    ) -> None:
        scope = blueprint.scope
        self._live, self._env, self._ends, self._progress = live, scope.env, ends, progress
        self._watches = watches(scope)
        self._groups = watch_groups(scope)
        self._emulated = scope.settings.emulated
        self._seconds = seconds
        self._silencers = {m.id for g in self._groups.values() for m in g.unless}

    def run(self, ids: Sequence[str]) -> list[Proof]:
        """Prove all of them, in as few rounds as tell their messages apart."""
        order = sorted(dict.fromkeys(ids), key=self._place)
        before = alarm_states(self._live, self._env)
        if self._emulated:
            self._set_back(before)
        proofs = {i: p for i in order if (p := self._not_now(i, before)) is not None}
        left = [i for i in order if i not in proofs]
        # All datapoints at once, and the message of each pager counts for the first of its
        # alerts. The others of a group show by themselves afterwards that it listens to them.
        by_datapoint = [i for i in left if self._takes_datapoints(self._watches[i])]
        if by_datapoint:
            proofs |= self._datapoint_round(by_datapoint)
        while rest := [i for i in left if i not in proofs]:
            chosen = {self._pager(i).id: i for i in reversed(rest)}
            crossed = set(by_datapoint)
            proofs |= self._state_round(sorted(chosen.values(), key=order.index), crossed)
        return [proofs[i] for i in dict.fromkeys(ids)]

    def _place(self, alert_id: str) -> int:
        """What can be silenced first and silencers last: beside one in alarm it says nothing."""
        group = self._watches[alert_id].group
        silenced = group is not None and self._groups[group].unless
        return 2 if alert_id in self._silencers else 0 if silenced else 1

    def _pager(self, alert_id: str) -> Watch | WatchGroup:
        watch = self._watches[alert_id]
        return watch if watch.group is None else self._groups[watch.group]

    def _not_now(self, alert_id: str, before: dict[str, dict[str, Any]]) -> Proof | None:
        """Why an alert can't be tested at the moment."""
        watch = self._watches[alert_id]
        alarm = before.get(watch.alarm)
        if alarm is None:
            reason = f"There is no alarm {watch.alarm}: run `totara alerts check {self._env}`."
            return self._proof(alert_id, Outcome.FAILED, reason=reason)
        real = [
            name
            for name in (watch.alarm, self._pager(alert_id).alarm)
            if before.get(name, {}).get("StateValue") == ALARM
        ]
        if real and not self._emulated:
            reason = f"{real[0]} is in alarm for a reason of its own: mend that first."
            return self._proof(alert_id, Outcome.SKIPPED, reason=reason)
        return None

    def _takes_datapoints(self, watch: Watch) -> bool:
        if self._emulated:
            return True
        # Others write to the metric as well: only these statistics let one datapoint decide.
        decisive = (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)
        return (
            watch.alert.metric.emitter != "AWS"
            and watch.alert.statistic in ("Sum", "Maximum")
            and watch.alert.comparison in decisive
            and watch.datapoints == 1
            and watch.alert.period * watch.evaluation_periods <= LIVE_SECONDS
        )

    # --- rounds ---

    def _datapoint_round(self, ids: Sequence[str]) -> dict[str, Proof]:
        first = {self._pager(i).id: i for i in reversed(ids)}
        arrived: dict[tuple[str, str], float] = {}
        at_once = EMULATED_AT_ONCE if self._emulated else len(ids)
        for start in range(0, len(ids), at_once):
            batch = ids[start : start + at_once]
            self._progress(f"datapoints for {start + len(batch)} of {len(ids)} alerts")
            started = time.monotonic()
            for silencing in (False, True):
                self._put([self._watches[i] for i in batch if (i in self._silencers) is silencing])
            # What an earlier datapoint has set off on the way has arrived already.
            due = [p for p, i in first.items() if i in batch]
            arrived |= self._collect(due, started, arrived)
        # Not before the end: an alarm that is set back goes off again with the next datapoint.
        states = alarm_states(self._live, self._env)
        self._set_back(states, ids)
        return dict(self._datapoint_proofs(ids, first, arrived, states))

    def _datapoint_proofs(
        self,
        ids: Sequence[str],
        first: dict[str, str],
        arrived: dict[tuple[str, str], float],
        states: dict[str, dict[str, Any]],
    ) -> Iterator[tuple[str, Proof]]:
        for alert_id in ids:
            if states[self._watches[alert_id].alarm]["StateValue"] != ALARM:
                reason = (
                    "The datapoint did not put its alarm into ALARM: compare metric, threshold and "
                    f"evaluation with `totara alerts check {self._env}`."
                )
                yield (
                    alert_id,
                    self._proof(alert_id, Outcome.FAILED, By.DATAPOINT, reason=reason),
                )
            elif first[self._pager(alert_id).id] == alert_id:
                yield alert_id, self._judged(alert_id, By.DATAPOINT, arrived)

    def _state_round(self, ids: Sequence[str], crossed: set[str]) -> dict[str, Proof]:
        self._progress(f"{len(ids)} alarms set off by their state")
        started = time.monotonic()
        for alert_id in ids:
            self._set_state(self._watches[alert_id].alarm, ALARM)
        arrived = self._collect([self._pager(i).id for i in ids], started)
        proofs = {
            i: self._judged(i, By.DATAPOINT if i in crossed else By.STATE, arrived) for i in ids
        }
        self._set_back(alarm_states(self._live, self._env), ids)
        return proofs

    def _put(self, chosen: Sequence[Watch]) -> None:
        client = self._live.client("cloudwatch")
        by_namespace: dict[str, list[dict[str, Any]]] = {}
        for watch in chosen:
            by_namespace.setdefault(watch.alert.metric.namespace, []).append(self._datum(watch))
        for namespace, data in by_namespace.items():
            for i in range(0, len(data), _DATA_A_CALL):
                batch = data[i : i + _DATA_A_CALL]
                client.put_metric_data(Namespace=namespace, MetricData=batch)

    def _datum(self, watch: Watch) -> dict[str, Any]:
        metric = watch.alert.metric
        higher = watch.alert.comparison in (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)
        step = max(1.0, abs(watch.threshold))
        datum: dict[str, Any] = {
            "MetricName": metric.name,
            "Dimensions": [{"Name": k, "Value": v} for k, v in watch.dimensions.items()],
            "Value": watch.threshold + (step if higher else -step),
        }
        if self._emulated:
            evaluated = watch.alert.period * watch.evaluation_periods
            ago = timedelta(seconds=evaluated - EXPIRY_SECONDS)
            datum["Timestamp"] = datetime.now(UTC) - ago
        return datum

    # --- messages ---

    def _collect(
        self,
        pagers: Sequence[str],
        started: float,
        before: Mapping[tuple[str, str], float] = MappingProxyType({}),
    ) -> dict[tuple[str, str], float]:
        """(id of a pager, end) -> seconds until its alarm was there."""
        found = dict(before)
        wanted = {
            (pager, end.name) for pager in pagers for end in self._ends if self._takes(pager, end)
        }
        while time.monotonic() - started < self._seconds:
            for end in self._ends:
                for alert_id in self._received(end):
                    found.setdefault((alert_id, end.name), time.monotonic() - started)
            if wanted <= found.keys():
                break
            time.sleep(_PAUSE_SECONDS)
        return found

    def _received(self, end: _End) -> Iterator[str]:
        if end.url is None:
            return
        client = self._live.client("sqs")
        messages = client.receive_message(
            QueueUrl=end.url,
            MaxNumberOfMessages=10,
            # AWS looks at all its servers only when it is given time.
            WaitTimeSeconds=0 if self._emulated else 1,
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        for message in messages:
            attributes = message.get("MessageAttributes", {})
            named = {k: v.get("StringValue") for k, v in attributes.items()}
            if named.get("state") == ALARM and named.get("alert"):
                yield str(named["alert"])
        if messages:
            client.delete_message_batch(
                QueueUrl=end.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]}
                    for n, m in enumerate(messages)
                ],
            )

    def _takes(self, pager: str, end: _End) -> bool:
        found = self._groups.get(pager) or self._watches[pager]
        return end.takes(found.severity, found.regulatory)

    def _judged(self, alert_id: str, by: By, arrived: dict[tuple[str, str], float]) -> Proof:
        pager = self._pager(alert_id).id
        wanted = [end for end in self._ends if self._takes(pager, end)]
        missing = [end.name for end in wanted if (pager, end.name) not in arrived]
        strange = [
            end.name for end in self._ends if end not in wanted and (pager, end.name) in arrived
        ]
        reasons = []
        if missing:
            reasons.append(f"nothing arrived at {', '.join(missing)} in {self._seconds} s")
        if strange:
            reasons.append(f"it arrived at {', '.join(strange)}, which is not for it")
        if reasons:
            text = "; ".join(reasons)
            advice = f"{text[0].upper()}{text[1:]}. Run `totara alerts check {self._env}`."
            return self._proof(alert_id, Outcome.FAILED, by, reason=advice)
        seconds = max(arrived[pager, end.name] for end in wanted)
        return self._proof(alert_id, Outcome.PASSED, by, seconds=seconds)

    def _proof(
        self,
        alert_id: str,
        outcome: Outcome,
        by: By | None = None,
        *,
        seconds: float | None = None,
        reason: str = "",
    ) -> Proof:
        pager = self._pager(alert_id)
        ends = tuple(end.name for end in self._ends if self._takes(pager.id, end))
        return Proof(
            alert_id,
            pager.id,
            pager.severity,
            pager.regulatory,
            outcome,
            by,
            ends,
            seconds,
            reason,
        )

    # --- setting back ---

    def _set_state(self, alarm: str, state: str) -> None:
        self._live.client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue=state, StateReason="totara alerts test"
        )

    def _set_back(self, states: dict[str, dict[str, Any]], ids: Sequence[str] = ()) -> None:
        """Out of alarm again; groups follow their members.

        In AWS to OK, which tells people that it is over. An emulator looks at no dimensions, so a
        datapoint sets off others as well there, and all of them go back to where they began.
        """
        chosen = self._watches.values() if self._emulated else [self._watches[i] for i in ids]
        for watch in chosen:
            if states.get(watch.alarm, {}).get("StateValue") == ALARM:
                self._set_state(watch.alarm, NO_DATA if self._emulated else OK)


@contextmanager
def _ends(live: Live, blueprint: Blueprint) -> Iterator[list[_End]]:
    """Queues of the test beside those of the routes, with the live filters; removed afterwards."""
    scope = blueprint.scope
    plan = scope.catalogue.alerts
    if plan is None:
        yield []
        return
    topic = topic_arn(blueprint, alert_topic(plan))
    prefix = f"bank-{scope.env}-alert-test-{uuid.uuid4().hex[:8]}"
    made: list[tuple[str, str]] = []
    sns, sqs = live.client("sns"), live.client("sqs")

    def queue(name: str, policy: dict[str, Any]) -> str:
        physical = f"{prefix}-{name}"
        arn = scope.arn("sqs", physical)
        url = str(
            sqs.create_queue(
                QueueName=physical,
                Attributes={
                    "MessageRetentionPeriod": "3600",
                    "SqsManagedSseEnabled": "true",
                    "Policy": delivery_policy(arn, topic),
                },
                tags=scope.tags(blueprint.resources[alert_topic(plan)].step),
            )["QueueUrl"]
        )
        made.append((url, ""))
        attributes = {"RawMessageDelivery": "true"}
        if policy:
            attributes["FilterPolicy"] = json.dumps(policy)
        subscription = sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes=attributes,
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        made[-1] = (url, subscription)
        return url

    try:
        routes = routes_here(scope)
        if not routes:
            yield [_End(_TOPIC_END, queue(_TOPIC_END, {}), lambda _s, _r: True)]
            return
        there = subscriptions(live, topic)
        ends = []
        for route in routes:
            arn = there.get(scope.arn("sqs", scope.fill(route.queue)))
            subscribed = arn is not None and arn.startswith("arn:")
            url = queue(route.id, filter_of(live, arn)) if arn and subscribed else None
            ends.append(_End(route.id, url, partial(route_takes, route)))
        yield ends
    finally:
        for url, subscription in made:
            if subscription:
                sns.unsubscribe(SubscriptionArn=subscription)
            sqs.delete_queue(QueueUrl=url)
