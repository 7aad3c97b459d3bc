"""Which thing in AWS each resource of a blueprint is, and the id by which the engine knows it.

The readers of drift find things by name, tag or alias; here each gets the id that the AWS plugin
gives it, so that a state can be made without the one that was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from totara_infra.blueprint import Blueprint, PlannedResource
from totara_infra.model.problems import UsageError
from totara_infra.operations.drift.detection import read_things, reading_of
from totara_infra.operations.drift.keys import KEY
from totara_infra.operations.drift.reading import Thing, key_of
from totara_infra.operations.drift.report import NotRead
from totara_infra.operations.drift.table import READERS
from totara_infra.operations.live import Live

IDENTIFIERS: Mapping[str, str] = {
    "aws:appconfig/application:Application": "{id}",
    "aws:appconfig/configurationProfile:ConfigurationProfile": "{id}:{application_id}",
    "aws:appconfig/deployment:Deployment": "{application_id}/{environment_id}/{deployment_number}",
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": "{id}",
    "aws:appconfig/environment:Environment": "{id}:{application_id}",
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion": (
        "{application_id}/{configuration_profile_id}/{version_number}"
    ),
    "aws:backup/plan:Plan": "{id}",
    "aws:backup/selection:Selection": "{id}",
    "aws:backup/vault:Vault": "{name}",
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "{backup_vault_name}",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "{alarm_name}",
    "aws:cloudwatch/eventArchive:EventArchive": "{name}",
    "aws:cloudwatch/eventBus:EventBus": "{name}",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "{event_bus_name}",
    "aws:cloudwatch/logGroup:LogGroup": "{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "{name}",
    "aws:cognito/resourceServer:ResourceServer": "{user_pool_id}|{identifier}",
    "aws:cognito/userGroup:UserGroup": "{user_pool_id}/{name}",
    "aws:cognito/userPool:UserPool": "{id}",
    "aws:cognito/userPoolClient:UserPoolClient": "{id}",
    "aws:iam/policy:Policy": "{arn}",
    "aws:iam/role:Role": "{name}",
    "aws:iam/rolePolicy:RolePolicy": "{role}:{name}",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "{role}/{policy_arn}",
    "aws:kms/alias:Alias": "{name}",
    "aws:kms/key:Key": "{id}",
    "aws:lambda/function:Function": "{name}",
    "aws:lambda/permission:Permission": "{statement_id}",
    "aws:s3/bucket:Bucket": "{bucket}",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "{bucket}",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": "{bucket}",
    "aws:s3/bucketPolicy:BucketPolicy": "{bucket}",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "{bucket}",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "{bucket}"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "{bucket}",
    "aws:secretsmanager/secret:Secret": "{arn}",
    "aws:sns/topic:Topic": "{arn}",
    "aws:sns/topicPolicy:TopicPolicy": "{arn}",
    "aws:sns/topicSubscription:TopicSubscription": "{arn}",
    "aws:sqs/queue:Queue": "{url}",
    "aws:sqs/queuePolicy:QueuePolicy": "{queue_url}",
    "aws:ssm/parameter:Parameter": "{name}",
}
"""Type token -> the plugin's id of a resource, made of what its reader reads.

