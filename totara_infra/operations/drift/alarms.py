"""Alarms of CloudWatch: on a metric, and on the states of other alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    chosen,
    tags_from,
    unless_gone,
    words,
)

TOKEN = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_MARK = "bank-"
_PLAIN = words(
    "alarm_description namespace metric_name statistic extended_statistic period"
    " evaluation_periods datapoints_to_alarm threshold comparison_operator treat_missing_data"
    " unit alarm_actions ok_actions insufficient_data_actions actions_enabled"
)


_COMPOSITE_PLAIN = words(
    "alarm_name alarm_description alarm_rule alarm_actions ok_actions insufficient_data_actions"
    " actions_enabled actions_suppressor"
)
_ACTIONS = words("alarm_actions ok_actions insufficient_data_actions")


def _alarms(reading: Reading, kind: str, token: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each alarm of a kind that is ours, or perhaps ours, with its tags."""
    client, planned = reading.client("cloudwatch"), reading.planned(token)
    listed = [
        alarm
        for page in client.get_paginator("describe_alarms").paginate(AlarmTypes=[kind])
        for alarm in page[f"{kind}s"]
        if alarm["AlarmName"] in planned or alarm["AlarmName"].startswith(_MARK)
    ]

    def tags(alarm: dict[str, Any]) -> dict[str, str] | None:
        answer = unless_gone(
            client.list_tags_for_resource,
            "ResourceNotFound",
            "ResourceNotFoundException",
            ResourceARN=alarm["AlarmArn"],
        )
        return None if answer is None else tags_from(answer.get("Tags"))

    for alarm, found in zip(listed, reading.each(tags, listed), strict=True):
        if found is not None:
            yield alarm, found


def _thing(
    reading: Reading, alarm: dict[str, Any], properties: dict[str, Any], tags: dict[str, str]
) -> Thing:
    name = alarm["AlarmName"]
    return Thing(
        name,
        {**properties, "tags": tags},
        {"id": name, "name": name, "arn": alarm["AlarmArn"]},
        "" if name in reading.left_to_deployments else reading.tagged(tags),
    )


def _read(reading: Reading) -> Iterator[Thing]:
    for alarm, tags in _alarms(reading, "MetricAlarm", TOKEN):
        dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []}
        properties = {"name": alarm["AlarmName"], "dimensions": dimensions}
        if alarm.get("ExtendedStatistic"):
            # An alarm has one of the two; an emulator names a default for the other.
            properties["statistic"] = None
        yield _thing(reading, alarm, {**chosen(alarm, _PLAIN), **properties}, tags)


def _read_composites(reading: Reading) -> Iterator[Thing]:
    for alarm, tags in _alarms(reading, "CompositeAlarm", COMPOSITE):
        yield _thing(reading, alarm, chosen(alarm, _COMPOSITE_PLAIN), tags)


READERS = (
    TypeReader(
        TOKEN,
        _read,
        _PLAIN | words("name dimensions tags"),
        sets=_ACTIONS,
        assumed={"actions_enabled": True, "treat_missing_data": "missing"},
    ),
    TypeReader(
        COMPOSITE,
        _read_composites,
        _COMPOSITE_PLAIN | words("tags"),
        key=("alarm_name",),
        sets=_ACTIONS,
        assumed={"actions_enabled": True},
    ),
)
