"""IAM roles, policies and what binds them.

Ids as in Pulumi's plugin: a role's name, a policy's ARN, `ROLE:POLICY`, `ROLE/POLICY-ARN`.
"""

from __future__ import annotations

import json
from typing import Any

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
    keep_trying,
    pairs,
    unless_gone,
    words,
)
from totara_infra.local.provider.shapes import to_api
from totara_infra.local.provider.values import Properties

GONE = "NoSuchEntity"
MAX_POLICY_VERSIONS = 5


def _text(document: Any) -> str:
    # botocore decodes IAM's documents.
    return document if isinstance(document, str) else json.dumps(document)


# --- role -------------------------------------------------------------------------------------


def _create_role(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("iam"), inputs["name"]
    renames = {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    names = ("name", "assumeRolePolicy", "description", "path", "maxSessionDuration")
    request = to_api(inputs, (*names, "permissionsBoundary"), renames)
    try:
        client.create_role(**request, Tags=pairs(inputs.get("tagsAll")))
    except client.exceptions.EntityAlreadyExistsException as error:
        raise AlreadyExists(f"the role {name}", name) from error
    return Made(name)


def _read_role(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("iam")
    answer = unless_gone(client.get_role, GONE, RoleName=identifier)
    if answer is None:
        return None
    role = answer["Role"]
    tags = client.list_role_tags(RoleName=identifier).get("Tags")
    inputs = {
        "name": role["RoleName"],
        "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description") or None,
        "path": role.get("Path"),
        "maxSessionDuration": role.get("MaxSessionDuration"),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tags": from_pairs(tags),
    }
    outputs = {
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].isoformat(),
    }
    return Live({k: v for k, v in inputs.items() if v is not None}, outputs)


def _update_role(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("iam")
    if differ(new, old, "assumeRolePolicy"):
        client.update_assume_role_policy(
            RoleName=identifier, PolicyDocument=new["assumeRolePolicy"]
        )
    if differ(new, old, "description", "maxSessionDuration"):
        client.update_role(
            RoleName=identifier,
            Description=new.get("description", ""),
            MaxSessionDuration=int(new.get("maxSessionDuration", 3600)),
        )
    if new.get("permissionsBoundary"):
        client.put_role_permissions_boundary(
            RoleName=identifier, PermissionsBoundary=new["permissionsBoundary"]
        )
    elif old.get("permissionsBoundary"):
        client.delete_role_permissions_boundary(RoleName=identifier)
    change_tags(
        new,
        old,
        lambda tags: client.tag_role(RoleName=identifier, Tags=pairs(tags)),
        lambda keys: client.untag_role(RoleName=identifier, TagKeys=keys),
    )


def _delete_role(aws: Aws, identifier: str, recorded: Recorded) -> None:
    client = aws.client("iam")
    if recorded.inputs.get("forceDetachPolicies"):
        attached = unless_gone(client.list_attached_role_policies, GONE, RoleName=identifier) or {}
        for policy in attached.get("AttachedPolicies", []):
            client.detach_role_policy(RoleName=identifier, PolicyArn=policy["PolicyArn"])
        inline = unless_gone(client.list_role_policies, GONE, RoleName=identifier) or {}
        for name in inline.get("PolicyNames", []):
            client.delete_role_policy(RoleName=identifier, PolicyName=name)
    # A policy that was detached a moment ago may still count.
    keep_trying(
        lambda: unless_gone(client.delete_role, GONE, RoleName=identifier),
        "DeleteConflict",
        seconds=5,
    )


# --- inline policy of a role ------------------------------------------------------------------


def _inline(identifier: str) -> dict[str, str]:
    role, _, name = identifier.partition(":")
    return {"RoleName": role, "PolicyName": name}


def _create_role_policy(aws: Aws, inputs: Properties) -> Made:
    client, identifier = aws.client("iam"), f"{inputs['role']}:{inputs['name']}"
    if unless_gone(client.get_role_policy, GONE, **_inline(identifier)) is not None:
        raise AlreadyExists(f"the inline policy {identifier}", identifier)
    keep_trying(
        lambda: client.put_role_policy(**_inline(identifier), PolicyDocument=inputs["policy"]),
        GONE,
        seconds=5,
    )
    return Made(identifier, {"name": inputs["name"]})


def _read_role_policy(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("iam").get_role_policy, GONE, **_inline(identifier))
    if answer is None:
        return None
    role, _, name = identifier.partition(":")
    return Live({"role": role, "name": name, "policy": _text(answer["PolicyDocument"])})


def _update_role_policy(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    aws.client("iam").put_role_policy(**_inline(identifier), PolicyDocument=new["policy"])


def _delete_role_policy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("iam").delete_role_policy, GONE, **_inline(identifier))


# --- managed policy ---------------------------------------------------------------------------


def _policy_arn(aws: Aws, inputs: Properties) -> str:
    return f"arn:aws:iam::{aws.account_id}:policy{inputs.get('path', '/')}{inputs['name']}"


def _create_policy(aws: Aws, inputs: Properties) -> Made:
    client, name = aws.client("iam"), inputs["name"]
    renames = {"name": "PolicyName", "policy": "PolicyDocument"}
    request = to_api(inputs, ("name", "policy", "description", "path"), renames)
    try:
        answer = client.create_policy(**request, Tags=pairs(inputs.get("tagsAll")))
    except client.exceptions.EntityAlreadyExistsException as error:
        raise AlreadyExists(f"the policy {name}", _policy_arn(aws, inputs)) from error
    return Made(answer["Policy"]["Arn"])


def _read_policy(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("iam")
    answer = unless_gone(client.get_policy, GONE, PolicyArn=identifier)
    if answer is None:
        return None
    policy = answer["Policy"]
    version = client.get_policy_version(PolicyArn=identifier, VersionId=policy["DefaultVersionId"])[
        "PolicyVersion"
    ]
    tags = client.list_policy_tags(PolicyArn=identifier).get("Tags")
    inputs = {
        "name": policy["PolicyName"],
        "path": policy.get("Path"),
        "description": policy.get("Description") or None,
        "policy": _text(version["Document"]),
        "tags": from_pairs(tags),
    }
    outputs = {
        "arn": policy["Arn"],
        "policyId": policy["PolicyId"],
        "attachmentCount": policy.get("AttachmentCount", 0),
    }
    return Live({k: v for k, v in inputs.items() if v is not None}, outputs)


def _update_policy(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("iam")
    if differ(new, old, "policy"):
        versions = client.list_policy_versions(PolicyArn=identifier)["Versions"]
        if len(versions) >= MAX_POLICY_VERSIONS:
            spare = [version for version in versions if not version["IsDefaultVersion"]]
            oldest = min(spare, key=lambda version: int(version["VersionId"][1:]))
            client.delete_policy_version(PolicyArn=identifier, VersionId=oldest["VersionId"])
        client.create_policy_version(
            PolicyArn=identifier, PolicyDocument=new["policy"], SetAsDefault=True
        )
    change_tags(
        new,
        old,
        lambda tags: client.tag_policy(PolicyArn=identifier, Tags=pairs(tags)),
        lambda keys: client.untag_policy(PolicyArn=identifier, TagKeys=keys),
    )


def _delete_policy(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("iam")
    versions = unless_gone(client.list_policy_versions, GONE, PolicyArn=identifier) or {}
    for version in versions.get("Versions", []):
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=identifier, VersionId=version["VersionId"])
    keep_trying(
        lambda: unless_gone(client.delete_policy, GONE, PolicyArn=identifier),
        "DeleteConflict",
        seconds=5,
    )


# --- attachment -------------------------------------------------------------------------------


def _attached(aws: Aws, role: str, arn: str) -> bool:
    pages = aws.client("iam").get_paginator("list_attached_role_policies")
    found = unless_gone(lambda: list(pages.paginate(RoleName=role)), GONE) or []
    return any(item["PolicyArn"] == arn for page in found for item in page["AttachedPolicies"])


def _create_attachment(aws: Aws, inputs: Properties) -> Made:
    role, arn = inputs["role"], inputs["policyArn"]
    identifier = f"{role}/{arn}"
    if _attached(aws, role, arn):
        raise AlreadyExists(f"the attachment of {arn} to {role}", identifier)
    client = aws.client("iam")
    keep_trying(lambda: client.attach_role_policy(RoleName=role, PolicyArn=arn), GONE, seconds=5)
    return Made(identifier, {"role": role, "policyArn": arn})


def _read_attachment(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    role, _, arn = identifier.partition("/")
    return Live({"role": role, "policyArn": arn}) if _attached(aws, role, arn) else None


def _delete_attachment(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    role, _, arn = identifier.partition("/")
    unless_gone(aws.client("iam").detach_role_policy, GONE, RoleName=role, PolicyArn=arn)


TYPES = (
    ResourceType(
        token="aws:iam/role:Role",
        serves=words(
            "name namePrefix assumeRolePolicy description path maxSessionDuration"
            " permissionsBoundary forceDetachPolicies tags"
        ),
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        replaces={
            "name": "iam UpdateRole identifies by RoleName",
            "namePrefix": "iam UpdateRole identifies by RoleName",
            "path": "iam UpdateRole takes no Path",
        },
        defaults={"path": "/", "maxSessionDuration": 3600, "forceDetachPolicies": False},
        unreadable=words("forceDetachPolicies namePrefix"),
        policies=words("assumeRolePolicy"),
        name="name",
        unique=("name",),
        outputs=("arn", "uniqueId", "createDate"),
        predict=lambda aws, inputs: {
            "arn": f"arn:aws:iam::{aws.account_id}:role{inputs.get('path', '/')}{inputs['name']}"
        },
    ),
    ResourceType(
        token="aws:iam/rolePolicy:RolePolicy",
        serves=words("name role policy"),
        create=_create_role_policy,
        read=_read_role_policy,
        update=_update_role_policy,
        delete=_delete_role_policy,
        replaces={
            "name": "iam PutRolePolicy identifies by PolicyName",
            "role": "iam PutRolePolicy identifies by RoleName",
        },
        policies=words("policy"),
        name="name",
        unique=("role", "name"),
    ),
    ResourceType(
        token="aws:iam/policy:Policy",
        serves=words("name namePrefix policy description path tags"),
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        replaces={
            "name": "iam CreatePolicyVersion takes no PolicyName",
            "namePrefix": "iam CreatePolicyVersion takes no PolicyName",
            "description": "iam CreatePolicyVersion takes no Description",
            "path": "iam CreatePolicyVersion takes no Path",
        },
        defaults={"path": "/"},
        unreadable=words("namePrefix"),
        policies=words("policy"),
        name="name",
        unique=("name",),
        outputs=("arn", "policyId", "attachmentCount"),
        volatile=words("attachmentCount"),
        predict=lambda aws, inputs: {"arn": _policy_arn(aws, inputs)},
    ),
    ResourceType(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        serves=words("role policyArn"),
        create=_create_attachment,
        read=_read_attachment,
        delete=_delete_attachment,
        replaces={
            "role": "iam AttachRolePolicy identifies by RoleName",
            "policyArn": "iam AttachRolePolicy identifies by PolicyArn",
        },
        unique=("role", "policyArn"),
    ),
)
