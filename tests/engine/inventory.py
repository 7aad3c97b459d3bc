"""What there is in an emulator, by kind, asked of each service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from totara_infra.blueprint import Blueprint
from totara_infra.operations.live import Live
from totara_infra.operations.trail import Write, writes

ONE_THING = ("Parameter", "Secret", "Bucket", "Queue", "LogGroup")
"""Kinds whose names stand for one thing only; a bus, say, has the name of an application."""


def inventory(live: Live) -> dict[str, list[str]]:
    """Kind as the blueprint calls it -> names; a name stands twice where a thing exists twice."""

    def pages(
        service: str, call: str, key: str, field: str, region: str | None = None, **request: object
    ) -> list[str]:
        paginator = live.client(service, region=region).get_paginator(call)
        return [item[field] for page in paginator.paginate(**request) for item in page.get(key, [])]

    def everywhere(service: str, call: str, key: str, field: str) -> list[str]:
        """Of what can be in the recovery region too."""
        places = (live.settings.region, live.settings.disaster_recovery_region)
        return [name for place in places for name in pages(service, call, key, field, place)]

    events = live.client("events")
    states = {
        key: live.client("kms", region=region).describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
        for region in (live.settings.region, live.settings.disaster_recovery_region)
        for key in pages("kms", "list_keys", "Keys", "KeyId", region)
    }
    found = {
        "Parameter": pages("ssm", "describe_parameters", "Parameters", "Name"),
        "Secret": pages(
            "secretsmanager", "list_secrets", "SecretList", "Name", IncludePlannedDeletion=True
        ),
        "Bucket": [bucket["Name"] for bucket in live.client("s3").list_buckets()["Buckets"]],
        "Queue": live.client("sqs").list_queues(MaxResults=1000).get("QueueUrls", []),
        "Topic": pages("sns", "list_topics", "Topics", "TopicArn"),
        "EventBus": [bus["Name"] for bus in events.list_event_buses()["EventBuses"]],
        "EventArchive": [archive["ArchiveName"] for archive in events.list_archives()["Archives"]],
        "Key": [key for key, state in states.items() if state != "PendingDeletion"],
        "Alias": everywhere("kms", "list_aliases", "Aliases", "AliasName"),
        "Vault": everywhere("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName"),
        "Plan": pages("backup", "list_backup_plans", "BackupPlansList", "BackupPlanName"),
        "Role": pages("iam", "list_roles", "Roles", "RoleName"),
        "Policy": pages("iam", "list_policies", "Policies", "PolicyName", Scope="Local"),
        "UserPool": pages("cognito-idp", "list_user_pools", "UserPools", "Name", MaxResults=60),
        "Application": pages("appconfig", "list_applications", "Items", "Name"),
        "DeploymentStrategy": pages("appconfig", "list_deployment_strategies", "Items", "Name"),
        "Function": pages("lambda", "list_functions", "Functions", "FunctionName"),
        "LogGroup": pages("logs", "describe_log_groups", "logGroups", "logGroupName"),
    }
    # What every account has from the start.
    built_in = ("default", "alias/aws/", "AppConfig.")
    return {
        kind: sorted(n for n in names if not n.startswith(built_in))
        for kind, names in found.items()
    }


def counted(things: dict[str, list[str]]) -> dict[str, int]:
    return {kind: len(names) for kind, names in things.items()}


def wanted(blueprint: Blueprint) -> dict[str, int]:
    """How many of each kind of the inventory the blueprint has."""
    shapes = Counter(resource.shape for resource in blueprint.resources.values())
    kinds = (
        "Parameter Secret Bucket Queue Topic EventBus EventArchive Key Alias Role Policy UserPool"
        " Application DeploymentStrategy Function LogGroup Vault Plan"
    )
    return {kind: shapes[kind] for kind in kinds.split()}


def names_of(blueprint: Blueprint, phases: Iterable[int]) -> set[str]:
    """Physical names of what belongs to some phases, as far as they can't be mistaken."""
    chosen = set(phases)
    return {
        name
        for step, resources in blueprint.steps.items()
        if blueprint.phase_of(step) in chosen
        for resource in resources
        if resource.shape in ONE_THING
        and isinstance(
            name := resource.properties.get("name", resource.properties.get("bucket")), str
        )
    }


def changes_since(time: float, live: Live) -> list[Write]:
    """Writes in the record from a time on, seconds since 1970.

    `totara up` reads the configuration that is live, for which AppConfig's data plane opens a
    session: a POST, but no change.
    """
    session = {live.settings.environment.value, "bank-platform", "deployment"}
    return [write for write in writes(live, since=time) if write.texts != session]


def touched(record: Iterable[Write]) -> set[str]:
    """Every name in the requests of some writes, but for what an alarm only watches."""
    return {text for write in record if write.action != "PutMetricAlarm" for text in write.texts}
