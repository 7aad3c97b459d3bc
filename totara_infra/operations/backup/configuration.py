"""AppConfig: every hosted version of every profile, and which of them is live."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.operations.backup.action import Action, Way
from totara_infra.operations.live import Live
from totara_infra.operations.roll_outs import running, wait_until_complete, wait_until_ended

STORE = "appconfig"


def _items(live: Live, call: str, **request: str) -> list[dict[str, Any]]:
    pages = live.client("appconfig").get_paginator(call).paginate(**request)
    return [item for page in pages for item in page["Items"]]


def read(live: Live, blueprint: Blueprint) -> list[dict[str, Any]]:
    """Profiles of the domains' applications, each with its versions, the oldest first."""
    ours = {domain.repository for domain in blueprint.scope.catalogue.domains}
    found = []
    for application in _items(live, "list_applications"):
        if application["Name"] not in ours:
            continue
        environments = _items(live, "list_environments", ApplicationId=application["Id"])
        places = {e["Name"]: e["Id"] for e in environments}
        deployed = _deployed(live, application["Id"], places.get(blueprint.scope.env))
        for profile in _items(live, "list_configuration_profiles", ApplicationId=application["Id"]):
            found.append(
                {
                    "application": application["Name"],
                    "profile": profile["Name"],
                    "type": profile.get("Type", "AWS.Freeform"),
                    "versions": _versions(live, application["Id"], profile["Id"]),
                    "live_version": deployed.get(profile["Id"]),
                }
            )
    return sorted(found, key=lambda p: (p["application"], p["profile"]))


def _deployed(live: Live, application: str, environment: str | None) -> dict[str, int]:
    """Profile id -> number of the version that its readers get."""
    if environment is None:
        return {}
    found: dict[str, int] = {}
    where = {"ApplicationId": application, "EnvironmentId": environment}
    deployments = _items(live, "list_deployments", **where)
    for one in sorted(deployments, key=lambda d: d["DeploymentNumber"]):
        if one["State"] == "COMPLETE":
            detail = live.client("appconfig").get_deployment(
                **where, DeploymentNumber=one["DeploymentNumber"]
            )
            if detail["ConfigurationVersion"].isdigit():
                found[detail["ConfigurationProfileId"]] = int(detail["ConfigurationVersion"])
    return found


def _versions(live: Live, application: str, profile: str) -> list[dict[str, Any]]:
    where = {"ApplicationId": application, "ConfigurationProfileId": profile}
    listed = _items(live, "list_hosted_configuration_versions", **where)
    found = []
    for version in sorted(listed, key=lambda v: v["VersionNumber"]):
        answer = live.client("appconfig").get_hosted_configuration_version(
            **where, VersionNumber=version["VersionNumber"]
        )
        found.append(
            {
                "number": version["VersionNumber"],
                "content_type": answer["ContentType"],
                "label": version.get("VersionLabel"),
                "description": version.get("Description", ""),
                "content": base64.b64encode(answer["Content"].read()).decode(),
            }
        )
    return found


def _live_content(profile: Mapping[str, Any]) -> str | None:
    return next(
        (v["content"] for v in profile["versions"] if v["number"] == profile["live_version"]), None
    )


def lost(live: Live, blueprint: Blueprint, saved: Sequence[Mapping[str, Any]]) -> Iterator[Action]:
    """What of a backup the environment does not have."""
    now = {(p["application"], p["profile"]): p for p in read(live, blueprint)}
    for profile in saved:
        subject = f"{profile['application']}/{profile['profile']}"
        there = now.get((profile["application"], profile["profile"]))
        if there is None:
            what = "The program makes profiles: run `totara up`, then this again."
            yield Action(STORE, subject, Way.BY_HAND, what)
            continue
        known = {v["content"] for v in there["versions"]}
        for version in profile["versions"]:
            if version["content"] not in known:
                known.add(version["content"])
                yield Action(
                    STORE,
                    f"{subject} version {version['number']}",
                    Way.RESTORE,
                    "Stored again, under a new number.",
                    partial(_add, live, profile, version),
                    _queue(profile),
                )
        wanted, is_live = _live_content(profile), _live_content(there)
        if wanted is None or wanted == is_live:
            continue
        if is_live is not None and is_live not in {v["content"] for v in profile["versions"]}:
            # Rolled back, it would be as if the change since had never been made.
            what = "A version is live that came after the backup, which stays."
            yield Action(STORE, f"{subject} live version", Way.KEEP, what)
        else:
            yield Action(
                STORE,
                f"{subject} live version",
                Way.RESTORE,
                f"Version {profile['live_version']} of the backup is rolled out again.",
                partial(_roll_out, live, blueprint, profile, wanted),
                _queue(profile),
            )


def _queue(profile: Mapping[str, Any]) -> str:
    """An application rolls out one thing at a time."""
    return f"{STORE} {profile['application']}"


def _place(live: Live, profile: Mapping[str, Any]) -> dict[str, str]:
    applications = {a["Name"]: a["Id"] for a in _items(live, "list_applications")}
    application = applications[profile["application"]]
    profiles = _items(live, "list_configuration_profiles", ApplicationId=application)
    named = {p["Name"]: p["Id"] for p in profiles}
    return {"ApplicationId": application, "ConfigurationProfileId": named[profile["profile"]]}


def _add(live: Live, profile: Mapping[str, Any], version: Mapping[str, Any]) -> None:
    request = {
        **_place(live, profile),
        "Content": base64.b64decode(version["content"]),
        "ContentType": version["content_type"],
        "Description": version["description"] or f"Version {version['number']} before a restore.",
    }
    if version["label"]:
        request["VersionLabel"] = version["label"]
    live.client("appconfig").create_hosted_configuration_version(**request)


def _roll_out(live: Live, blueprint: Blueprint, profile: Mapping[str, Any], content: str) -> None:
    place = _place(live, profile)
    versions = _versions(live, place["ApplicationId"], place["ConfigurationProfileId"])
    number = max(v["number"] for v in versions if v["content"] == content)
    environments = _items(live, "list_environments", ApplicationId=place["ApplicationId"])
    where = {
        "ApplicationId": place["ApplicationId"],
        "EnvironmentId": {e["Name"]: e["Id"] for e in environments}[blueprint.scope.env],
    }
    ids = (where["ApplicationId"], where["EnvironmentId"])
    # A restore that was killed leaves its roll-out running; an update may have one too.
    while (begun := running(live, *ids)) is not None:
        ended = wait_until_ended(live, *ids, begun["DeploymentNumber"])
        same = ended["ConfigurationProfileId"] == place["ConfigurationProfileId"]
        if same and (ended["ConfigurationVersion"], ended["State"]) == (str(number), "COMPLETE"):
            return
    strategy = next(r for r in blueprint.resources.values() if r.shape == "DeploymentStrategy")
    strategies = {s["Name"]: s["Id"] for s in _items(live, "list_deployment_strategies")}
    begun = live.client("appconfig").start_deployment(
        **place,
        EnvironmentId=where["EnvironmentId"],
        DeploymentStrategyId=strategies[strategy.properties["name"]],
        ConfigurationVersion=str(number),
        Description="What was live when the backup was taken.",
    )
    wait_until_complete(live, *ids, begun["DeploymentNumber"])
