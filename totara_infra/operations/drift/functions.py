"""Functions of Lambda and who may call them."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    chosen,
    own_tags,
    unless_gone,
    words,
)

FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
_GONE = "ResourceNotFoundException"
_MARK = "bank-"
_PLAIN = words(
    "description role runtime architectures handler timeout memory_size environment kms_key_arn"
    " tracing_config dead_letter_config ephemeral_storage"
)
_DOWNLOAD_SECONDS = 30
_NO_RESERVATION = -1
"""As Pulumi says it; a reservation of 0 lets nothing run."""


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """File name -> digest: archives of the same files differ, the files do not."""
    return {n: "sha256:" + hashlib.sha256(c).hexdigest()[:32] for n, c in sorted(files.items())}


def _code(location: str) -> dict[str, str]:
    with urllib.request.urlopen(location, timeout=_DOWNLOAD_SECONDS) as answer:
        content = answer.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return digests({n: archive.read(n) for n in archive.namelist() if not n.endswith("/")})


def _read_functions(reading: Reading) -> Iterator[Thing]:
    client, planned = reading.client("lambda"), reading.planned(FUNCTION)
    pages = client.get_paginator("list_functions").paginate()
    names = [
        f["FunctionName"]
        for page in pages
        for f in page["Functions"]
        if f["FunctionName"] in planned or f["FunctionName"].startswith(_MARK)
    ]

    def read(name: str) -> Thing | None:
        answer = unless_gone(client.get_function, _GONE, FunctionName=name)
        if answer is None:
            return None
        found, tags = answer["Configuration"], own_tags(answer.get("Tags"))
        properties = chosen(found, _PLAIN)
        properties["environment"] = {
            "variables": dict(found.get("Environment", {}).get("Variables") or {})
        }
        properties |= {
            "name": name,
            "layers": [layer["Arn"] for layer in found.get("Layers") or []],
            "subnets": (found.get("VpcConfig") or {}).get("SubnetIds") or [],
            "reserved_concurrent_executions": (answer.get("Concurrency") or {}).get(
                "ReservedConcurrentExecutions", _NO_RESERVATION
            ),
            "tags": tags,
        }
        if name in planned:
            properties["code"] = _code(answer["Code"]["Location"])
        return Thing(
            name,
            properties,
            {"id": name, "name": name, "arn": found["FunctionArn"]},
            "" if name in reading.left_to_deployments else reading.tagged(tags),
        )

    yield from (thing for thing in reading.each(read, names) if thing is not None)


def _read_permissions(reading: Reading) -> Iterator[Thing]:
    client, names = reading.client("lambda"), sorted(reading.planned(FUNCTION))

    def statements(name: str) -> list[dict[str, Any]]:
        answer = unless_gone(client.get_policy, _GONE, FunctionName=name)
        found: list[dict[str, Any]] = json.loads(answer["Policy"])["Statement"] if answer else []
        return found

    for name, found in zip(names, reading.each(statements, names), strict=True):
        for statement in found:
            yield _permission(name, statement)


def _permission(function: str, statement: Mapping[str, Any]) -> Thing:
    principal = statement["Principal"]
    if isinstance(principal, Mapping):
        principal = next(iter(principal.values()))
    conditions = {
        key.lower(): value
        for tests in (statement.get("Condition") or {}).values()
        for key, value in tests.items()
    }
    return Thing(
        f"{function}/{statement['Sid']}",
        {
            "statement_id": statement["Sid"],
            "function": function,
            "action": statement["Action"],
            "principal": principal,
            "source_arn": conditions.pop("aws:sourcearn", None),
            "source_account": conditions.pop("aws:sourceaccount", None),
            "further_conditions": conditions,
        },
        {"function": function, "statement_id": statement["Sid"]},
        f"it lets somebody call the function {function}",
    )


READERS = (
    TypeReader(
        FUNCTION,
        _read_functions,
        _PLAIN | words("name code layers subnets reserved_concurrent_executions tags"),
        sets=words("architectures subnets"),
        assumed={
            "tracing_config": {"mode": "PassThrough"},
            "ephemeral_storage": {"size": 512},
            "timeout": 3,
            "memory_size": 128,
            "reserved_concurrent_executions": _NO_RESERVATION,
        },
    ),
    TypeReader(
        PERMISSION,
        _read_permissions,
        words(
            "statement_id function action principal source_arn source_account further_conditions"
        ),
        key=("function", "statement_id"),
    ),
)
