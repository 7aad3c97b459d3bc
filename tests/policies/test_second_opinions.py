"""Policy documents as others judge them: parliament, which knows AWS's authorization reference."""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib import resources
from types import ModuleType
from typing import Any

import pytest

from tests.secrets import planned_account
from totara_infra.blueprint.pipeline_roles import pipeline_roles
from totara_infra.blueprint.resource import Joined
from totara_infra.model.vocabulary import Environment


@cache
def parliament() -> Any:
    """The library. It looks for its data with a module that setuptools no longer brings."""
    if "pkg_resources" not in sys.modules:
        stand_in = ModuleType("pkg_resources")
        stand_in.resource_filename = lambda package, name: str(resources.files(package) / name)
        sys.modules["pkg_resources"] = stand_in
    import parliament

    return parliament


def findings(document: dict[str, Any]) -> set[tuple[str, str]]:
    """What it says of a document: issue and detail."""
    statements = [
        # A trust policy has no resource: it is about the role that it belongs to.
        {"Resource": "*", **s} if "AssumeRole" in str(s["Action"]) else s
        for s in document["Statement"]
    ]
    judged = parliament().analyze_policy_string(json.dumps({**document, "Statement": statements}))
    return {(finding.issue, str(finding.detail)) for finding in judged.findings}


ACCEPTED = (
    # Its data is of 2025; KMS has the key (KMS developer guide, alias authorization).
    ("UNKNOWN_CONDITION_FOR_ACTION", "Unknown condition kms:ResourceAliases", ""),
    # AWS takes the provider's claims as keys; which, test_pipeline_trust.py holds.
    ("UNKNOWN_CONDITION_FOR_ACTION", "token.actions.githubusercontent.com:", " trust"),
    # It knows SAML providers and Cognito only.
    ("UNKNOWN_FEDERATION_SOURCE", "oidc-provider/token.actions.githubusercontent.com", ""),
    # In the policy of a key `*` means that key.
    ("RESOURCE_STAR", "'kms:", "key"),
    # AWS's own example compares the ARN in the encryption context with ArnEquals or ArnLike.
    ("MISMATCHED_TYPE", "ArnLike requires a value of type Arn but given String", "key"),
    # The same example allows kms:Describe* under that context, which those calls do not have.
    (
        "UNKNOWN_CONDITION_FOR_ACTION",
        "kms:EncryptionContext:aws:logs:arn for action kms:Desc",
        "key",
    ),
    # A trust policy, see above.
    ("RESOURCE_STAR", "'sts:", ""),
    # Looks at the state of alarms, of which there are more than a policy could name.
    ("RESOURCE_STAR", "['cloudwatch:DescribeAlarms']", ""),
    # A telephone number has no ARN.
    ("RESOURCE_STAR", "['sns:Publish']", "role/BankCognitoSmsRole"),
    # Named in the guide on delivery under what the role can still do. The objects themselves are
    # denied to it and encrypted with a key that it can't open.
    ("RESOURCE_POLICY_PRIVILEGE_ESCALATION", "bank-", "Pipeline-BankDeployRole"),
)
"""Issue, what its detail holds, what its document's name holds; each with its reason."""


def documents(environment: Environment) -> dict[str, dict[str, Any]]:
    """Every policy document of a stack and of its pipeline, by name."""
    blueprint = planned_account.with_roles(environment)
    found = {}
    for resource in blueprint.resources.values():
        for key, value in resource.properties.items():
            text = "".join(map(str, value.parts)) if isinstance(value, Joined) else value
            if isinstance(text, str) and '"Statement"' in text:
                found[f"{resource.name} {key}"] = planned_account.document_of(value)
    for role in pipeline_roles(blueprint.scope, "state-of-the-engine"):
        found[f"{role.name} trust"] = role.trust(blueprint.scope, "totara-bank/totara-infra")
        found |= role.policies
    return found


def accepted(name: str, issue: str, detail: str) -> bool:
    return any(
        issue == known and part in detail and start in name for known, part, start in ACCEPTED
    )


def test_parliament_finds_nothing_without_a_reason():
    everything = {}
    for environment in (Environment.LOCAL, Environment.PROD):
        everything |= {f"{environment}: {n}": d for n, d in documents(environment).items()}
    assert len(everything) > 250
    told = {
        (name, *finding)
        for name, document in everything.items()
        for finding in findings(document)
        if not accepted(name, *finding)
    }
    assert told == set()


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": "s3:GetObjekt", "Resource": "*"}, "UNKNOWN_ACTION"),
        ({"Action": "appconfig:CreateApplication", "Resource": "arn:aws:appconfig:*:*:a/*"},
         "RESOURCE_MISMATCH"),
        ({"Action": "iam:CreatePolicyVersion", "Resource": "*"}, "RESOURCE_STAR"),
    ],
)  # fmt: skip
def test_a_faulty_statement_is_found(statement, issue):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert issue in {found for found, _ in findings(document)}
