"""AppConfig: applications, environments, profiles, their versions and roll-outs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.app_config import deployment_parameter
from totara_infra.operations.drift import parameters
from totara_infra.operations.drift.meaning import canonical
from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    chosen,
    own_tags,
    snaked,
    unless_gone,
    words,
)

APPLICATION = "aws:appconfig/application:Application"
ENVIRONMENT = "aws:appconfig/environment:Environment"
PROFILE = "aws:appconfig/configurationProfile:ConfigurationProfile"
VERSION = "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion"
DEPLOYMENT = "aws:appconfig/deployment:Deployment"
STRATEGY = "aws:appconfig/deploymentStrategy:DeploymentStrategy"
_GONE = "ResourceNotFoundException"
_STRATEGY = words(
    "name description growth_type growth_factor deployment_duration_in_minutes"
    " final_bake_time_in_minutes replicate_to tags"
)


@dataclass(frozen=True)
class _Profile:
    application: str
    application_id: str
    name: str
    id: str

    @property
    def key(self) -> str:
        return f"{self.application}/{self.name}"


@dataclass(frozen=True)
class Version:
    """A hosted version of a profile.

    Attributes:
        number: as AppConfig counts.
        planned: whether it is the newest one with the content of the blueprint.
        content: JSON.
    """

    number: int
    content: str
    content_type: str
    planned: bool


def _listed(reading: Reading, call: str, **request: Any) -> list[dict[str, Any]]:
    paging = reading.client("appconfig").get_paginator(call)
    items = [item for page in paging.paginate(**request) for item in page["Items"]]
    return [item for item in items if item.get("Id") not in reading.passed_over]


def _arn(reading: Reading, resource: str) -> str:
    return reading.blueprint.scope.arn("appconfig", resource)


def _tags(reading: Reading, resource: str) -> dict[str, str]:
    answer = unless_gone(
        reading.client("appconfig").list_tags_for_resource,
        _GONE,
        ResourceArn=_arn(reading, resource),
    )
    return own_tags((answer or {}).get("Tags"))


def _applications(reading: Reading) -> list[dict[str, Any]]:
    """Applications, of two with a name first the one that has profiles."""

    def read() -> list[dict[str, Any]]:
        found = _listed(reading, "list_applications")
        twice = [a for a in found if [b["Name"] for b in found].count(a["Name"]) > 1]
        filled = {
            a["Id"]: len(_listed(reading, "list_configuration_profiles", ApplicationId=a["Id"]))
            for a in twice
        }
        return sorted(found, key=lambda a: -filled.get(a["Id"], 0))

    return reading.once("appconfig-applications", read)


def _ours(reading: Reading) -> list[dict[str, Any]]:
    """The application behind each planned name."""
    found: dict[str, dict[str, Any]] = {}
    for application in _applications(reading):
        if application["Name"] in reading.planned(APPLICATION):
            found.setdefault(application["Name"], application)
    return list(found.values())


def _environments(reading: Reading) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Application and environment, for every environment of the planned applications."""

    def read() -> list[tuple[dict[str, Any], dict[str, Any]]]:
        ours = _ours(reading)
        answers = reading.each(
            lambda a: _listed(reading, "list_environments", ApplicationId=a["Id"]), ours
        )
        return [(a, e) for a, found in zip(ours, answers, strict=True) for e in found]

    return reading.once("appconfig-environments", read)


def _profiles(reading: Reading) -> list[_Profile]:
    def read() -> list[_Profile]:
        ours = _ours(reading)
        answers = reading.each(
            lambda a: _listed(reading, "list_configuration_profiles", ApplicationId=a["Id"]), ours
        )
        return [
            _Profile(a["Name"], a["Id"], p["Name"], p["Id"])
            for a, found in zip(ours, answers, strict=True)
            for p in found
        ]

    return reading.once("appconfig-profiles", read)