Source: the pages of the resource types in the provider's reference, section "Import" and output
`id`. Where the two differ (a client or a permission is imported by `POOL/CLIENT` or
`FUNCTION/STATEMENT`), this is the output: the state holds it.
"""


_SHOWN = 3
"""Names that are shown of what belongs to a thing."""


@dataclass(frozen=True)
class Match:
    """A planned resource that is live.

    Attributes:
        resource: of the blueprint.
        identifier: the plugin's id of it.
        thing: what its reader found.
    """

    resource: PlannedResource
    identifier: str
    thing: Thing


@dataclass(frozen=True)
class Ambiguity:
    """A planned resource for which there are several things in AWS.

    Attributes:
        resource: of the blueprint.
        candidates: ids of the things -> what tells them apart.
    """

    resource: PlannedResource
    candidates: Mapping[str, str]

    def sentence(self) -> str:
        """Both named, and how to choose."""
        each = "\n".join(f"    {i}  {told}".rstrip() for i, told in self.candidates.items())
        return (
            f"{self.resource.name}: there are {len(self.candidates)} in AWS\n{each}\n"
            f"  Choose the one that is in use: --take {self.resource.name}=ID. The other one stays "
            "in AWS; `totara drift` names it as unexpected until it is removed."
        )


@dataclass(frozen=True)
class LiveResources:
    """What of a blueprint is live.

    Attributes:
        found: by logical name.
        absent: logical names of what is not there.
        ambiguous: what is there more than once.
        not_read: types that could not be read, with the reason: nothing can be said of them.
    """

    found: Mapping[str, Match]
    absent: tuple[str, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    not_read: tuple[NotRead, ...] = ()

    @property
    def things(self) -> dict[str, Thing]:
        """Logical name -> what is live."""
        return {name: match.thing for name, match in self.found.items()}


def find_live(
    live: Live, blueprint: Blueprint, take: Mapping[str, str] | None = None
) -> LiveResources:
    """Find every resource of a blueprint in AWS. Reads only.

    Args:
        live: the environment.
        blueprint: what must be there.
        take: logical name -> id of the thing to take where there are several.

    Raises:
        UsageError: a choice for something of which there are not several, or not this one.
    """
    if unknown := sorted(set(take or {}) - set(blueprint.resources)):
        raise UsageError(
            f"--take: the blueprint has no resource {', '.join(unknown)}. The names are those in "
            "the message about several of a kind."
        )
    passed_over: frozenset[str] = frozenset()
    open_choices = dict(take or {})
    # What belongs to a pool or an application is looked for once it is known which one it is.
    while True:
        _, result = _look(live, blueprint, passed_over)
        decided = [a for a in result.ambiguous if a.resource.name in open_choices]
        if not decided:
            break
        for ambiguity in decided:
            chosen = open_choices.pop(ambiguity.resource.name)
            if chosen not in ambiguity.candidates:
                told = f"--take: none of them has the id {chosen}."
                raise UsageError(f"{told}\n{ambiguity.sentence()}")
            passed_over |= set(ambiguity.candidates) - {chosen}
    if open_choices:
        raise UsageError(
            f"--take: there are not several of {', '.join(sorted(open_choices))} in AWS, so there "
            "is nothing to choose. Leave it out."
        )
    described = tuple(_told_apart(a, live, blueprint, passed_over) for a in result.ambiguous)
    return replace(result, ambiguous=described)


def _look(
    live: Live, blueprint: Blueprint, passed_over: frozenset[str]
) -> tuple[dict[str, list[Thing]], LiveResources]:
    """What is live, by type, and which of it each planned resource is."""
    tokens = sorted({resource.type for resource in blueprint.resources.values()})
    with reading_of(live, blueprint, passed_over) as reading:
        things, not_read = read_things(reading, READERS, tokens)
    by_key = {token: _by_key(found) for token, found in things.items()}
    found: dict[str, Match] = {}
    absent: list[str] = []
    ambiguous: list[Ambiguity] = []
    for name, resource in blueprint.resources.items():
        if resource.type not in things:
            continue
        key = key_of(resource, blueprint, READERS)
        candidates = _candidates(resource, by_key[resource.type], key)
        if len(candidates) > 1:
            ids = [str(c.attributes["id"]) for c in candidates]
            ambiguous.append(Ambiguity(resource, dict.fromkeys(ids, "")))
        identifier = _identifier(resource.type, candidates[0]) if candidates else None
        if identifier is None:
            absent.append(name)
        else:
            found[name] = Match(resource, identifier, candidates[0])
    return things, LiveResources(found, tuple(absent), tuple(ambiguous), tuple(not_read))


def _by_key(things: list[Thing]) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for thing in things:
        found.setdefault(thing.key, []).append(thing)
        # The reader of keys chooses one of a description and shows the others by their ids.
        description = thing.properties.get("description")
        if "key_id" in thing.attributes and description not in (None, thing.key):
            found.setdefault(str(description), []).append(thing)
    return found


def _candidates(
    resource: PlannedResource, by_key: Mapping[str, list[Thing]], key: str
) -> list[Thing]:
    found = by_key.get(key, [])
    if resource.type == KEY:
        # A key on its way out can't be told to stay by a state.
        found = [t for t in found if not str(t.properties.get("state")).startswith("Pending")]
    return found


def _identifier(token: str, thing: Thing) -> str | None:
    """The plugin's id of a thing, or None where the thing was begun but is not complete."""
    facts: dict[str, Any] = {**thing.properties, **thing.attributes}
    try:
        return IDENTIFIERS[token].format_map(facts)
    except KeyError:
        # A configuration of which no roll-out was ever completed has no number.
        return None


def _told_apart(
    ambiguity: Ambiguity, live: Live, blueprint: Blueprint, passed_over: frozenset[str]
) -> Ambiguity:
    """An ambiguity with what belongs to each of the things: the one in use has more."""
    told = {}
    for identifier in ambiguity.candidates:
        # Readers look into one pool or application of a name, so each is looked at by itself.
        others = frozenset(ambiguity.candidates) - {identifier}
        things, _ = _look(live, blueprint, passed_over | others)
        parts = sorted(
            part.key
            for found in things.values()
            for part in found
            if identifier != part.attributes.get("id") and identifier in part.properties.values()
        )
        more = f" and {len(parts) - _SHOWN} more" if len(parts) > _SHOWN else ""
        told[identifier] = (
            f"used by {', '.join(parts[:_SHOWN])}{more}" if parts else "nothing belongs to it"
        )
    return replace(ambiguity, candidates=told)
