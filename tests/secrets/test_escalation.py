"""The search for ways to secrets and objects: what each role reads now, and after two changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from tests.secrets import planned_account
from tests.secrets.planned_account import changed
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.checks import Outcome
from totara_infra.operations.secrets.escalation import ways
from totara_infra.operations.secrets.exposure import exposures, platform_roles

SHARED = [Environment.DEV, Environment.UAT, Environment.PROD]


@cache
def world(environment: Environment = Environment.PROD):
    blueprint = planned_account.with_roles(environment)
    return blueprint, planned_account.account(blueprint), planned_account.targets(blueprint)


@pytest.mark.parametrize("environment", SHARED)
def test_no_role_gets_at_what_it_is_no_reader_of(environment):
    blueprint, account, targets = world(environment)
    assert len(targets) > 70
    assert len(platform_roles(blueprint.scope)) >= 13
    results = list(exposures(blueprint.scope, account, targets))
    told = {r.subject: r.found or r.fix for r in results if r.outcome is not Outcome.PASSED}
    assert told == {}


DEPLOY = "BankDeployRole"


def gained(role: str, *actions: str, resource: str = "*") -> dict[str, str]:
    """What a role of prod reaches with a right more, whatever else it is denied."""
    blueprint, account, targets = world()
    arn = blueprint.scope.role_arn(role)
    before = account.principals[arn]
    allowed = [
        {"Statement": [s for s in d["Statement"] if s["Effect"] == "Allow"]}
        for d in before.policies
    ]
    more = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    wider = changed(account, arn, policies=({"Statement": [more]}, *allowed))
    some = [t for t in targets if t.name in SOME]
    return {w.target: str(w) for w in ways(wider, wider.principals[arn], some)}


SOME = ("/bank/prod/core/neon-db-url", "bank-prod-documents-totara")
KMS = "kms:PutKeyPolicy"


@pytest.mark.parametrize(
    ("role", "actions", "step"),
    [
        (DEPLOY, ("secretsmanager:PutResourcePolicy", KMS), "kms:PutKeyPolicy of"),
        (DEPLOY, ("secretsmanager:Delete*", "secretsmanager:GetSecretValue", KMS), "of"),
        (DEPLOY, ("kms:CreateGrant",), "kms:CreateGrant of"),
        (DEPLOY, ("iam:PutRolePolicy",), "iam:PutRolePolicy on BankDeployRole"),
        (DEPLOY, ("iam:AttachRolePolicy",), "iam:AttachRolePolicy on BankDeployRole"),
        (DEPLOY, ("iam:CreatePolicyVersion",), "CreatePolicyVersion of Pipeline-BankDeployRole"),
        (DEPLOY, ("iam:SetDefaultPolicyVersion",), "SetDefaultPolicyVersion of Pipeline"),
        (DEPLOY, ("iam:UpdateAssumeRolePolicy",), "UpdateAssumeRolePolicy of"),
        (DEPLOY, ("iam:PassRole",), "with lambda:CreateFunction"),
        (DEPLOY, ("lambda:UpdateFunctionCode",), "UpdateFunctionCode of"),
        ("BankReadRole", ("secretsmanager:*", "kms:*"), "PutResourcePolicy of"),
        ("BankAppRole", ("secretsmanager:PutResourcePolicy",), "PutResourcePolicy of"),
        ("BankPlatformRole", ("iam:TagRole", "secretsmanager:Delete*"), "of"),
    ],
)  # fmt: skip
def test_each_change_that_leads_to_a_value_is_found(role, actions, step):
    found = gained(role, *actions)
    assert found, "no way found"
    assert any(step in way for way in found.values()), found


def test_a_boundary_and_a_denial_close_a_way_and_taking_them_off_opens_it():
    blueprint, account, targets = world()
    arn = blueprint.scope.role_arn("BankReadRole")
    every = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    allow = {"Statement": [{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]}
    bound = changed(account, arn, policies=(every,), boundary=allow, managed=())
    assert ways(bound, bound.principals[arn], targets) == []
    rights = {"Effect": "Allow", "Action": "iam:DeleteRolePermissionsBoundary", "Resource": "*"}
    free = {"Statement": [*allow["Statement"], rights]}
    loose = changed(account, arn, policies=(every,), boundary=free, managed=())
    assert "DeleteRolePermissionsBoundary on BankReadRole" in str(
        ways(loose, loose.principals[arn], targets)[0]
    )


def test_a_role_that_is_lent_in_an_emergency_is_no_way_but_any_other_is():
    blueprint, account, targets = world()
    platform = blueprint.scope.role_arn("BankPlatformRole")
    emergency = blueprint.scope.role_arn("BankBreakGlassRole")
    assert (platform, emergency) in account.lent
    followed = replace(account, lent=frozenset())
    assert "reads it at once" in map(str, ways(followed, account.principals[platform], targets))
