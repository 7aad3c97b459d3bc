"""What every role may do around secrets, keys, objects and logs; any policy that says more fails.

The search in test_escalation.py finds ways to a value. A right too many need not be a way by
itself, as two things protect each value, so here each thing is held by itself. Then every statement
is weakened in turn: what no test would notice is a hole in these tests.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.secrets import planned_account
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.secrets.exposure import platform_roles
from totara_infra.operations.secrets.policies import Document, Principal, as_list, decide

PLACE = "ap-southeast-2:333333333333"
KEY = f"arn:aws:kms:{PLACE}:key/some"
FOREIGN_KEY = "arn:aws:kms:ap-southeast-2:999999999999:key/some"
KEY_OF_COPIES = "arn:aws:kms:ap-southeast-4:333333333333:key/some"
COPIES = "alias/bank-prod-recovery-point-copies"
ALIASES = (*(f"alias/bank-prod-{c}" for c in ("financial", "operational", "pii")), None)
SERVICES = (None, *(f"{s}.ap-southeast-2.amazonaws.com" for s in (
    "backup", "logs", "s3", "secretsmanager", "sns", "sqs",
)))  # fmt: skip
"""Through which a key is used; None: by a call of the role itself."""
SECRET = f"arn:aws:secretsmanager:{PLACE}:secret:/bank/prod/core/neon-db-url-AbCdEf"
OBJECT = "arn:aws:s3:::bank-prod-documents-totara/object"
BUCKET = OBJECT.removesuffix("/object")
LOGS = f"arn:aws:logs:{PLACE}:log-group:/aws/bank-platform/prod/secrets-audit"
ROLE = "arn:aws:iam::333333333333:role/BankCoreRole"
POLICY = "arn:aws:iam::333333333333:policy/bank-secrets-read"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:bank-core-posting-prod"

PATHS = tuple(
    (call, resource)
    for resource, calls in {
        SECRET: "secretsmanager:PutResourcePolicy secretsmanager:DeleteResourcePolicy",
        KEY: "kms:PutKeyPolicy kms:CreateGrant kms:ReplicateKey kms:ReEncryptFrom",
        BUCKET: "s3:PutBucketPolicy s3:DeleteBucketPolicy s3:PutBucketAcl",
        OBJECT: "s3:GetObject s3:GetObjectVersion s3:DeleteObject s3:DeleteObjectVersion"
        " s3:PutObject s3:PutObjectAcl s3:PutObjectRetention",
        POLICY: "iam:CreatePolicyVersion iam:SetDefaultPolicyVersion iam:DeletePolicy",
        ROLE: "iam:AttachRolePolicy iam:CreateRole iam:DeleteRolePermissionsBoundary"
        " iam:DeleteRolePolicy iam:DetachRolePolicy iam:PassRole iam:PutRolePermissionsBoundary"
        " iam:PutRolePolicy iam:TagRole iam:UntagRole iam:UpdateAssumeRolePolicy sts:AssumeRole"
        " sts:AssumeRoot",
        "arn:aws:iam::333333333333:user/someone": "iam:AddUserToGroup iam:ChangePassword"
        " iam:CreateAccessKey iam:CreateLoginProfile iam:DeactivateMFADevice"
        " iam:RemoveUserFromGroup iam:UploadSigningCertificate",
        FUNCTION: "lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration",
        LOGS: "logs:DeleteLogGroup logs:DeleteLogStream logs:DeleteRetentionPolicy"
        " logs:DisassociateKmsKey logs:FilterLogEvents logs:GetLogEvents logs:StartQuery",
    }.items()
    for call in calls.split()
)
"""Calls that lead to a value, an object or an event, or give somebody rights; on what."""
VALUES = (
    ("secretsmanager:GetSecretValue", SECRET),
    ("secretsmanager:BatchGetSecretValue", SECRET),
)
MAY: dict[str, frozenset[str]] = {
    # It makes containers and buckets, so it writes their policies (docs/guides/delivery.md).
    "BankDeployRole": frozenset({
        "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy",
        "secretsmanager:TagResource", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy",
    }),
    "BankSecretsRotationRole": frozenset({"secretsmanager:GetSecretValue"}),
    "BankBreakGlassRole": frozenset({"secretsmanager:GetSecretValue"}),
    "BankCoreRole": frozenset({"secretsmanager:GetSecretValue"}),
}  # fmt: skip
"""Role -> calls that it may make on those; every other role may make none."""
DENIED_AGAIN: dict[str, frozenset[str]] = {
    # For log groups of functions; those of the platform it must leave alone, see NEVER.
    "BankDeployRole": frozenset({
        "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy", "logs:DisassociateKmsKey",
    }),
}  # fmt: skip
PASSED = frozenset({
    ("BankAlarmRouterRole", "lambda"), ("BankBackupRole", "backup"),
    ("BankCognitoSmsRole", "cognito-idp"), ("BankConfigurationMonitorRole", "appconfig"),
    ("BankPreTokenGenerationRole", "lambda"),
})  # fmt: skip
"""Roles that may be handed to a service, which is only done by who deploys."""
EVERY_SECRET = frozenset({"BankBreakGlassRole", "BankSecretsRotationRole"})
_MUTATION = (
    "CreateSecret", "DeleteResourcePolicy", "DeleteSecret", "PutResourcePolicy", "PutSecretValue",
    "RotateSecret", "UpdateSecret", "UpdateSecretVersionStage",
)  # fmt: skip
NEVER: dict[str, tuple[tuple[str, str], ...]] = {
    "BankDeployRole": (
        *(p for p in PATHS if p[0] not in MAY["BankDeployRole"] and p[1] != FUNCTION
          and p[0] != "iam:PassRole"),
        *VALUES,
        ("kms:Decrypt", KEY),
        ("iam:CreatePolicy", POLICY),
        ("s3:PutObjectLegalHold", OBJECT),
    ),
    "domain": (
        *((f"secretsmanager:{call}", SECRET) for call in _MUTATION),
        *((f"logs:{call}", LOGS) for call in (
            "DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy", "PutRetentionPolicy")),
    ),
    "BankCognitoSmsRole": (("sns:Publish", f"arn:aws:sns:{PLACE}:bank-platform-alerts-prod"),),
}  # fmt: skip
"""Role -> calls that it may not make whoever allows them: its own policies deny them."""
SUFFIX = "AbCdEf"
ON_OWN = ("secretsmanager:BatchGetSecretValue", "secretsmanager:GetRandomPassword",
          "secretsmanager:ReplicateSecretToRegions", "secretsmanager:TagResource")  # fmt: skip
"""Calls that no role of a domain makes on a secret that it may read."""
DIRECT = {
    "aws:securetransport": "true", "kms:viaservice": None, "kms:grantisforawsresource": None,
}  # fmt: skip
"""Condition keys of a call that the role makes itself."""
ANYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@cache
def world() -> tuple[Any, Any, Any]:
    blueprint = planned_account.with_roles(Environment.PROD)
    return blueprint, planned_account.account(blueprint), planned_account.targets(blueprint)


def short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def breaches(role: Principal) -> Iterator[str]:
    """What a role may do, and should not."""
    blueprint, _, targets = world()
    name = short(role.arn)
    domains = blueprint.scope.domain_roles
    own = next((d for d, r in domains.items() if r == name), None)
    segment = blueprint.scope.catalogue.domain[own].path_segment if own else "none"
    secrets = (f"neon-db-url-{SUFFIX}", f"neon-db-migrate-url-{SUFFIX}")
    near = [f"{SECRET.rpartition('/core')[0]}/{d}/{s}" for d in (segment, "core") for s in secrets]
    # Without its denials: what is allowed must not depend on something else denying it again.
    bare = replace(role, policies=tuple(map(_allowing, role.policies)))
    for call, resource in (*PATHS, *VALUES, *((c, s) for s in near for c in ON_OWN)):
        expected = MAY.get(name, frozenset()) | DENIED_AGAIN.get(name, frozenset())
        if call not in expected and decide(bare, call, resource, context=DIRECT).possible:
            yield f"{name} may {call}"
    yield from _elsewhere(bare, name)
    denied = NEVER.get("domain" if name in domains.values() else name, ())
    free = replace(role, policies=(ANYTHING, *role.policies))
    yield from (
        f"{name} may be allowed {call}"
        for call, resource in denied
        if decide(free, call, resource, context=DIRECT).possible
    )
    for target in (t for t in targets if t.reading == "secretsmanager:GetSecretValue"):
        reads = decide(role, target.reading, target.arn, context=dict(target.context)).possible
        named = role.arn in target.readers or target.name.startswith(f"/bank/prod/{segment}/")
        if reads and not named:
            yield f"{name} may read {target.name} by its own policies"
    yield from _keys(bare, name, {(t.alias, t.service) for t in targets if role.arn in t.readers})


def _allowing(document: Document) -> Document:
    return {"Statement": [s for s in document["Statement"] if s["Effect"] == "Allow"]}


def _elsewhere(role: Principal, name: str) -> Iterator[str]:
    """What a role may do to what is not this environment's, and which roles it hands on."""
    for call in ("GetSecretValue", "DeleteSecret", "PutResourcePolicy"):
        other = SECRET.replace("/bank/prod/", "/bank/dev/")
        if decide(role, f"secretsmanager:{call}", other).possible:
            yield f"{name} may {call} in another environment"
    if decide(role, "kms:ScheduleKeyDeletion", FOREIGN_KEY).possible:
        yield f"{name} may delete keys of other accounts"
    _, account, _ = world()
    for arn in account.principals:
        for service in ("appconfig", "backup", "cognito-idp", "ec2", "glue", "lambda"):
            context: dict[str, str | None] = {"iam:passedtoservice": f"{service}.amazonaws.com"}
            passes = decide(role, "iam:PassRole", arn, context=context).possible
            if passes and (short(arn), service) not in PASSED:
                yield f"{name} may pass {short(arn)} to {service}"


