"""Makes the blueprint's keys, secret containers and roles with boto3 alone."""

from __future__ import annotations

import json
from typing import Any

from totara_infra.blueprint import Blueprint, Reference
from totara_infra.operations.live import Live
from totara_infra.resolver.sequence import SECRETS_STEP


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": k, "Value": v} for k, v in tags.items()]


def make_containers(blueprint: Blueprint, live: Live) -> None:
    keys = make_keys(blueprint, live)
    for resource in blueprint.steps[SECRETS_STEP]:
        make_container(live, keys, resource.properties)


def make_keys(blueprint: Blueprint, live: Live) -> dict[str, str]:
    """ARNs of the keys by logical name."""
    client, arns = live.client("kms"), {}
    for resource in blueprint.resources.values():
        if resource.shape == "Key":
            made = client.create_key(Policy=resource.properties["policy"])
            arns[resource.name] = made["KeyMetadata"]["Arn"]
    for resource in blueprint.resources.values():
        if resource.shape == "Alias":
            target = resource.properties["target_key_id"]
            assert isinstance(target, Reference)
            name = resource.properties["name"]
            client.create_alias(AliasName=name, TargetKeyId=arns[target.resource])
    return arns


def make_container(live: Live, keys: dict[str, str], properties: Any) -> None:
    client = live.client("secretsmanager")
    client.create_secret(
        Name=properties["name"],
        KmsKeyId=keys[properties["kms_key_id"].resource],
        Tags=pairs(properties["tags"]),
    )
    client.put_resource_policy(SecretId=properties["name"], ResourcePolicy=properties["policy"])


def make_roles(blueprint: Blueprint, live: Live) -> None:
    client = live.client("iam")
    account = blueprint.scope.settings.account_id
    for shape in ("Role", "Policy", "RolePolicy", "RolePolicyAttachment"):
        for resource in blueprint.resources.values():
            if resource.shape != shape or resource.service != "iam":
                continue
            given = resource.properties
            if shape == "Role":
                client.create_role(
                    RoleName=given["name"],
                    AssumeRolePolicyDocument=given["assume_role_policy"],
                    Tags=pairs(given["tags"]),
                )
            elif shape == "Policy":
                client.create_policy(PolicyName=given["name"], PolicyDocument=given["policy"])
            elif shape == "RolePolicy":
                client.put_role_policy(
                    RoleName=role_name(given["role"]),
                    PolicyName=given["name"],
                    PolicyDocument=_filled(blueprint, given["policy"]),
                )
            else:
                client.attach_role_policy(
                    RoleName=role_name(given["role"]),
                    PolicyArn=policy_arn(given["policy_arn"], account),
                )


def policy_arn(policy: Any, account: str) -> str:
    """ARN of a policy of this platform, or of AWS's own, which stands as it is."""
    if isinstance(policy, str):
        return policy
    return f"arn:aws:iam::{account}:policy/{policy.resource.removeprefix('policy/')}"


def role_name(role: Any) -> str:
    return role.resource.removeprefix("role/") if isinstance(role, Reference) else str(role)


def _filled(blueprint: Blueprint, policy: Any) -> str:
    """A policy's text; what it says of other resources' outputs does not matter here."""
    if isinstance(policy, str):
        return policy
    return "".join(p if isinstance(p, str) else "*" for p in policy.parts)


def narrowed(policy: str, arn: str) -> str:
    """The policy with one more reader, as somebody in a hurry would add it."""
    document = json.loads(policy)
    document["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(arn)
    return json.dumps(document)
