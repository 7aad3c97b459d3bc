"""CloudTrail: who wrote what, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.operations.live import Live

PAGE = 50
"""LookupEvents gives fifty events at most."""
_READING = ("Get", "List", "Describe")
"""How actions begin that change nothing: the emulator takes those of the query protocol, such as
IAM's, for writes, because they come as POST."""


@dataclass(frozen=True)
class Write:
    """One recorded call that changed something.

    Attributes:
        time: seconds since 1970. Microseconds on the emulator, whole seconds on AWS.
        source: the service, e.g. `ssm.amazonaws.com`.
        action: e.g. `PutParameter`.
        texts: every text in the request, such as names.
        user: who called.
    """

    event_id: str
    time: float
    source: str
    action: str
    texts: frozenset[str]
    user: str


def writes(live: Live, since: float | None = None) -> Iterator[Write]:
    """The writes that CloudTrail knows, newest first.

    AWS pages by token. The emulator gives none, so it is paged by end time, in fractions of a
    second, which boto3 would round away.

    Args:
        live: the environment.
        since: earliest time, seconds since 1970.
    """
    client = live.client("cloudtrail")
    end: float | None = None
    token: str | None = None
    seen: set[str] = set()

    def exact_end(params: dict[str, Any], **_: object) -> None:
        if end is not None and live.settings.emulated:
            body = json.loads(params["body"])
            body["EndTime"] = end
            params["body"] = json.dumps(body).encode()

    client.meta.events.register("before-call.cloudtrail.LookupEvents", exact_end)
    try:
        while True:
            request: dict[str, Any] = {
                "LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}],
                "MaxResults": PAGE,
            }
            if since is not None:
                request["StartTime"] = since
            if token is not None:
                request["NextToken"] = token
            answer = client.lookup_events(**request)
            fresh = [e for e in answer["Events"] if e["EventId"] not in seen]
            seen |= {e["EventId"] for e in fresh}
            found = map(_write, fresh)
            yield from (write for write in found if not write.action.startswith(_READING))
            token = answer.get("NextToken")
            if token is None and (not fresh or not live.settings.emulated):
                return
            if fresh:
                end = fresh[-1]["EventTime"].timestamp()
    finally:
        client.meta.events.unregister("before-call.cloudtrail.LookupEvents", exact_end)


def _write(event: dict[str, Any]) -> Write:
    detail = json.loads(event["CloudTrailEvent"])
    parameters = detail.get("requestParameters") or {}
    named = {r.get("ResourceName", "") for r in event.get("Resources", [])}
    return Write(
        event["EventId"],
        event["EventTime"].timestamp(),
        event["EventSource"],
        # The emulator names calls of the query protocol by their method.
        parameters.get("Action") or event["EventName"],
        frozenset(_texts(parameters)) | named,
        event.get("Username", ""),
    )


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