def _keys(role: Principal, name: str, read: set[tuple[str, str]]) -> Iterator[str]:
    services = {"BankAlarmRouterRole": "sns", "BankDeployRole": "backup"}
    for alias in ALIASES:
        for service in SERVICES:
            context = {"kms:viaservice": service, "kms:resourcealiases": alias}
            if decide(role, "kms:Decrypt", FOREIGN_KEY, context=context).possible:
                yield f"{name} may decrypt with keys of other accounts"
            by_service = service is not None and service.split(".")[0] == services.get(name)
            # The role that exports seals with the key itself; these two are for every secret.
            seals = name == "BankExportRole" and alias == "alias/bank-prod-pii"
            every = name in EVERY_SECRET and alias is not None and service == SERVICES[4]
            for call in ("kms:Decrypt", "kms:CreateGrant", "kms:PutKeyPolicy"):
                if not decide(role, call, KEY, context=context).possible:
                    continue
                decrypts = call == "kms:Decrypt" and (seals or every or (alias, service) in read)
                if not (by_service and call != "kms:PutKeyPolicy") and not decrypts:
                    yield f"{name} may {call} with {alias} through {service}"
    for alias in (COPIES, *ALIASES):
        for call in ("kms:Encrypt", "kms:Decrypt", "kms:PutKeyPolicy"):
            context = DIRECT | {"kms:resourcealiases": alias}
            here = decide(role, call, KEY, context=context).possible and call == "kms:Encrypt"
            there = decide(role, call, KEY_OF_COPIES, context=context).possible
            if decide(role, call, FOREIGN_KEY, context=context).possible:
                yield f"{name} may {call} with keys of other accounts"
            # An export is sealed for the region that takes over, too.
            seals = name == "BankExportRole" and call == "kms:Encrypt" and alias == COPIES
            if here or (there and not seals):
                yield f"{name} may {call} with {alias} directly"


