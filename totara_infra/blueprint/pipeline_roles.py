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
from totara_infra.blueprint.pipeline_trust import (
    ISSUER,
    Jobs,
    deploying_jobs,
    exporting_jobs,
    reading_jobs,
    trust_statement,
)
from totara_infra.blueprint.roll_out import MONITOR_ROLE
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.sign_in_trigger import ROLE as TRIGGER_ROLE
from totara_infra.model.vocabulary import Environment

READ_ROLE = "BankReadRole"
EXPORT_ROLE = "BankExportRole"
MAXIMUM_CHARACTERS = 6_144
"""IAM's limit for one managed policy, white space left out."""
MAXIMUM_POLICIES = 10
"""IAM's default quota of managed policies of a role."""
_UNNAMED_READS = (
    "appconfig:ListApplications", "appconfig:ListDeploymentStrategies",
    "backup:DescribeRegionSettings", "backup:ListBackupPlans", "backup:ListBackupVaults",
    "cloudtrail:LookupEvents", "iam:GetAccountAuthorizationDetails",
    "cloudwatch:DescribeAlarms", "cognito-idp:ListUserPools", "events:ListArchives",
    "events:ListEventBuses", "iam:ListPolicies", "kms:ListAliases", "kms:ListKeys",
    "lambda:ListFunctions", "logs:DescribeLogGroups", "s3:ListAllMyBuckets",
    "secretsmanager:ListSecrets", "sns:GetSubscriptionAttributes", "sns:ListSubscriptions",
    "sns:ListTopics", "sqs:ListQueues", "ssm:DescribeParameters",
)  # fmt: skip
"""Calls that AWS ties to no name, and that change nothing."""
_UNNAMED_WRITES = (
    "appconfig:CreateApplication", "appconfig:CreateDeploymentStrategy",
    "backup-storage:MountCapsule", "cognito-idp:CreateUserPool", "events:PutPermission",
    "events:RemovePermission", "kms:CreateKey", "sns:SetSubscriptionAttributes", "sns:Unsubscribe",
)  # fmt: skip
"""The same of those that change something: AWS gives the ids, or takes no name."""
_PROBE_CALLS = (
    "cognito-idp:AdminAddUserToGroup", "cognito-idp:AdminCreateUser",
    "cognito-idp:AdminDeleteUser", "cognito-idp:AdminInitiateAuth",
    "cognito-idp:AdminSetUserPassword",
)  # fmt: skip
_ROLE_READS = (
    "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
    "iam:ListRoleTags",
)  # fmt: skip

_RIGHTS_CALLS = (
    "iam:Add*", "iam:Attach*", "iam:ChangePassword", "iam:Create*", "iam:Deactivate*",
    "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Remove*", "iam:Set*", "iam:Tag*", "iam:Untag*",
    "iam:Update*", "iam:Upload*",
)  # fmt: skip
"""Every call of IAM that gives somebody rights, or takes a limit from them."""
_LOG_CALLS = (
    "logs:DeleteLogGroup", "logs:DeleteLogStream", "logs:DeleteRetentionPolicy",
    "logs:DisassociateKmsKey", "logs:FilterLogEvents", "logs:GetLogEvents", "logs:StartQuery",
)  # fmt: skip
"""Calls that read or remove events."""
_BOTH_REGIONS = frozenset({"backup", "kms"})
"""Services in which the stack has something in the region that takes over, too."""


