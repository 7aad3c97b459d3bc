"""Log groups of CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    own_tags,
    unless_gone,
    words,
)

TOKEN = "aws:cloudwatch/logGroup:LogGroup"
MARK = "bank"
"""In every name of ours; tags of other groups need not be asked for."""


def _read(reading: Reading) -> Iterator[Thing]:
    client = reading.client("logs")
    listed = [
        group
        for page in client.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        if MARK in group["logGroupName"] or group["logGroupName"] in reading.planned(TOKEN)
    ]

    def read(group: dict[str, Any]) -> Thing | None:
        name = group["logGroupName"]
        arn = reading.blueprint.scope.arn("logs", f"log-group:{name}")
        answer = unless_gone(
            client.list_tags_for_resource, "ResourceNotFoundException", resourceArn=arn
        )
        if answer is None:
            return None
        tags = own_tags(answer.get("tags"))
        return Thing(
            name,
            {
                "name": name,
                "retention_in_days": group.get("retentionInDays"),
                "kms_key_id": group.get("kmsKeyId"),
                "tags": tags,
            },
            {"id": name, "name": name, "arn": arn},
            "" if name in reading.left_to_deployments else reading.tagged(tags),
        )

    yield from (thing for thing in reading.each(read, listed) if thing is not None)


READERS = (TypeReader(TOKEN, _read, words("name retention_in_days kms_key_id tags")),)
