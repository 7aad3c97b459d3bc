"""Who changed what has drifted, where CloudTrail knows."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.operations.drift.report import Drift, LastWrite
from totara_infra.operations.drift.table import READERS
from totara_infra.operations.live import Live
from totara_infra.operations.trail import Write, writes

LOOK_BACK_SECONDS = 14 * 86_400
MAXIMUM_EVENTS = 2_000
"""LookupEvents takes two calls a second of fifty events each: this is twenty seconds at worst."""
_CHANGE_NOTHING = (
    *("BatchGet", "Describe", "Get", "Head", "List", "Lookup", "Search", "Simulate"),
    *("Invoke", "Publish", "PutEvents", "SendMessage"),
)
"""Beginnings of calls that read, or that use a thing without changing it."""
_METHOD = re.compile(r"^[A-Z]+\.")
_SOURCES = {"cloudwatch": ("monitoring", "logs", "events"), "cognito": ("cognito-idp",)}
"""Where the service in CloudTrail is called otherwise than in the type token."""


def attributed(live: Live, drifts: Sequence[Drift]) -> list[Drift]:
    """The drifts with the newest write to each.

    It is the newest write that CloudTrail has of a thing: on AWS a change of the last quarter of
    an hour may not be there yet, and what is older than two weeks is not asked for.

    Args:
        live: the environment.
        drifts: what was found.
    """
    if not drifts:
        return []
    found: dict[int, LastWrite] = {}
    try:
        since = time.time() - LOOK_BACK_SECONDS
        for write in islice(writes(live, since), MAXIMUM_EVENTS):
            if write.action.rsplit(":", 1)[-1].startswith(_CHANGE_NOTHING):
                continue
            for index, drift in enumerate(drifts):
                if index not in found and _concerns(write, drift):
                    found[index] = _last(write)
            if len(found) == len(drifts):
                break
    except (BotoCoreError, ClientError):
        # Without the right to read the trail the drift is still worth knowing.
        pass
    return [replace(d, last_write=found.get(i)) for i, d in enumerate(drifts)]


def _concerns(write: Write, drift: Drift) -> bool:
    service = drift.type.split(":")[1].split("/")[0]
    source = write.source.removesuffix(".amazonaws.com")
    if source not in _SOURCES.get(service, (service,)):
        return False
    # REST calls are recorded by the emulator under their method only, such as `PATCH.appconfig`.
    calls = READERS[drift.type].calls
    if calls and not _METHOD.match(write.action) and not re.search(calls, write.action):
        return False
    return bool(write.texts & drift.identifiers)


def _last(write: Write) -> LastWrite:
    when = datetime.fromtimestamp(write.time, UTC).isoformat(timespec="seconds")
    return LastWrite(write.user or "unknown", write.action, when)
