"""SSM parameters: export, and what of it is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.resource import references
from totara_infra.model.stack import is_recovery
from totara_infra.operations.backup.action import Action, Way
from totara_infra.operations.live import Live

STORE = "parameters"
_ENCRYPTED = "SecureString"


def of_the_program(blueprint: Blueprint) -> set[str]:
    """Names that an update writes itself: their values follow from the blueprint."""
    return {r.properties["name"] for r in blueprint.resources.values() if r.shape == "Parameter"}


def read(live: Live, blueprint: Blueprint) -> list[dict[str, Any]]:
    """Every parameter of the environment; an encrypted one without its value.

    Tags are asked for only where the program does not set them: it takes a call for each.
    """
    client, own = live.client("ssm"), of_the_program(blueprint)
    path = f"/bank/{blueprint.scope.env}"
    described = {
        p["Name"]: p
        for page in client.get_paginator("describe_parameters").paginate(
            ParameterFilters=[{"Key": "Path", "Option": "Recursive", "Values": [path]}]
        )
        for p in page["Parameters"]
    }
    found = []
    for page in client.get_paginator("get_parameters_by_path").paginate(
        Path=path, Recursive=True, WithDecryption=False
    ):
        for parameter in page["Parameters"]:
            name = parameter["Name"]
            more = described.get(name, {})
            tags = []
            if name not in own:
                tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)[
                    "TagList"
                ]
            found.append(
                {
                    "name": name,
                    "of_the_program": name in own,
                    "type": parameter["Type"],
                    "value": None if parameter["Type"] == _ENCRYPTED else parameter["Value"],
                    "version": parameter["Version"],
                    "tier": more.get("Tier", "Standard"),
                    "description": more.get("Description", ""),
                    "tags": sorted(tags, key=lambda tag: tag["Key"]),
                }
            )
    return sorted(found, key=lambda p: p["name"])


def lost(live: Live, blueprint: Blueprint, saved: Sequence[Mapping[str, Any]]) -> Iterator[Action]:
    """What of a backup the environment does not have."""
    own = of_the_program(blueprint)
    settings = live.settings
    # What stands in for another stack must not be sent back to where that one was.
    lost_region = settings.disaster_recovery_region if is_recovery(settings.stack) else None
    now = {p["name"]: p for p in read(live, blueprint)}
    replaced = _replaced(blueprint, saved, now)
    for parameter in saved:
        name, there = parameter["name"], now.get(parameter["name"])
        stale = next((n for old, n in replaced.items() if old in str(parameter["value"])), None)
        if there is None and name not in own and parameter.get("of_the_program"):
            what = "An earlier version of the program made it, and this one does not."
            yield Action(STORE, name, Way.KEEP, what)
        elif there is None and name not in own and stale is not None:
            yield Action(
                STORE,
                name,
                Way.BY_HAND,
                f"It holds what was in {stale}, which is another thing now: deploy its module "
                "again, which writes the new one.",
            )
        elif there is None and name in own:
            yield Action(
                STORE, name, Way.BY_HAND, "The program makes it: run `totara up`, then this again."
            )
        elif there is None and parameter["value"] is None:
            yield Action(
                STORE,
                name,
                Way.BY_HAND,
                "It is encrypted, so its value is in no backup: put it in.",
            )
        elif there is None and lost_region is not None and lost_region in parameter["value"]:
            what = f"It leads to {lost_region}: the pipeline of its module writes it anew here."
            yield Action(STORE, name, Way.BY_HAND, what)
        elif there is None:
            put = partial(_put, live, parameter)
            yield Action(STORE, name, Way.RESTORE, "Written with the value that it had.", put)
        elif name not in own and there["value"] != parameter["value"]:
            yield Action(STORE, name, Way.KEEP, "It has another value now, which stays.")


def _replaced(
    blueprint: Blueprint, saved: Sequence[Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Old id, ARN or URL of something that was made anew -> the parameter that had it.

    Only what the program takes from a resource counts: such a value occurs nowhere by chance.
    """
    taken = {
        r.properties["name"]
        for r in blueprint.resources.values()
        if r.shape == "Parameter" and next(references(r.properties["insecure_value"]), None)
    }
    return {
        p["value"]: p["name"]
        for p in saved
        if p["name"] in taken
        and p["value"]
        and p["name"] in now
        and now[p["name"]]["value"] != p["value"]
    }


def _put(live: Live, parameter: Mapping[str, Any]) -> None:
    live.client("ssm").put_parameter(
        Name=parameter["name"],
        Value=parameter["value"],
        Type=parameter["type"],
        Tier=parameter["tier"],
        Description=parameter["description"],
        Tags=parameter["tags"],
    )
