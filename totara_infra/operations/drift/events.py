"""Buses of EventBridge, their archives and policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    chosen,
    pages,
    tags_from,
    unless_gone,
    words,
)

BUS = "aws:cloudwatch/eventBus:EventBus"
ARCHIVE = "aws:cloudwatch/eventArchive:EventArchive"
POLICY = "aws:cloudwatch/eventBusPolicy:EventBusPolicy"
_GONE = "ResourceNotFoundException"
_BUS = words("name description dead_letter_config kms_key_identifier tags")
_ARCHIVE = words(
    "name event_source_arn retention_days description event_pattern kms_key_identifier state"
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _buses(reading: Reading) -> dict[str, dict[str, Any]]:
    client = reading.client("events")

    def read(bus: dict[str, Any]) -> dict[str, Any] | None:
        described = unless_gone(client.describe_event_bus, _GONE, Name=bus["Name"])
        tags = unless_gone(client.list_tags_for_resource, _GONE, ResourceARN=bus["Arn"])
        if described is None or tags is None:
            return None
        return {**described, "tags": tags_from(tags.get("Tags"))}

    def read_all() -> dict[str, dict[str, Any]]:
        listed = [b for b in pages(client.list_event_buses, "EventBuses") if b["Name"] != "default"]
        return {b["Name"]: b for b in reading.each(read, listed) if b is not None}

    return reading.once("event-buses", read_all)


def _read_buses(reading: Reading) -> Iterator[Thing]:
    for name, bus in _buses(reading).items():
        yield Thing(
            name,
            {**chosen(bus, _BUS), "tags": bus["tags"]},
            {"id": name, "name": name, "arn": bus["Arn"]},
            "" if name in reading.left_to_deployments else reading.tagged(bus["tags"]),
        )


def _read_archives(reading: Reading) -> Iterator[Thing]:
    client = reading.client("events")
    ours = {reading.blueprint.scope.arn("events", f"event-bus/{b}") for b in reading.planned(BUS)}

    def read(archive: dict[str, Any]) -> dict[str, Any] | None:
        return unless_gone(client.describe_archive, _GONE, ArchiveName=archive["ArchiveName"])

    listed = [
        a
        for a in pages(client.list_archives, "Archives")
        if a["EventSourceArn"] in ours or a["ArchiveName"] in reading.planned(ARCHIVE)
    ]
    for found in reading.each(read, listed):
        if found is not None:
            properties = chosen({"name": found["ArchiveName"], **found}, _ARCHIVE)
            bus = found["EventSourceArn"].rsplit("/", 1)[-1]
            yield Thing(
                found["ArchiveName"],
                properties,
                {"name": found["ArchiveName"], "arn": found["ArchiveArn"]},
                f"it archives the bus {bus}",
            )


def _read_policies(reading: Reading) -> Iterator[Thing]:
    for name, bus in _buses(reading).items():
        policy = bus.get("Policy")
        if not policy:
            continue
        properties = {"event_bus_name": name, "policy": policy}
        if reading.live.settings.emulated and _is_emulators_own(policy):
            # MiniStack stores a statement of its own whatever policy it is given; so of a policy
            # there one can tell only whether it is there.
            planned = reading.planned(POLICY).get(name)
            properties["policy"] = planned.properties["policy"] if planned else policy
        known = name in reading.planned(BUS)
        yield Thing(name, properties, {"id": name}, f"it belongs to the bus {name}" * known)


def _is_emulators_own(policy: str) -> bool:
    return all(
        _UUID.fullmatch(str(statement.get("Sid"))) and statement.get("Principal") == "*"
        for statement in json.loads(policy).get("Statement", [])
    )


READERS = (
    TypeReader(BUS, _read_buses, _BUS, calls=r"EventBus$|agResource"),
    TypeReader(
        ARCHIVE,
        _read_archives,
        _ARCHIVE,
        documents=words("event_pattern"),
        assumed={"state": "ENABLED"},
        calls=r"Archive$",
    ),
    TypeReader(
        POLICY,
        _read_policies,
        words("event_bus_name policy"),
        key=("event_bus_name",),
        calls=r"Permission$",
        documents=words("policy"),
    ),
)
