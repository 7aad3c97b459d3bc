"""Containers of Secrets Manager. No value is ever asked for."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    tags_from,
    unless_gone,
    words,
)

TOKEN = "aws:secretsmanager/secret:Secret"
_GONE = "ResourceNotFoundException"


def _read(reading: Reading) -> Iterator[Thing]:
    client = reading.client("secretsmanager")
    prefix = f"/bank/{reading.env}/"
    listed = [
        secret["Name"]
        for page in client.get_paginator("list_secrets").paginate(
            Filters=[{"Key": "name", "Values": [prefix]}], PaginationConfig={"PageSize": 100}
        )
        for secret in page["SecretList"]
        if secret["Name"].startswith(prefix) and not secret.get("DeletedDate")
    ]

    def read(name: str) -> Thing | None:
        secret = unless_gone(client.describe_secret, _GONE, SecretId=name)
        if secret is None or secret.get("DeletedDate"):
            return None
        policy = unless_gone(client.get_resource_policy, _GONE, SecretId=name) or {}
        return Thing(
            name,
            {
                "name": name,
                "description": secret.get("Description"),
                "kms_key_id": secret.get("KmsKeyId"),
                "policy": policy.get("ResourcePolicy"),
                "tags": tags_from(secret.get("Tags")),
            },
            {"arn": secret["ARN"], "id": secret["ARN"], "name": name},
            f"its path lies in {prefix}, where everything is declared",
        )

    yield from (thing for thing in reading.each(read, listed) if thing is not None)


READERS = (
    TypeReader(
        TOKEN,
        _read,
        words("name description kms_key_id policy tags"),
        documents=words("policy"),
        unreadable={"recovery_window_in_days": "is an argument of the deletion"},
        if_missing="If it was deleted a moment ago, take it back first; its name is still taken: "
        "aws secretsmanager restore-secret --secret-id {key}",
    ),
)
