"""Takes alarms from the intake topic to the alerts topic and names their severity there.

CloudWatch writes no message attributes, and the topic's routes filter by them. The severity stands
at the beginning of the alarm's description, where the blueprint puts it. Whoever publishes to the
intake by hand sets the attributes `severity` (P1, P2, P3) and `regulatory` (true, false).

Runs in Lambda: standard library and botocore only, and nothing of this project.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

DESCRIPTION = re.compile(
    r"^(?P<severity>P[123])(?P<regulatory> \[REG\])? "
    r"(?P<alert>ALERT-[A-Z0-9-]+): (?P<title>[^.]+)\."
)
ALARM, OK = "ALARM", "OK"
UNKNOWN_SEVERITY = "P2"
"""For messages that name none: they must not wait for the morning, nor wake anybody for nothing."""
_SUBJECT_MAXIMUM = 100


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Forward every message of one SNS event.

    Raises:
        botocore.exceptions.ClientError: SNS refuses; SNS then calls again, and nothing is lost.
    """
    for record in event["Records"]:
        forwarded = forward(record["Sns"])
        if forwarded is not None:
            _publisher()(TopicArn=os.environ["ALERT_TOPIC_ARN"], **forwarded)


def forward(message: Mapping[str, Any]) -> dict[str, Any] | None:
    """What goes to the alerts topic for one message of the intake.

    Args:
        message: the `Sns` part of a record.

    Returns:
        Arguments of Publish; None for what tells nobody anything: an alarm that has just been made
        and finds all well.
    """
    content = _content(message["Message"])
    state = str(content.get("NewStateValue", ALARM))
    if state == OK and not _was_told(content):
        return None
    given = message.get("MessageAttributes") or {}
    found = DESCRIPTION.match(str(content.get("AlarmDescription") or ""))
    if found:
        severity, alert = found["severity"], found["alert"]
        regulatory, title = bool(found["regulatory"]), found["title"]
    else:
        severity = _attribute(given, "severity")
        severity = severity if severity in ("P1", "P2", "P3") else UNKNOWN_SEVERITY
        alert = str(content.get("AlarmName") or _attribute(given, "alert") or "unnamed")
        regulatory = _attribute(given, "regulatory").lower() == "true"
        title = str(message.get("Subject") or "a module reports")
    mark = " [REG]" if regulatory else ""
    over = "Over: " if state == OK else ""
    return {
        "Subject": f"{over}{severity}{mark} {alert}: {title}"[:_SUBJECT_MAXIMUM],
        "Message": message["Message"],
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in (
                ("severity", severity),
                ("regulatory", "true" if regulatory else "false"),
                ("alert", alert),
                ("state", state),
            )
        },
    }


def _was_told(alarm: Mapping[str, Any]) -> bool:
    """Whether people know of what has ended: an alarm, or a silence where that is a fault."""
    if alarm.get("OldStateValue") == ALARM:
        return True
    missing = str((alarm.get("Trigger") or {}).get("TreatMissingData", ""))
    return missing.lower().endswith("missing")


def _content(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _attribute(given: Mapping[str, Any], name: str) -> str:
    return str((given.get(name) or {}).get("Value", ""))


@cache
def _publisher() -> Callable[..., Any]:
    client: Any = botocore.session.get_session().create_client(
        "sns",
        region_name=os.environ["AWS_REGION"],
        config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard"}),
    )
    publish: Callable[..., Any] = client.publish
    return publish
