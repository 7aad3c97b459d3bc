"""The roles that the pipeline assumes through GitHub's OIDC provider, and what each may do.

They are no part of a stack: the pipeline could not make them, and needs them before its first run.
The bootstrap identity puts them there, see `totara pipeline`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.alert_routing import ROLE as ROUTER_ROLE
from totara_infra.blueprint.identity import SMS_ROLE
from totara_infra.blueprint.pipeline_rights import RIGHTS
from totara_infra.blueprint.roles import runtime_roles
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.sign_in_trigger import ROLE as TRIGGER_ROLE

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
READ_ROLE = "BankReadRole"
BACKUP_ROLE = "BankBackupRole"
MAXIMUM_CHARACTERS = 10_240
"""IAM's limit for the inline policies of a role together, white space left out."""
_UNNAMED_READS = (
    "appconfig:ListApplications", "appconfig:ListDeploymentStrategies", "cloudtrail:LookupEvents",
    "cloudwatch:DescribeAlarms", "cognito-idp:ListUserPools", "events:ListArchives",
    "events:ListEventBuses", "iam:ListPolicies", "kms:ListAliases", "kms:ListKeys",
    "lambda:ListFunctions", "logs:DescribeLogGroups", "s3:ListAllMyBuckets",
    "secretsmanager:ListSecrets", "sns:GetSubscriptionAttributes", "sns:ListSubscriptions",
    "sns:ListTopics", "sqs:ListQueues", "ssm:DescribeParameters",
)  # fmt: skip
"""Calls that AWS ties to no name, and that change nothing."""
_UNNAMED_WRITES = (
    "cognito-idp:CreateUserPool", "kms:CreateKey", "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
)  # fmt: skip
"""The same of those that change something: AWS gives the ids."""
_ROLE_READS = (
    "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
    "iam:ListRoleTags",
)  # fmt: skip


@dataclass(frozen=True)
class PipelineRole:
    """A role of the pipeline.

    Attributes:
        name: of the role.
        purpose: what it is for.
        environments: GitHub environments whose jobs may assume it.
        statements: of its policy.
    """

    name: str
    purpose: str
    environments: tuple[str, ...]
    statements: tuple[dict[str, Any], ...]

    def trust(self, scope: Scope, repository: str) -> dict[str, Any]:
        """Who may assume it: jobs of its environments, in one repository.

        Args:
            scope: the environment, whose account holds the OIDC provider.
            repository: `owner/name`.
        """
        subjects = [f"repo:{repository}:environment:{name}" for name in self.environments]
        return _document(
            {
                "Sid": "JobsOfTheseEnvironments",
                "Effect": "Allow",
                "Principal": {"Federated": provider_arn(scope)},
                "Action": "sts:AssumeRoleWithWebIdentity",
                # `sub` in full, without wildcards: a branch or a fork has another one.
                "Condition": {
                    "StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subjects}
                },
            }
        )

    @property
    def policy(self) -> dict[str, Any]:
        """What it may do."""
        return _document(*self.statements)


def provider_arn(scope: Scope) -> str:
    """ARN of GitHub's OIDC provider in the account."""
    return scope.arn("iam", f"oidc-provider/{ISSUER}", regional=False)


def pipeline_roles(
    scope: Scope, *, state: str | None = None, backups: str | None = None
) -> list[PipelineRole]:
    """The roles of one environment's pipeline.

    Args:
        scope: the environment.
        state: name of the bucket that holds the engine's state, where a bucket holds it.
        backups: name of the bucket that holds the exports of `totara backup`.
    """
    env = scope.env
    deploy = [*_deploying(scope), *_objects("State", state, write=True)]
    read = [*_reading(scope), *_objects("Backups", backups, write=False)]
    back_up = [*_reading(scope), *_users(scope), *_objects("Backups", backups, write=True)]
    return [
        PipelineRole(scope.settings.deployer_role, "deploys", (env, f"{env}-back"), tuple(deploy)),
        PipelineRole(READ_ROLE, "compares and verifies", (f"{env}-read",), tuple(read)),
        PipelineRole(BACKUP_ROLE, "writes exports", (f"{env}-backup",), tuple(back_up)),
    ]