def versions(reading: Reading) -> dict[str, list[Version]]:
    """Profile's key -> its versions from the newest back to the one of the blueprint."""

    def read(profile: _Profile) -> list[Version]:
        planned = reading.planned(VERSION).get(profile.key)
        wanted = canonical(planned.properties["content"]) if planned else None
        place = {
            "ApplicationId": profile.application_id,
            "ConfigurationProfileId": profile.id,
        }
        listed = _listed(reading, "list_hosted_configuration_versions", **place)
        found: list[Version] = []
        for entry in sorted(listed, key=lambda v: -v["VersionNumber"]):
            answer = reading.client("appconfig").get_hosted_configuration_version(
                **place, VersionNumber=entry["VersionNumber"]
            )
            content = answer["Content"].read().decode()
            same = canonical(content) == wanted
            found.append(
                Version(entry["VersionNumber"], content, answer.get("ContentType", ""), same)
            )
            if same:
                return found
        # None has the content: then the newest one is what there is instead.
        return found[:1]

    def read_all() -> dict[str, list[Version]]:
        profiles = _profiles(reading)
        return dict(zip((p.key for p in profiles), reading.each(read, profiles), strict=True))

    return reading.once("appconfig-versions", read_all)


def _read_applications(reading: Reading) -> Iterator[Thing]:
    found = _applications(reading)
    tags = reading.each(lambda a: _tags(reading, f"application/{a['Id']}"), found)
    for application, carried in zip(found, tags, strict=True):
        name, identifier = application["Name"], application["Id"]
        same = (
            "it has the name of an application of ours"
            if name in reading.planned(APPLICATION)
            else reading.tagged(carried)
        )
        yield Thing(
            name,
            {"name": name, "description": application.get("Description"), "tags": carried},
            {"id": identifier, "name": name, "arn": _arn(reading, f"application/{identifier}")},
            same,
        )


def _read_environments(reading: Reading) -> Iterator[Thing]:
    found = _environments(reading)
    tags = reading.each(
        lambda pair: _tags(reading, f"application/{pair[0]['Id']}/environment/{pair[1]['Id']}"),
        found,
    )
    for (application, environment), carried in zip(found, tags, strict=True):
        yield Thing(
            f"{application['Name']}/{environment['Name']}",
            {
                "application_id": application["Id"],
                "name": environment["Name"],
                "description": environment.get("Description"),
                "monitors": snaked(environment.get("Monitors") or []),
                "tags": carried,
            },
            {"id": environment["Id"], "environment_id": environment["Id"]},
            f"it belongs to the application {application['Name']}",
        )


def _read_profiles(reading: Reading) -> Iterator[Thing]:
    client = reading.client("appconfig")

    def read(profile: _Profile) -> Thing | None:
        answer = unless_gone(
            client.get_configuration_profile,
            _GONE,
            ApplicationId=profile.application_id,
            ConfigurationProfileId=profile.id,
        )
        if answer is None:
            return None
        place = f"application/{profile.application_id}/configurationprofile/{profile.id}"
        return Thing(
            profile.key,
            {
                "application_id": profile.application_id,
                "name": answer["Name"],
                "description": answer.get("Description"),
                "location_uri": answer["LocationUri"],
                "type": answer.get("Type"),
                "retrieval_role_arn": answer.get("RetrievalRoleArn"),
                "validators": snaked(answer.get("Validators") or []),
                "tags": _tags(reading, place),
            },
            {"id": profile.id, "configuration_profile_id": profile.id},
            f"it belongs to the application {profile.application}",
        )

    yield from (t for t in reading.each(read, _profiles(reading)) if t is not None)


def _read_versions(reading: Reading) -> Iterator[Thing]:
    found = versions(reading)
    for profile in _profiles(reading):
        if not found[profile.key]:
            continue
        *newer, last = found[profile.key]
        yield _version(profile, last, profile.key)
        for version in newer:
            # The blueprint's content is there, and somebody has put other content on top.
            yield _version(profile, version, f"{profile.key}/{version.number}")


def _version(profile: _Profile, version: Version, key: str) -> Thing:
    return Thing(
        key,
        {
            "application_id": profile.application_id,
            "configuration_profile_id": profile.id,
            "content": version.content,
            "content_type": version.content_type,
        },
        {"version_number": version.number},
        f"it is newer than the version that this program made of {profile.key}",
    )


