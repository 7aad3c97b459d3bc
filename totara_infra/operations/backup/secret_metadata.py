"""Secrets Manager: which secrets there were, and whether they had a value. Never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.operations.backup.action import Action, Way
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.inventory import command, current_since, looks_like_path

STORE = "secrets"


def read(live: Live, blueprint: Blueprint) -> list[dict[str, Any]]:
    """Every secret of the environment: name, key, tags, rotation, date of its value."""
    client = live.client("secretsmanager")
    found = []
    for page in client.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"/bank/{blueprint.scope.env}/"]}]
    ):
        for secret in page["SecretList"]:
            since = current_since(live, secret["Name"])
            found.append(
                {
                    "name": secret["Name"],
                    "description": secret.get("Description", ""),
                    "kms_key_id": secret.get("KmsKeyId"),
                    "rotation_enabled": secret.get("RotationEnabled", False),
                    "rotation_function": secret.get("RotationLambdaARN"),
                    "rotation_rules": secret.get("RotationRules"),
                    "tags": sorted(secret.get("Tags", []), key=lambda tag: str(tag["Key"])),
                    "value_since": since.isoformat() if since else None,
                }
            )
    return sorted(found, key=lambda s: str(s["name"]))


def lost(live: Live, blueprint: Blueprint, saved: Sequence[Mapping[str, Any]]) -> Iterator[Action]:
    """Secrets that had a value and have none now; people and rotation give them a new one."""
    now = {s["name"]: s for s in read(live, blueprint)}
    for secret in saved:
        there = now.get(secret["name"])
        if there is None:
            what = "The program makes the container: run `totara up`, then this again."
            yield Action(STORE, secret["name"], Way.BY_HAND, what)
        elif secret["value_since"] and not there["value_since"]:
            put = command(blueprint.scope.settings, "put", secret["name"])
            known = looks_like_path(secret["name"])
            what = f"Its value is in no backup. Put it in: {put}" if known else "Put its value in."
            yield Action(STORE, secret["name"], Way.BY_HAND, what)
