"""Who may read which secret, decided from the policies that are deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.secrets import reader_arns
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.inventory import Standing
from totara_infra.operations.secrets.policies import Document, Principal, decide

READ = "secretsmanager:GetSecretValue"
DECRYPT = "kms:Decrypt"


@dataclass(frozen=True)
class Readers:
    """What a secret's policies come to.

    Attributes:
        missing: ARNs of principals that must be able to read and are not there.
        locked_out: ARNs that must be able to read and can't, each with what they lack.
        intruders: ARNs that may read, though nobody named them.
    """

    missing: tuple[str, ...]
    locked_out: Mapping[str, str]
    intruders: tuple[str, ...]


def principals(live: Live) -> list[Principal]:
    """Every role and user of the account with its policies, in as few calls as IAM has.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    details: dict[str, list[Any]] = {}
    with explained("reading the account's roles and policies"):
        pages = live.client("iam").get_paginator("get_account_authorization_details").paginate()
        for page in pages:
            for kind in ("RoleDetailList", "UserDetailList", "GroupDetailList", "Policies"):
                details.setdefault(kind, []).extend(page.get(kind, []))
    managed = {
        policy["Arn"]: _document(version["Document"])
        for policy in details["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    groups = {
        g["GroupName"]: _policies(g, "GroupPolicyList", managed) for g in details["GroupDetailList"]
    }
    found = [
        _principal(role, _policies(role, "RolePolicyList", managed), managed)
        for role in details["RoleDetailList"]
        # AWS's own service-linked roles can't be changed and read no secret values.
        if not role["Path"].startswith("/aws-service-role/")
    ]
    for user in details["UserDetailList"]:
        shared = [p for name in user.get("GroupList", []) for p in groups.get(name, [])]
        own = _policies(user, "UserPolicyList", managed)
        found.append(_principal(user, [*own, *shared], managed))
    return found


def _principal(
    details: Mapping[str, Any], policies: Sequence[Document], managed: Mapping[str, Document]
) -> Principal:
    boundary = (details.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    return Principal(
        arn=details["Arn"],
        account=details["Arn"].split(":")[4],
        policies=tuple(policies),
        # A boundary that can't be read allows nothing that we could be certain of.
        boundary=managed.get(boundary, {}) if boundary else None,
        tags={t["Key"]: t["Value"] for t in details.get("Tags", [])},
        managed=tuple(
            a["PolicyArn"]
            for a in details.get("AttachedManagedPolicies", [])
            if a["PolicyArn"] in managed
        )
        if "AssumeRolePolicyDocument" in details
        else (),
        trust=_document(details["AssumeRolePolicyDocument"])
        if "AssumeRolePolicyDocument" in details
        else None,
    )


def _policies(
    details: Mapping[str, Any], inline: str, managed: Mapping[str, Document]
) -> list[Document]:
    own = [_document(p["PolicyDocument"]) for p in details.get(inline, [])]
    attached = [a["PolicyArn"] for a in details.get("AttachedManagedPolicies", [])]
    return [*own, *(managed[arn] for arn in attached if arn in managed)]


def _document(value: Any) -> Document:
    # boto3 decodes most documents, but not all.
    document: Document = json.loads(value) if isinstance(value, str) else value
    return document


def secret_policy(live: Live, path: str) -> Document | None:
    """The resource policy of a secret."""
    with explained(f"reading the policy of {path}"):
        answer = live.client("secretsmanager").get_resource_policy(SecretId=path)
    text = answer.get("ResourcePolicy")
    return _document(text) if text else None


def key_policies(live: Live, arns: Sequence[str]) -> dict[str, Document]:
    """The policies of KMS keys by ARN; of one that is gone, an empty one."""
    found: dict[str, Document] = {}
    for arn in sorted(set(arns)):
        with explained(f"reading the policy of {arn}"):
            try:
                answer = live.client("kms").get_key_policy(KeyId=arn, PolicyName="default")
                found[arn] = _document(answer["Policy"])
            except ClientError as error:
                if error.response["Error"]["Code"] != "NotFoundException":
                    raise
                found[arn] = {}
    return found


def readers(
    blueprint: Blueprint,
    standing: Standing,
    everybody: Sequence[Principal],
    policy: Document | None,
    key: tuple[str, Document],
) -> Readers:
    """Hold those who may read a secret against those whom the catalogue names.

    Args:
        blueprint: what the environment consists of.
        standing: the secret, which has a container.
        everybody: all roles and users of the account.
        policy: the secret's own policy.
        key: ARN and policy of the KMS key that encrypts it.
    """
    scope = blueprint.scope
    named = set(reader_arns(scope, standing.entry.secret))
    tags = {t["Key"].lower(): t["Value"] for t in standing.live.get("Tags", [])}
    context: dict[str, str | None] = {
        "secretsmanager:versionstage": "AWSCURRENT",
        **{f"secretsmanager:resourcetag/{k}": v for k, v in tags.items()},
        **{f"aws:resourcetag/{k}": v for k, v in tags.items()},
    }
    through: dict[str, str | None] = {
        "kms:viaservice": f"secretsmanager.{scope.settings.region}.amazonaws.com",
        "kms:resourcealiases": f"alias/bank-{scope.env}-{standing.entry.secret.key_class}",
    }
    locked_out: dict[str, str] = {}
    intruders: list[str] = []
    for principal in everybody:
        reading = decide(principal, READ, standing.live["ARN"], policy, context)
        decrypting = _decrypts(principal, key, through)
        if principal.arn in named:
            lacks = [a for a, ok in ((READ, reading.certain), (DECRYPT, decrypting)) if not ok]
            if lacks:
                locked_out[principal.arn] = " and ".join(lacks)
        elif reading.possible:
            intruders.append(principal.arn)
    there = {p.arn for p in everybody}
    return Readers(tuple(sorted(named - there)), locked_out, tuple(sorted(intruders)))


def _decrypts(
    principal: Principal, key: tuple[str, Document], context: Mapping[str, str | None]
) -> bool:
    arn, policy = key
    return decide(principal, DECRYPT, arn, policy, context).certain
