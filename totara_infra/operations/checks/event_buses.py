"""Check of the event buses: the platform's published check 1, and that they are as declared."""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from totara_infra.blueprint import PlannedResource
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed, put_back

HEALTH_SOURCE = "deployment.healthcheck"
HEALTH_DETAIL_TYPE = "HealthCheck"


def check(inspection: Inspection) -> Iterator[Result]:
    """Buses take a probe event, dead-letter queues are empty, archives are there."""
    yield from inspection.each(
        lambda r: _probe(inspection, str(r.properties["name"])), inspection.of_shape("EventBus")
    )
    queues = [q for q in inspection.of_shape("Queue") if q.kind == "events"]
    for results in inspection.each(lambda q: _depth(inspection, q), queues):
        yield from results
    yield from inspection.compared(titles.EVENT_BUSES)


def _probe(inspection: Inspection, bus: str) -> Result:
    answer = inspection.client("events").put_events(
        Entries=[
            {
                "EventBusName": bus,
                "Source": HEALTH_SOURCE,
                "DetailType": HEALTH_DETAIL_TYPE,
                "Detail": json.dumps({"check": "post-deploy"}),
            }
        ]
    )
    if answer["FailedEntryCount"] == 0:
        return passed("probe event", bus)
    entry = answer["Entries"][0]
    return failed(
        "probe event",
        bus,
        "to be taken",
        f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}",
        f"Put the bus and its policy back: {put_back(inspection.settings)}.",
    )


def _depth(inspection: Inspection, queue: PlannedResource) -> list[Result]:
    """Undelivered events; nothing for a queue that is gone, which the comparison names."""
    name, client = queue.properties["name"], inspection.client("sqs")
    counted = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    try:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(counted))
    except ClientError as error:
        if "NonExistentQueue" in error.response["Error"]["Code"]:
            return []
        raise
    depth = sum(int(answer["Attributes"][c]) for c in counted)
    if depth == 0:
        return [passed("dead-letter queue depth", name)]
    arn = inspection.blueprint.scope.arn("sqs", name)
    fix = (
        f"Read them (aws sqs receive-message --queue-url {url}) and mend what could not take them; "
        f"then send them on (aws sqs start-message-move-task --source-arn {arn}), or purge them."
    )
    return [failed("dead-letter queue depth", name, "0 events", f"{depth}", fix)]
