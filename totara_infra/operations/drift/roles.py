"""Roles and policies of IAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    tags_from,
    unless_gone,
    words,
)

ROLE = "aws:iam/role:Role"
INLINE = "aws:iam/rolePolicy:RolePolicy"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
_GONE = "NoSuchEntity"
_MARK = "bank-"


def _roles(reading: Reading) -> dict[str, dict[str, Any]]:
    """Every role of the account with its policies, in a few large answers."""

    def read() -> dict[str, dict[str, Any]]:
        paging = reading.client("iam").get_paginator("get_account_authorization_details")
        pages = paging.paginate(Filter=["Role"])
        return {r["RoleName"]: r for page in pages for r in page["RoleDetailList"]}

    return reading.once("iam-roles", read)


def _read_roles(reading: Reading) -> Iterator[Thing]:
    client, planned = reading.client("iam"), reading.planned(ROLE)

    def described(name: str) -> dict[str, Any]:
        answer = unless_gone(client.get_role, _GONE, RoleName=name)
        found: dict[str, Any] = answer["Role"] if answer else {}
        return found

    known = [name for name in _roles(reading) if name in planned]
    details = dict(zip(known, reading.each(described, known), strict=True))
    for name, role in _roles(reading).items():
        detail = details.get(name, {})
        tags = tags_from(role.get("Tags"))
        # Where roles are ready made, the program that made them also tagged them.
        ours = reading.tagged(tags) if planned else ""
        yield Thing(
            name,
            {
                "name": name,
                "path": role.get("Path"),
                "description": detail.get("Description"),
                "max_session_duration": detail.get("MaxSessionDuration"),
                "assume_role_policy": role["AssumeRolePolicyDocument"],
                "permissions_boundary": role.get("PermissionsBoundary", {}).get(
                    "PermissionsBoundaryArn"
                ),
                "tags": tags,
            },
            {"id": name, "name": name, "arn": role["Arn"]},
            ours,
        )


def _read_inline(reading: Reading) -> Iterator[Thing]:
    for name in reading.planned(ROLE):
        for policy in _roles(reading).get(name, {}).get("RolePolicyList", []):
            yield Thing(
                f"{name}/{policy['PolicyName']}",
                {
                    "role": name,
                    "name": policy["PolicyName"],
                    "policy": policy["PolicyDocument"],
                },
                {"role": name, "name": policy["PolicyName"]},
                f"it gives rights to the role {name}",
            )


def _read_attachments(reading: Reading) -> Iterator[Thing]:
    planned = {key.split("/", 1)[0] for key in reading.planned(ATTACHMENT)}
    made = reading.planned(ROLE)
    for name in sorted({*planned, *made}):
        for policy in _roles(reading).get(name, {}).get("AttachedManagedPolicies", []):
            # A policy of AWS's own is named by its ARN, as nothing here makes it.
            by_aws = policy["PolicyArn"].startswith("arn:aws:iam::aws:")
            yield Thing(
                f"{name}/{policy['PolicyArn' if by_aws else 'PolicyName']}",
                {"role": name, "policy_arn": policy["PolicyArn"]},
                {"role": name, "policy_arn": policy["PolicyArn"]},
                f"it gives rights to the role {name}" if name in made else "",
            )


def _read_policies(reading: Reading) -> Iterator[Thing]:
    client, planned = reading.client("iam"), reading.planned(POLICY)
    pages = client.get_paginator("list_policies").paginate(Scope="Local")
    listed = [
        p
        for page in pages
        for p in page["Policies"]
        if p["PolicyName"] in planned or p["PolicyName"].startswith(_MARK)
    ]

    def read(listed: dict[str, Any]) -> Thing | None:
        answer = unless_gone(client.get_policy, _GONE, PolicyArn=listed["Arn"])
        if answer is None:
            return None
        policy = answer["Policy"]
        version = unless_gone(
            client.get_policy_version,
            _GONE,
            PolicyArn=policy["Arn"],
            VersionId=policy["DefaultVersionId"],
        )
        tags = tags_from(policy.get("Tags"))
        name = policy["PolicyName"]
        return Thing(
            name,
            {
                "name": name,
                "path": policy.get("Path"),
                "description": policy.get("Description"),
                "policy": version["PolicyVersion"]["Document"] if version else None,
                "tags": tags,
            },
            {"id": policy["Arn"], "arn": policy["Arn"], "name": name},
            "" if name in reading.left_to_deployments else reading.tagged(tags),
        )

    yield from (thing for thing in reading.each(read, listed) if thing is not None)


READERS = (
    TypeReader(
        ROLE,
        _read_roles,
        words(
            "name path description max_session_duration assume_role_policy permissions_boundary"
            " tags"
        ),
        documents=words("assume_role_policy"),
        assumed={"path": "/", "max_session_duration": 3600},
        calls=r"Role$|RoleDescription|AssumeRolePolicy|PermissionsBoundary",
    ),
    TypeReader(
        INLINE,
        _read_inline,
        words("role name policy"),
        key=("role", "name"),
        calls=r"^(Put|Delete)RolePolicy$",
        documents=words("policy"),
    ),
    TypeReader(
        ATTACHMENT,
        _read_attachments,
        words("role policy_arn"),
        key=("role", "policy_arn"),
        calls=r"^(At|De)tachRolePolicy$",
    ),
    TypeReader(
        POLICY,
        _read_policies,
        words("name path description policy tags"),
        documents=words("policy"),
        assumed={"path": "/"},
        calls=r"Policy$|PolicyVersion$|PolicyDescription",
    ),
)