def _reading(scope: Scope) -> Iterator[dict[str, Any]]:
    """Everything that the stack has, but no secret's value."""
    yield from _by_service(scope, "read")
    yield _allow("Unnamed", _UNNAMED_READS, ["*"])
    yield _allow("Roles", _ROLE_READS, [scope.arn("iam", "role/Bank*", regional=False)])


def _deploying(scope: Scope) -> Iterator[dict[str, Any]]:
    yield from _by_service(scope, "read", "write")
    yield _allow("Unnamed", (*_UNNAMED_READS, *_UNNAMED_WRITES), ["*"])
    yield _allow("Roles", _ROLE_READS, [scope.arn("iam", "role/Bank*", regional=False)])
    # Only policies of the platform, and only to roles of domains: never to itself.
    runtime = [scope.role_arn(name) for name, _ in runtime_roles(scope)]
    policies = scope.arn("iam", "policy/bank-*", regional=False)
    yield _allow("Attach", ("iam:AttachRolePolicy", "iam:DetachRolePolicy"), runtime) | {
        "Condition": {"ArnLike": {"iam:PolicyARN": policies}}
    }
    services = ["cognito-idp.amazonaws.com", "lambda.amazonaws.com"]
    passed = [scope.role_arn(name) for name in (ROUTER_ROLE, SMS_ROLE, TRIGGER_ROLE)]
    yield _allow("PassRoles", ("iam:PassRole",), passed) | {
        "Condition": {"StringEquals": {"iam:PassedToService": services}}
    }


def _users(scope: Scope) -> Iterator[dict[str, Any]]:
    """What an export reads of users, and the key that it seals with."""
    pools = [scope.arn("cognito-idp", "userpool/*")]
    yield _allow("Users", ("cognito-idp:AdminListGroupsForUser", "cognito-idp:ListUsers"), pools)
    key = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/bank-{scope.env}-pii"}}
    calls = ("kms:Decrypt", "kms:GenerateDataKey")
    yield _allow("Seal", calls, [scope.arn("kms", "key/*")]) | {"Condition": key}


def _objects(sid: str, bucket: str | None, *, write: bool) -> Iterator[dict[str, Any]]:
    """Access to the objects of a bucket that is no part of the stack."""
    if bucket is None:
        return
    arn = f"arn:aws:s3:::{bucket}"
    calls = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject") if write else ("s3:GetObject",)
    yield _allow(f"{sid}Objects", calls, [f"{arn}/*"])
    yield _allow(f"{sid}List", ("s3:ListBucket",), [arn])


def _by_service(scope: Scope, *kinds: str) -> Iterator[dict[str, Any]]:
    """One statement for each service: its calls, on the names of the stack."""
    actions: dict[str, set[str]] = {}
    resources: dict[str, set[str]] = {}
    for rights in RIGHTS.values():
        for call in (call for kind in kinds for call in getattr(rights, kind)):
            service = call.split(":")[0]
            actions.setdefault(service, set()).add(call)
            resources.setdefault(service, set()).update(
                named(scope, service, part) for part in rights.resources
            )
    for service in sorted(actions):
        sid = "".join(word.capitalize() for word in service.split("-"))
        yield _allow(sid, sorted(actions[service]), sorted(resources[service]))


def named(scope: Scope, service: str, part: str) -> str:
    """The ARN, or the pattern of ARNs, of a resource part with `{env}` filled in."""
    filled = scope.fill(part)
    if service == "s3":
        return f"arn:aws:s3:::{filled}"
    return scope.arn(service, filled, regional=service != "iam")


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def as_text(document: dict[str, Any]) -> str:
    """A policy document as IAM takes it: without white space, which counts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