def _read_deployments(reading: Reading) -> Iterator[Thing]:
    client, found = reading.client("appconfig"), versions(reading)
    profiles = {(p.application, p.name): p for p in _profiles(reading)}
    ours = [(a, e) for a, e in _environments(reading) if e["Name"] == reading.env]
    recorded = _recorded(reading)

    def read(pair: tuple[dict[str, Any], dict[str, Any]]) -> list[Thing]:
        application, environment = pair
        place = {"ApplicationId": application["Id"], "EnvironmentId": environment["Id"]}
        listed = sorted(
            _listed(reading, "list_deployments", **place), key=lambda d: -d["DeploymentNumber"]
        )
        things = []
        for name in {d["ConfigurationName"] for d in listed}:
            profile = profiles.get((application["Name"], name))
            if profile is None:
                continue
            of_profile = [d for d in listed if d["ConfigurationName"] == name]
            number = of_profile[0]["DeploymentNumber"]
            answer = client.get_deployment(**place, DeploymentNumber=number)
            resource = (
                f"application/{application['Id']}/environment/{environment['Id']}"
                f"/deployment/{number}"
            )
            # What the program started, which is not the newest where somebody started another.
            planned = {str(v.number) for v in found[profile.key] if v.planned}
            started = [
                d["DeploymentNumber"]
                for d in of_profile
                if d["ConfigurationVersion"] in planned and d["State"] == "COMPLETE"
            ]
            completed = recorded.get(f"{application['Id']}/{environment['Id']}/{name}")
            right = completed if completed in started else next(iter(started), None)
            numbers = {"deployment_number": right} if right is not None else {}
            things.append(
                Thing(
                    profile.key,
                    {
                        "application_id": application["Id"],
                        "environment_id": environment["Id"],
                        "configuration_profile_id": profile.id,
                        "configuration_version": str(answer["ConfigurationVersion"]),
                        "deployment_strategy_id": answer["DeploymentStrategyId"],
                        "state": answer["State"],
                        "tags": _tags(reading, resource),
                    },
                    {**numbers, "state": answer["State"]},
                )
            )
        return things

    for things in reading.each(read, ours):
        yield from things


def _recorded(reading: Reading) -> dict[str, int]:
    """`APPLICATION_ID/ENVIRONMENT_ID/PROFILE` -> number of the roll-out that the program awaited.

    The same version can be rolled out many times; the parameter that waits says which one counts.
    """
    values, found = parameters.values(reading), {}
    for profile in _profiles(reading):
        path = deployment_parameter(reading.env, profile.application, profile.name)
        place, _, number = values.get(path, {}).get("Value", "").rpartition("/")
        if number.isdigit():
            found[f"{place}/{profile.name}"] = int(number)
    return found


def _read_strategies(reading: Reading) -> Iterator[Thing]:
    found = [
        s
        for s in _listed(reading, "list_deployment_strategies")
        if not s["Id"].startswith("AppConfig.")
    ]
    tags = reading.each(lambda s: _tags(reading, f"deploymentstrategy/{s['Id']}"), found)
    for strategy, carried in zip(found, tags, strict=True):
        name = strategy["Name"]
        same = name in reading.planned(STRATEGY)
        yield Thing(
            name,
            {**chosen(strategy, _STRATEGY), "tags": carried},
            {"id": strategy["Id"], "name": name},
            "it has the name of a strategy of ours" if same else reading.tagged(carried),
        )


_ROLL_OUT_ADVICE = (
    "A refresh does not show another roll-out, as each has a number of its own. Roll the declared "
    "version out again: `pulumi up -s {stack} --replace '**::{name}'`"
)

READERS = (
    TypeReader(APPLICATION, _read_applications, words("name description tags")),
    TypeReader(
        ENVIRONMENT,
        _read_environments,
        words("application_id name description monitors tags"),
        key=("application_id", "name"),
        keyed={"monitors": "alarm_arn"},
    ),
    TypeReader(
        PROFILE,
        _read_profiles,
        words(
            "application_id name description location_uri type retrieval_role_arn validators tags"
        ),
        key=("application_id", "name"),
        assumed={"type": "AWS.Freeform"},
    ),
    TypeReader(
        VERSION,
        _read_versions,
        words("application_id configuration_profile_id content content_type"),
        key=("configuration_profile_id",),
        documents=words("content"),
        advice="A version never changes: a new one with the declared content is made by "
        "`pulumi up -s {stack} --replace '**::{name}'`",
    ),
    TypeReader(
        DEPLOYMENT,
        _read_deployments,
        words(
            "application_id environment_id configuration_profile_id configuration_version"
            " deployment_strategy_id state tags"
        ),
        key=("configuration_profile_id",),
        assumed={"state": "COMPLETE"},
        advice=_ROLL_OUT_ADVICE,
    ),
    TypeReader(STRATEGY, _read_strategies, _STRATEGY),
)
