"""Parameters of Systems Manager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from totara_infra.operations.drift.reading import Reading, Thing, TypeReader, tags_from, words

TOKEN = "aws:ssm/parameter:Parameter"
SECURE = "SecureString"
HIDDEN = "[not shown]"
_DESCRIBED = 50
_VALUES = 10
"""Parameters that a call gives: AWS's limits."""


def values(reading: Reading) -> dict[str, dict[str, Any]]:
    """Every parameter of the environment's namespace, by path. Nothing is decrypted."""

    def read() -> dict[str, dict[str, Any]]:
        paging = reading.client("ssm").get_paginator("get_parameters_by_path")
        answers = paging.paginate(Path=f"/bank/{reading.env}/", Recursive=True)
        return {p["Name"]: p for answer in answers for p in answer["Parameters"]}

    return reading.once("ssm-values", read)


def details(reading: Reading) -> dict[str, dict[str, Any]]:
    """Description and tier of every parameter of the namespace, by path."""
    paging = reading.client("ssm").get_paginator("describe_parameters")
    answers = paging.paginate(
        ParameterFilters=[
            {"Key": "Path", "Option": "Recursive", "Values": [f"/bank/{reading.env}/"]}
        ],
        PaginationConfig={"PageSize": _DESCRIBED},
    )
    return {p["Name"]: p for answer in answers for p in answer["Parameters"]}


def _read(reading: Reading) -> Iterator[Thing]:
    client = reading.client("ssm")
    found, described = values(reading), details(reading)
    planned = reading.planned(TOKEN)

    def tags(path: str) -> dict[str, str]:
        answer = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=path)
        return tags_from(answer.get("TagList"))

    known = [path for path in found if path in planned]
    carried = dict(zip(known, reading.each(tags, known), strict=True))
    for path, parameter in found.items():
        secret = parameter["Type"] == SECURE
        properties = {
            "name": path,
            "type": parameter["Type"],
            "insecure_value": HIDDEN if secret else parameter["Value"],
            "tier": described.get(path, {}).get("Tier"),
            "description": described.get(path, {}).get("Description"),
            "data_type": parameter.get("DataType"),
            "allowed_pattern": described.get(path, {}).get("AllowedPattern"),
            "tags": carried.get(path, {}),
        }
        left = path in reading.left_to_deployments
        yield Thing(
            path,
            properties,
            {"name": path, "arn": parameter.get("ARN")},
            "" if left else f"its path lies in /bank/{reading.env}/, where everything is declared",
        )


def value_reader(names: Sequence[str]) -> TypeReader:
    """Reads the values of some parameters and nothing else of them: ten a call, instead of one.

    Args:
        names: full paths.
    """

    def read(reading: Reading) -> Iterator[Thing]:
        client = reading.client("ssm")

        def batch(start: int) -> list[dict[str, Any]]:
            chosen = list(names[start : start + _VALUES])
            answers: list[dict[str, Any]] = client.get_parameters(Names=chosen)["Parameters"]
            return answers

        for found in reading.each(batch, range(0, len(names), _VALUES)):
            for parameter in found:
                hidden = parameter["Type"] == SECURE
                yield Thing(
                    parameter["Name"],
                    {
                        "name": parameter["Name"],
                        "type": parameter["Type"],
                        "insecure_value": HIDDEN if hidden else parameter["Value"],
                    },
                    {"name": parameter["Name"], "arn": parameter.get("ARN")},
                )

    elsewhere = "takes a call of its own for each parameter; a search for drift makes them"
    return TypeReader(
        TOKEN,
        read,
        words("name type insecure_value"),
        unreadable=dict.fromkeys(words("tier description tags"), elsewhere),
    )


READERS = (
    TypeReader(
        TOKEN,
        _read,
        words("name type insecure_value tier description data_type allowed_pattern tags"),
        assumed={"data_type": "text"},
    ),
)
