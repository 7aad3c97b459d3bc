"""SSM parameters.

A parameter that was changed elsewhere shows under the property that the program used (`value` or
`insecureValue`); an imported one has `value`, as with Pulumi's own plugin.
"""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.local.provider.errors import AlreadyExists
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    change_tags,
    differ,
    from_pairs,
    pairs,
    unless_gone,
    words,
)
from totara_infra.local.provider.shapes import to_api
from totara_infra.local.provider.values import Properties

_MEMBERS = ("name", "type", "tier", "description", "allowedPattern", "dataType", "keyId")


def _request(inputs: Properties) -> Properties:
    value = inputs.get("insecureValue", inputs.get("value"))
    return {**to_api(inputs, _MEMBERS), "Value": value}


def _arn(aws: Aws, name: str) -> str:
    # A hierarchy's leading slash is the separator of the ARN.
    return aws.arn("ssm", f"parameter/{name.lstrip('/')}")


def _create(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("ssm"), inputs["name"]
    request = _request(inputs)
    if inputs.get("overwrite"):
        # The program asks in so many words to take over what is there. Tags can't go with it.
        answer = client.put_parameter(**request, Overwrite=True)
        _add_tags(aws, name, inputs.get("tagsAll") or {})
    else:
        try:
            answer = client.put_parameter(**request, Tags=pairs(inputs.get("tagsAll")))
        except client.exceptions.ParameterAlreadyExists as error:
            raise AlreadyExists(f"the parameter {name}", name) from error
    outputs = {
        "arn": _arn(aws, name),
        "version": answer["Version"],
        "tier": answer.get("Tier", "Standard"),
        "dataType": inputs.get("dataType", "text"),
    }
    return Made(name, outputs)


def _add_tags(aws: Aws, name: str, tags: dict[str, str]) -> None:
    if tags:
        aws.client("ssm").add_tags_to_resource(
            ResourceType="Parameter", ResourceId=name, Tags=pairs(tags)
        )


def _read(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    client = aws.client("ssm")
    answer = unless_gone(
        client.get_parameter, "ParameterNotFound", Name=identifier, WithDecryption=True
    )
    if answer is None:
        return None
    parameter = answer["Parameter"]
    chosen = [{"Key": "Name", "Option": "Equals", "Values": [identifier]}]
    described = client.describe_parameters(ParameterFilters=chosen)["Parameters"]
    about = described[0] if described else {}
    tags = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=identifier)
    under = "insecureValue" if "insecureValue" in recorded.inputs else "value"
    inputs = {
        "name": parameter["Name"],
        "type": parameter["Type"],
        under: parameter["Value"],
        "dataType": parameter.get("DataType"),
        "tier": about.get("Tier"),
        "description": about.get("Description"),
        "allowedPattern": about.get("AllowedPattern"),
        "keyId": about.get("KeyId"),
        "tags": from_pairs(tags.get("TagList")),
    }
    outputs = {
        "arn": parameter.get("ARN") or _arn(aws, identifier),
        "version": parameter["Version"],
    }
    return Live({k: v for k, v in inputs.items() if v not in (None, "")}, outputs)


def _update(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("ssm")
    if differ(new, old, *_MEMBERS, "value", "insecureValue"):
        # Members that are not sent keep their value: an emptied one must be sent empty.
        emptied = {n: "" for n in ("description", "allowedPattern") if n in old and n not in new}
        client.put_parameter(**_request(new | emptied), Overwrite=True)
    change_tags(
        new,
        old,
        lambda tags: _add_tags(aws, identifier, tags),
        lambda keys: client.remove_tags_from_resource(
            ResourceType="Parameter", ResourceId=identifier, TagKeys=keys
        ),
    )


def _delete(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("ssm").delete_parameter, "ParameterNotFound", Name=identifier)


def _verify(inputs: Properties) -> Iterator[tuple[str, str]]:
    if ("value" in inputs) == ("insecureValue" in inputs):
        yield "value", "give one of value and insecureValue"
    if inputs.get("type") == "SecureString" and "insecureValue" in inputs:
        yield "insecureValue", "a SecureString takes value, not insecureValue"


def _downgrade(old: Properties, new: Properties) -> set[str]:
    # SDK docstring of tier: "Downgrading an `Advanced` tier parameter to `Standard` will recreate".
    advanced = old.get("tier") == "Advanced" and new.get("tier") == "Standard"
    return {"tier"} if advanced else set()


TYPES = (
    ResourceType(
        token="aws:ssm/parameter:Parameter",
        serves=words(
            "name type value insecureValue description allowedPattern dataType keyId overwrite tier"
            " tags"
        ),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        verify=_verify,
        replaces={"name": "ssm PutParameter identifies by Name"},
        replaces_when=_downgrade,
        computed=words("tier dataType keyId"),
        unreadable=words("overwrite"),
        name="name",
        unique=("name",),
        outputs=("arn", "version", "tier", "dataType"),
        volatile=words("version"),
        predict=lambda aws, inputs: {"arn": _arn(aws, inputs["name"])},
    ),
)