@dataclass(frozen=True)
class PipelineRole:
    """A role of the pipeline.

    Attributes:
        name: of the role.
        purpose: what it is for.
        jobs: that may assume it.
        statements: of its policies.
    """

    name: str
    purpose: str
    jobs: Jobs
    statements: tuple[dict[str, Any], ...]

    def trust(self, scope: Scope, repository: str) -> dict[str, Any]:
        """Who may assume it: its jobs, in one repository.

        Args:
            scope: the environment, whose account holds the OIDC provider.
            repository: `owner/name`, or `owner@id/name@id` as tokens of newer repositories say.
        """
        return _document(trust_statement(provider_arn(scope), repository, self.jobs))

    @property
    def policies(self) -> dict[str, dict[str, Any]]:
        """What it may do: name of a managed policy -> its document, each within IAM's limit.

        No name is one of `bank-*`, or the role that deploys could change its own rights.
        """
        documents: list[list[dict[str, Any]]] = [[]]
        for statement in self.statements:
            if len(as_text(_document(*documents[-1], statement))) > MAXIMUM_CHARACTERS:
                documents.append([])
            documents[-1].append(statement)
        return {
            f"Pipeline-{self.name}-{number}": _document(*statements)
            for number, statements in enumerate(documents, start=1)
        }


def provider_arn(scope: Scope) -> str:
    """ARN of GitHub's OIDC provider in the account."""
    return scope.arn("iam", f"oidc-provider/{ISSUER}", regional=False)


