"""Alarms of CloudWatch on one metric."""

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
_MARK = "bank-"
_PLAIN = words(
    "alarm_description namespace metric_name statistic extended_statistic period"
    " evaluation_periods datapoints_to_alarm threshold comparison_operator treat_missing_data"
    " unit alarm_actions ok_actions insufficient_data_actions actions_enabled"
)


def _read(reading: Reading) -> Iterator[Thing]:
    client, planned = reading.client("cloudwatch"), reading.planned(TOKEN)
    listed = [
        alarm
        for page in client.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        for alarm in page["MetricAlarms"]
        if alarm["AlarmName"] in planned or alarm["AlarmName"].startswith(_MARK)
    ]

    def read(alarm: dict[str, Any]) -> Thing | None:
        name, arn = alarm["AlarmName"], alarm["AlarmArn"]
        answer = unless_gone(
            client.list_tags_for_resource,
            "ResourceNotFound",
            "ResourceNotFoundException",
            ResourceARN=arn,
        )
        if answer is None:
            return None
        tags = tags_from(answer.get("Tags"))
        dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions") or []}
        return Thing(
            name,
            {**chosen(alarm, _PLAIN), "name": name, "dimensions": dimensions, "tags": tags},
            {"id": name, "name": name, "arn": arn},
            "" if name in reading.left_to_deployments else reading.tagged(tags),
        )

    yield from (thing for thing in reading.each(read, listed) if thing is not None)


READERS = (
    TypeReader(
        TOKEN,
        _read,
        _PLAIN | words("name dimensions tags"),
        sets=words("alarm_actions ok_actions insufficient_data_actions"),
        assumed={"actions_enabled": True, "treat_missing_data": "missing"},
    ),
)