def test_no_role_has_a_right_too_many():
    blueprint, account, _ = world()
    roles = platform_roles(blueprint.scope) & set(account.principals)
    assert len(roles) >= 13
    assert {b for arn in account.principals for b in breaches(account.principals[arn])} == set()


SENSITIVE = ("iam", "kms", "secretsmanager", "sts")


def mutants(role: Principal) -> Iterator[tuple[str, Principal]]:
    """Each statement weakened in each way: what was done, and the role then."""
    for index, document in enumerate(role.policies):
        for number, statement in enumerate(document["Statement"]):
            for done, weaker in _weaker(statement):
                changed = copy.deepcopy(dict(document))
                changed["Statement"][number : number + 1] = [weaker] if weaker else []
                policies = (*role.policies[:index], changed, *role.policies[index + 1 :])
                yield f"{statement['Sid']}: {done}", replace(role, policies=policies)


def _weaker(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    actions = as_list(statement["Action"])
    if statement["Effect"] == "Deny":
        yield "no longer denied", None
        if len(actions) > 1:
            for action in actions:
                rest = [a for a in actions if a != action]
                yield f"{action} no longer denied", {**statement, "Action": rest}
        yield "denied on something else", {**statement, "Resource": ["arn:aws:none:::none"]}
        met = {"Bool": {"aws:MultiFactorAuthPresent": "false"}}
        yield "denied under a condition", {**statement, "Condition": met}
        return
    service = actions[0].split(":")[0]
    if service not in SENSITIVE:
        return
    metadata = all(a.split(":")[1].startswith(("Describe", "Get", "List")) for a in actions)
    if statement["Resource"] not in ("*", ["*"]) and not metadata:
        yield "allowed on everything", {**statement, "Resource": "*"}
    # No other call of IAM has a service to which something is passed.
    if "iam:PassedToService" not in str(statement.get("Condition")):
        yield f"{service}:* allowed", {**statement, "Action": f"{service}:*"}
    for operator in statement.get("Condition", {}):
        rest = {k: v for k, v in statement["Condition"].items() if k != operator}
        yield f"without {operator}", {**statement, "Condition": rest}


@pytest.mark.parametrize(
    "name", ["BankCoreRole", "BankPlatformRole", "BankDeployRole", "BankReadRole", "BankExportRole",
             "BankSecretsRotationRole", "BankBreakGlassRole", "BankAlarmRouterRole",
             "BankCognitoSmsRole"],
)  # fmt: skip
def test_no_policy_can_be_weakened_unnoticed(name):
    blueprint, account, _ = world()
    role = account.principals[blueprint.scope.role_arn(name)]
    assert list(breaches(role)) == []
    tried = list(mutants(role))
    assert tried
    unnoticed = {done for done, weaker in tried if next(breaches(weaker), None) is None}
    assert unnoticed == set()