def pipeline_roles(scope: Scope, state: str | None = None) -> list[PipelineRole]:
    """The roles of one environment's pipeline.

    Args:
        scope: the environment.
        state: name of the bucket that holds the engine's state, where a bucket holds it.
    """
    deploy, read = list(_deploying(scope)), list(_reading(scope))
    back_up = [*read, *_exporting(scope)]
    if state is not None:
        # The engine removes its locks.
        writes = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
        deploy += _objects("State", state, *writes)
    env = scope.settings.environment
    return [
        PipelineRole(scope.settings.deployer_role, "deploys", deploying_jobs(env), tuple(deploy)),
        PipelineRole(READ_ROLE, "compares and verifies", reading_jobs(env), tuple(read)),
        PipelineRole(EXPORT_ROLE, "writes exports", exporting_jobs(env), tuple(back_up)),
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
    # AWS Backup binds a vault to its key with the caller's rights; nobody else may use them so.
    binding = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant")
    yield _allow("VaultKeys", binding, named(scope, "kms", "key/*")) | {
        "Condition": {"StringEquals": {"kms:ViaService": _backup_services(scope)}}
    }
    # Gates send a probe over each bus and, where the environment allows it, sign a user in.
    yield _allow("ProbeBuses", ("events:PutEvents",), [scope.arn("events", "event-bus/bank-*")])
    if scope.settings.environment is not Environment.PROD:
        pools = [scope.arn("cognito-idp", "userpool/*")]
        yield _allow("ProbeSignIn", _PROBE_CALLS, pools)
    for service, names in _passed_roles(scope).items():
        sid = "PassTo" + "".join(word.capitalize() for word in service.split("-"))
        yield _allow(sid, ("iam:PassRole",), [scope.role_arn(name) for name in names]) | {
            "Condition": {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
        }
    yield from _guards(scope)


def _passed_roles(scope: Scope) -> dict[str, tuple[str, ...]]:
    """Service -> the roles that the stack's resources hand to it."""
    stores = scope.catalogue.stores
    return {
        "appconfig": (MONITOR_ROLE.removeprefix("role/"),),
        "cognito-idp": (SMS_ROLE,),
        "lambda": (ROUTER_ROLE, TRIGGER_ROLE),
        **({"backup": (stores.vault.role,)} if stores is not None else {}),
    }


def _guards(scope: Scope) -> Iterator[dict[str, Any]]:
    """What the role that deploys must never do, whoever allows it.

    A denial here outweighs what a policy of a secret, key or bucket allows, and only the bootstrap
    identity can change it.
    """
    everything = ["*"]
    yield _deny("NoRights", _RIGHTS_CALLS, everything)
    yield _deny("NoOtherIdentity", ("sts:AssumeRole", "sts:AssumeRoot"), everything)
    values = ("secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue")
    yield _deny("NoValues", values, everything)
    yield _deny("NoKeyPolicies", ("kms:PutKeyPolicy", "kms:ReplicateKey"), everything)
    direct = ("kms:CreateGrant", "kms:Decrypt", "kms:ReEncrypt*")
    yield _deny("NoKeysDirectly", direct, everything) | {
        "Condition": {"StringNotEquals": {"kms:ViaService": _backup_services(scope)}}
    }
    objects = ("s3:DeleteObject*", "s3:GetObject*", "s3:PutBucketAcl", "s3:PutObject*")
    kept = [f"{arn}/*" for arn in named(scope, "s3", "bank-{env}-*")]
    # Who changes an ACL or an object's retention names the object or the bucket.
    yield _deny("NoObjects", objects, [*kept, *named(scope, "s3", "bank-{env}-*")])
    groups = [scope.arn("logs", "log-group:/aws/bank-platform/*")]
    yield _deny("NoLogs", _LOG_CALLS, groups)


def _backup_services(scope: Scope) -> list[str]:
    settings = scope.settings
    regions = (settings.region, settings.disaster_recovery_region)
    return [f"backup.{region}.amazonaws.com" for region in regions]


def _exporting(scope: Scope) -> Iterator[dict[str, Any]]:
    """What an export reads of users, the key that seals it, and the bucket that takes it."""
    stores = scope.catalogue.stores
    if stores is None or scope.settings.environment not in stores.exports.environments:
        return
    pools = [scope.arn("cognito-idp", "userpool/*")]
    yield _allow("Users", ("cognito-idp:AdminListGroupsForUser", "cognito-idp:ListUsers"), pools)
    alias = f"alias/bank-{scope.env}-{stores.exports.key_class}"
    here, *elsewhere = named(scope, "kms", "key/*")
    yield _allow("Seal", ("kms:Decrypt", "kms:GenerateDataKey"), [here]) | _under(alias)
    if stores.copied_from(scope.settings):
        alias = f"alias/{scope.fill(stores.vault.copies.name)}"
        yield _allow("SealElsewhere", ("kms:Encrypt",), elsewhere) | _under(alias)
    # Who exports must not be able to delete what was exported before.
    yield from _objects(
        "Exports", scope.fill(stores.exports.bucket), "s3:GetObject", "s3:PutObject"
    )


def _under(alias: str) -> dict[str, Any]:
    """Only for the KMS key of that alias."""
    return {"Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}}


def _objects(sid: str, bucket: str, *calls: str) -> Iterator[dict[str, Any]]:
    """Access to the objects of a bucket."""
    arn = f"arn:aws:s3:::{bucket}"
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
            # Calls on the key of a thing go to keys, whatever the thing is called.
            parts = ("alias/bank-{env}-*", "key/*") if service == "kms" else rights.resources
            resources.setdefault(service, set()).update(
                arn for part in parts for arn in named(scope, service, part)
            )
    # Said once: they are allowed on everything anyway, and the length is limited.
    unnamed = {*_UNNAMED_READS, *(_UNNAMED_WRITES if "write" in kinds else ())}
    actions = {service: calls - unnamed for service, calls in actions.items() if calls - unnamed}
    for service in sorted(actions):
        sid = "".join(word.capitalize() for word in service.split("-"))
        yield _allow(sid, sorted(actions[service]), sorted(resources[service]))


def named(scope: Scope, service: str, part: str) -> list[str]:
    """The ARNs, or patterns of ARNs, of a resource part with `{env}` filled in.

    Two for what the stack also has in the region that takes over.
    """
    filled = scope.fill(part)
    if service == "s3":
        return [f"arn:aws:s3:::{filled}"]
    here = scope.arn(service, filled, regional=service != "iam")
    if service not in _BOTH_REGIONS:
        return [here]
    settings = scope.settings
    return [here, here.replace(f":{settings.region}:", f":{settings.disaster_recovery_region}:")]


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _deny(sid: str, actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return _allow(sid, actions, resources) | {"Effect": "Deny"}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def as_text(document: dict[str, Any]) -> str:
    """A policy document as IAM takes it: without white space, which counts."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
