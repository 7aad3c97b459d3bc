"""CloudWatch alarms: on a metric, and on the states of other alarms."""

from __future__ import annotations

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
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

TOKEN = "aws:cloudwatch/metricAlarm:MetricAlarm"
_NAMES = words(
    "name alarmDescription actionsEnabled alarmActions okActions insufficientDataActions metricName"
    " namespace statistic extendedStatistic period unit evaluationPeriods datapointsToAlarm"
    " threshold thresholdMetricId"
    " comparisonOperator treatMissingData evaluateLowSampleCountPercentiles"
)
_RENAMES = {
    "name": "AlarmName",
    "okActions": "OKActions",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
}


def _dimensions(given: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in sorted((given or {}).items())]


def _query(query: Properties) -> dict[str, Any]:
    names = ("id", "expression", "label", "returnData", "period", "accountId")
    request = to_api(query, names)
    # The API needs the flag on every query; the SDK leaves it out where it is false.
    request.setdefault("ReturnData", False)
    if metric := query.get("metric"):
        request["MetricStat"] = {
            "Metric": {
                **to_api(metric, ("namespace", "metricName")),
                "Dimensions": _dimensions(metric.get("dimensions")),
            },
            **to_api(metric, ("period", "stat", "unit")),
        }
    return request


def _query_from(answer: dict[str, Any]) -> Properties:
    shape = schemas()[TOKEN].inputs["metricQueries"][0]
    query = from_api(answer, {name: part for name, part in shape.items() if name != "metric"})
    if not query.get("returnData"):
        query.pop("returnData", None)
    if stat := answer.get("MetricStat"):
        metric = from_api({**stat, **stat["Metric"], "Dimensions": None}, shape["metric"])
        if dimensions := {d["Name"]: d["Value"] for d in stat["Metric"].get("Dimensions", [])}:
            metric["dimensions"] = dimensions
        query["metric"] = metric
    return query


def _put(aws: Aws, inputs: Properties, tags: dict[str, str] | None = None) -> None:
    request = to_api(inputs, _NAMES, _RENAMES)
    request["Threshold"] = float(inputs["threshold"]) if "threshold" in inputs else None
    if inputs.get("dimensions"):
        request["Dimensions"] = _dimensions(inputs["dimensions"])
    if inputs.get("metricQueries"):
        request["Metrics"] = [_query(query) for query in inputs["metricQueries"]]
    if tags:
        request["Tags"] = pairs(tags)
    request = {name: value for name, value in request.items() if value is not None}
    aws.client("cloudwatch").put_metric_alarm(**request)


def _find(aws: Aws, name: str, kind: str = "MetricAlarm") -> dict[str, Any] | None:
    answer = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=[kind])
    return next((dict(alarm) for alarm in answer.get(f"{kind}s", [])), None)


def _refuse_taken(aws: Aws, name: str) -> None:
    # PutMetricAlarm and PutCompositeAlarm overwrite without a word, and share their names.
    for kind in ("MetricAlarm", "CompositeAlarm"):
        if _find(aws, name, kind) is not None:
            raise AlreadyExists(f"the alarm {name}", name)


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    return from_pairs(aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn).get("Tags"))


def _create(aws: Aws, inputs: Properties) -> Made:
    name = inputs["name"]
    _refuse_taken(aws, name)
    _put(aws, inputs, inputs.get("tagsAll"))
    return Made(name)


def _read(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    alarm = _find(aws, identifier)
    if alarm is None:
        return None
    shape = {name: schemas()[TOKEN].inputs[name] for name in _NAMES}
    inputs = from_api(alarm, shape, _RENAMES)
    if "extendedStatistic" in inputs:
        # An alarm has one of the two; the emulator names a default for the other.
        inputs.pop("statistic", None)
    if dimensions := {d["Name"]: d["Value"] for d in alarm.get("Dimensions", [])}:
        inputs["dimensions"] = dimensions
    if alarm.get("Metrics"):
        inputs["metricQueries"] = [_query_from(query) for query in alarm["Metrics"]]
    threshold = inputs.get("threshold")
    if threshold is not None and float(threshold).is_integer():
        inputs["threshold"] = int(threshold)
    arn = alarm["AlarmArn"]
    inputs["tags"] = _tags(aws, arn)
    return Live(inputs, {"arn": arn})


def _update(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    _put(aws, new)
    _change_tags(aws, identifier, new, old)


def _change_tags(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client, arn = aws.client("cloudwatch"), aws.arn("cloudwatch", f"alarm:{identifier}")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceARN=arn, Tags=pairs(tags)),
        lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
    )


def _delete(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    if _find(aws, identifier) is not None:
        aws.client("cloudwatch").delete_alarms(AlarmNames=[identifier])


# --- composite --------------------------------------------------------------------------------

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
_COMPOSITE_NAMES = words(
    "alarmName alarmDescription alarmRule actionsEnabled alarmActions okActions"
    " insufficientDataActions"
)
_COMPOSITE_RENAMES = {"okActions": "OKActions"}


def _put_composite(aws: Aws, inputs: Properties, tags: dict[str, str] | None = None) -> None:
    request = to_api(inputs, _COMPOSITE_NAMES, _COMPOSITE_RENAMES)
    if tags:
        request["Tags"] = pairs(tags)
    request = {name: value for name, value in request.items() if value is not None}
    aws.client("cloudwatch").put_composite_alarm(**request)


def _create_composite(aws: Aws, inputs: Properties) -> Made:
    name = inputs["alarmName"]
    _refuse_taken(aws, name)
    _put_composite(aws, inputs, inputs.get("tagsAll"))
    return Made(name)


def _read_composite(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    alarm = _find(aws, identifier, "CompositeAlarm")
    if alarm is None:
        return None
    shape = {name: schemas()[COMPOSITE].inputs[name] for name in _COMPOSITE_NAMES}
    inputs = from_api(alarm, shape, _COMPOSITE_RENAMES)
    arn = alarm["AlarmArn"]
    inputs["tags"] = _tags(aws, arn)
    return Live(inputs, {"arn": arn})


def _update_composite(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    _put_composite(aws, new)
    _change_tags(aws, identifier, new, old)


def _delete_composite(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    if _find(aws, identifier, "CompositeAlarm") is not None:
        aws.client("cloudwatch").delete_alarms(AlarmNames=[identifier])


TYPES = (
    ResourceType(
        token=TOKEN,
        serves=_NAMES | {"dimensions", "metricQueries", "tags"},
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        replaces={"name": "cloudwatch PutMetricAlarm identifies by AlarmName"},
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        computed=words("evaluateLowSampleCountPercentiles"),
        sets=words("alarmActions okActions insufficientDataActions metricQueries"),
        name="name",
        unique=("name",),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": aws.arn("cloudwatch", f"alarm:{inputs['name']}")},
    ),
    ResourceType(
        token=COMPOSITE,
        serves=_COMPOSITE_NAMES | {"tags"},
        create=_create_composite,
        read=_read_composite,
        update=_update_composite,
        delete=_delete_composite,
        replaces={
            "alarmName": "cloudwatch PutCompositeAlarm identifies by AlarmName",
            "actionsEnabled": "terraform-provider-aws"
            " internal/service/cloudwatch/composite_alarm.go: actions_enabled ForceNew",
        },
        defaults={"actionsEnabled": True},
        sets=words("alarmActions okActions insufficientDataActions"),
        name="alarmName",
        unique=("alarmName",),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": aws.arn("cloudwatch", f"alarm:{inputs['alarmName']}")},
    ),
)
