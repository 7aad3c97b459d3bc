"""What all of AppConfig's types share: ARNs, tags, and how an answer becomes inputs."""

from __future__ import annotations

from typing import Any

from totara_infra.local.provider.resource import Aws, Live, change_tags
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"


def appconfig_arn(aws: Aws, path: str) -> str:
    """Return an ARN of AppConfig."""
    return aws.arn("appconfig", path)


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    """Return the tags of a thing."""
    answer = aws.client("appconfig").list_tags_for_resource(ResourceArn=arn)
    return dict(answer.get("Tags") or {})


def retag(aws: Aws, arn: str, new: Properties, old: Properties) -> None:
    """Bring the tags of a thing from those of `old` to those of `new`."""
    client = aws.client("appconfig")
    change_tags(
        new,
        old,
        lambda tags: client.tag_resource(ResourceArn=arn, Tags=tags),
        # MiniStack removes one key of a request only.
        lambda keys: [client.untag_resource(ResourceArn=arn, TagKeys=[key]) for key in keys],
    )


def live_with_tags(aws: Aws, token: str, answer: Any, arn: str | None, outputs: Properties) -> Live:
    """Return a thing from an answer; one with an ARN carries tags."""
    inputs = from_api(answer, schemas()[token].inputs, {"tags": ""})
    if arn is None:
        return Live(inputs, outputs)
    return Live(inputs | {"tags": tags_of(aws, arn)}, {"arn": arn, **outputs})


def not_in_update(operation: str, names: str) -> dict[str, str]:
    """Return replacements for `names`, which `operation` does not take."""
    return {
        name: f"appconfig {operation} takes no {name[:1].upper() + name[1:]}"
        for name in names.split()
    }
