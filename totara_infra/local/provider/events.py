"""EventBridge buses, archives, bus policies, rules and targets.

Ids as in Pulumi's plugin (a bus's or archive's name, `BUS/RULE` or `RULE` on the default bus); for
a target it is `BUS/RULE/TARGET`, the form that the plugin imports.

MiniStack ignores `Policy` in PutPermission and stores a statement of its own, with a UUID as its
Sid. The recorded policy then stands on read: there, a policy that was changed elsewhere is not
seen, only one that was removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    from_pairs,
    pairs,
    unless_gone,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"
DEFAULT_BUS = "default"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    return from_pairs(aws.client("events").list_tags_for_resource(ResourceARN=arn).get("Tags"))


def _retag(aws: Aws, arn: str, new: Properties, old: Properties) -> None:
    client = aws.client("events")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceARN=arn, Tags=pairs(tags)),
        lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
    )


# --- bus --------------------------------------------------------------------------------------

BUS = "aws:cloudwatch/eventBus:EventBus"
_BUS_NAMES = words("name description kmsKeyIdentifier deadLetterConfig")


def _create_bus(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("events"), inputs["name"]
    try:
        client.create_event_bus(**to_api(inputs, _BUS_NAMES), Tags=pairs(inputs.get("tagsAll")))
    except client.exceptions.ResourceAlreadyExistsException as error:
        raise AlreadyExists(f"the event bus {name}", name) from error
    return Made(name)


def _read_bus(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("events").describe_event_bus, GONE, Name=identifier)
    if answer is None:
        return None
    shape = {name: schemas()[BUS].inputs[name] for name in _BUS_NAMES}
    return Live(
        from_api(answer, shape) | {"tags": _tags(aws, answer["Arn"])}, {"arn": answer["Arn"]}
    )


def _update_bus(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    # What is not sent to UpdateEventBus is removed.
    aws.client("events").update_event_bus(**to_api({"description": "", **new}, _BUS_NAMES))
    _retag(aws, aws.arn("events", f"event-bus/{identifier}"), new, old)


def _delete_bus(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("events").delete_event_bus, GONE, Name=identifier)


# --- bus policy -------------------------------------------------------------------------------


def _bus_policy(aws: Aws, bus: str) -> str | None:
    answer = unless_gone(aws.client("events").describe_event_bus, GONE, Name=bus)
    return answer.get("Policy") or None if answer else None


def _is_emulators_own(policy: str) -> bool:
    """Say whether this is what MiniStack stores whatever policy it is given."""
    statements = json.loads(policy).get("Statement", [])
    return all(
        _UUID.fullmatch(str(item.get("Sid"))) and item.get("Principal") == "*"
        for item in statements
    )


def _create_bus_policy(aws: Aws, inputs: Properties) -> Made:
    bus = inputs.get("eventBusName", DEFAULT_BUS)
    if _bus_policy(aws, bus) is not None:
        raise AlreadyExists(f"the policy of the event bus {bus}", bus)
    aws.client("events").put_permission(EventBusName=bus, Policy=inputs["policy"])
    return Made(bus)


def _read_bus_policy(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    policy = _bus_policy(aws, identifier)
    if policy is None:
        return None
    if "policy" in recorded.inputs and _is_emulators_own(policy):
        policy = recorded.inputs["policy"]
    return Live({"eventBusName": identifier, "policy": policy})


def _update_bus_policy(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    aws.client("events").put_permission(EventBusName=identifier, Policy=new["policy"])


def _delete_bus_policy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("events")
    unless_gone(client.remove_permission, GONE, EventBusName=identifier, RemoveAllPermissions=True)


# --- archive ----------------------------------------------------------------------------------

ARCHIVE = "aws:cloudwatch/eventArchive:EventArchive"
_ARCHIVE_NAMES = words(
    "name eventSourceArn description eventPattern retentionDays kmsKeyIdentifier"
)
_ARCHIVE_RENAMES = {"name": "ArchiveName"}


def _create_archive(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("events"), inputs["name"]
    try:
        client.create_archive(**to_api(inputs, _ARCHIVE_NAMES, _ARCHIVE_RENAMES))
    except client.exceptions.ResourceAlreadyExistsException as error:
        raise AlreadyExists(f"the archive {name}", name) from error
    return Made(name)


def _read_archive(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("events").describe_archive, GONE, ArchiveName=identifier)
    if answer is None:
        return None
    inputs = from_api(answer, schemas()[ARCHIVE].inputs, _ARCHIVE_RENAMES)
    return Live(inputs, {"arn": answer["ArchiveArn"]})


def _update_archive(aws: Aws, _identifier: str, new: Properties, old: Properties) -> None:
    emptied: Properties = {"description": "", "retentionDays": 0}
    emptied |= {"eventPattern": ""} if "eventPattern" in old else {}
    names = _ARCHIVE_NAMES - {"eventSourceArn"}
    aws.client("events").update_archive(**to_api(emptied | new, names, _ARCHIVE_RENAMES))


def _delete_archive(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("events").delete_archive, GONE, ArchiveName=identifier)


# --- rule -------------------------------------------------------------------------------------

RULE = "aws:cloudwatch/eventRule:EventRule"
_RULE_NAMES = words("name eventBusName eventPattern scheduleExpression description state roleArn")


def _rule_id(inputs: Properties) -> str:
    bus = inputs.get("eventBusName", DEFAULT_BUS)
    return str(inputs["name"]) if bus == DEFAULT_BUS else f"{bus}/{inputs['name']}"


def _rule(identifier: str) -> dict[str, str]:
    bus, _, name = identifier.rpartition("/")
    return {"Name": name, "EventBusName": bus or DEFAULT_BUS}


def _rule_arn(aws: Aws, identifier: str) -> str:
    return aws.arn("events", f"rule/{identifier}")


def _create_rule(aws: Aws, inputs: Properties) -> Made:
    client, identifier = aws.client("events"), _rule_id(inputs)
    # PutRule overwrites without a word.
    if unless_gone(client.describe_rule, GONE, **_rule(identifier)) is not None:
        raise AlreadyExists(f"the rule {identifier}", identifier)
    client.put_rule(**to_api(inputs, _RULE_NAMES), Tags=pairs(inputs.get("tagsAll")))
    return Made(identifier)


def _read_rule(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("events").describe_rule, GONE, **_rule(identifier))
    if answer is None:
        return None
    shape = {name: schemas()[RULE].inputs[name] for name in _RULE_NAMES}
    inputs = from_api({"EventBusName": DEFAULT_BUS, **answer}, shape)
    return Live(inputs | {"tags": _tags(aws, answer["Arn"])}, {"arn": answer["Arn"]})


def _update_rule(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    aws.client("events").put_rule(
        **to_api({"description": "", "state": "ENABLED", **new}, _RULE_NAMES)
    )
    _retag(aws, _rule_arn(aws, identifier), new, old)


def _delete_rule(aws: Aws, identifier: str, recorded: Recorded) -> None:
    client = aws.client("events")
    force = bool(recorded.inputs.get("forceDestroy"))
    unless_gone(client.delete_rule, GONE, **_rule(identifier), Force=force)


def _verify_rule(inputs: Properties) -> Iterator[tuple[str, str]]:
    if not {"eventPattern", "scheduleExpression"} & set(inputs):
        yield "eventPattern", "give eventPattern or scheduleExpression"


# --- target -----------------------------------------------------------------------------------

TARGET = "aws:cloudwatch/eventTarget:EventTarget"
_TARGET_NAMES = words(
    "targetId arn roleArn input inputPath inputTransformer deadLetterConfig retryPolicy sqsTarget"
)
_TARGET_RENAMES = {
    "targetId": "Id",
    "inputPaths": "InputPathsMap",
    "sqsTarget": "SqsParameters",
    "maximumEventAgeInSeconds": "MaximumEventAgeInSeconds",
}


def _target(identifier: str) -> tuple[dict[str, str], str]:
    # A rule's name has no slash; a partner bus's name does.
    path, _, target = identifier.rpartition("/")
    bus, _, rule = path.rpartition("/")
    return {"Rule": rule, "EventBusName": bus or DEFAULT_BUS}, target


def _find_target(aws: Aws, identifier: str) -> dict[str, Any] | None:
    where, target = _target(identifier)
    request, client = dict(where), aws.client("events")
    while True:
        answer = unless_gone(client.list_targets_by_rule, GONE, **request) or {}
        for found in answer.get("Targets", []):
            if found["Id"] == target:
                return dict(found)
        if not answer.get("NextToken"):
            return None
        request["NextToken"] = answer["NextToken"]


def _put_target(aws: Aws, identifier: str, inputs: Properties) -> None:
    where, _ = _target(identifier)
    request = to_api(inputs, _TARGET_NAMES, _TARGET_RENAMES)
    if paths := inputs.get("inputTransformer", {}).get("inputPaths"):
        # Free keys: the general conversion has given them capitals.
        request["InputTransformer"]["InputPathsMap"] = paths
    aws.client("events").put_targets(**where, Targets=[request])


def _create_target(aws: Aws, inputs: Properties) -> Made:
    bus = inputs.get("eventBusName", DEFAULT_BUS)
    identifier = f"{bus}/{inputs['rule']}/{inputs['targetId']}"
    if _find_target(aws, identifier) is not None:
        raise AlreadyExists(f"the target {identifier}", identifier)
    _put_target(aws, identifier, inputs)
    return Made(identifier)


def _read_target(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    found = _find_target(aws, identifier)
    if found is None:
        return None
    where, _ = _target(identifier)
    shape = {name: schemas()[TARGET].inputs[name] for name in _TARGET_NAMES}
    inputs = from_api(found, shape, _TARGET_RENAMES)
    return Live(inputs | {"rule": where["Rule"], "eventBusName": where["EventBusName"]})


def _update_target(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    _put_target(aws, identifier, new)


def _delete_target(aws: Aws, identifier: str, recorded: Recorded) -> None:
    where, target = _target(identifier)
    client = aws.client("events")
    force = bool(recorded.inputs.get("forceDestroy"))
    unless_gone(client.remove_targets, GONE, **where, Ids=[target], Force=force)


TYPES = (
    ResourceType(
        token=BUS,
        serves=_BUS_NAMES | {"tags"},
        create=_create_bus,
        read=_read_bus,
        update=_update_bus,
        delete=_delete_bus,
        replaces={"name": "events DeleteEventBus identifies by Name"},
        name="name",
        unique=("name",),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": aws.arn("events", f"event-bus/{inputs['name']}")},
    ),
    ResourceType(
        token="aws:cloudwatch/eventBusPolicy:EventBusPolicy",
        serves=words("eventBusName policy"),
        create=_create_bus_policy,
        read=_read_bus_policy,
        update=_update_bus_policy,
        delete=_delete_bus_policy,
        replaces={
            "eventBusName": "https://docs.aws.amazon.com/eventbridge/latest/APIReference/"
            "API_PutPermission.html: a policy is of one bus"
        },
        defaults={"eventBusName": DEFAULT_BUS},
        policies=words("policy"),
        unique=("eventBusName",),
    ),
    ResourceType(
        token=ARCHIVE,
        serves=_ARCHIVE_NAMES,
        create=_create_archive,
        read=_read_archive,
        update=_update_archive,
        delete=_delete_archive,
        replaces={
            "name": "events UpdateArchive identifies by ArchiveName",
            "eventSourceArn": "events UpdateArchive takes no EventSourceArn",
        },
        defaults={"retentionDays": 0},
        json_values=words("eventPattern"),
        name="name",
        unique=("name",),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": aws.arn("events", f"archive/{inputs['name']}")},
    ),
    ResourceType(
        token=RULE,
        serves=_RULE_NAMES | words("namePrefix forceDestroy tags"),
        create=_create_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
        verify=_verify_rule,
        replaces={
            "name": "events PutRule identifies by Name",
            "namePrefix": "events PutRule identifies by Name",
            "eventBusName": "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html:"
            " a rule belongs to one bus",
        },
        defaults={"eventBusName": DEFAULT_BUS, "state": "ENABLED", "forceDestroy": False},
        unreadable=words("forceDestroy namePrefix"),
        json_values=words("eventPattern"),
        name="name",
        unique=("eventBusName", "name"),
        outputs=("arn",),
        predict=lambda aws, inputs: {"arn": _rule_arn(aws, _rule_id(inputs))},
    ),
    ResourceType(
        token=TARGET,
        serves=_TARGET_NAMES | words("rule eventBusName forceDestroy"),
        create=_create_target,
        read=_read_target,
        update=_update_target,
        delete=_delete_target,
        replaces={
            "rule": "events PutTargets identifies by Rule",
            "targetId": "events RemoveTargets identifies by Ids",
            "eventBusName": "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets"
            ".html: a target belongs to a rule of one bus",
        },
        defaults={"eventBusName": DEFAULT_BUS, "forceDestroy": False},
        unreadable=words("forceDestroy"),
        json_values=words("input"),
        name="targetId",
        unique=("eventBusName", "rule", "targetId"),
    ),
)
