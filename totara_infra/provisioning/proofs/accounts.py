"""Proofs about AWS accounts: the organisation, its policies, and the first roles."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint.pipeline_trust import ISSUER
from totara_infra.delivery.runbooks import Finding
from totara_infra.model.stack import RoleHandling
from totara_infra.operations.pipeline_roles import open_to_any_branch
from totara_infra.provisioning.proofs.asking import Asking, listed

BOOTSTRAP_ROLE = "BankBootstrapRole"
REQUIRED_TAGS = ("tenant_id", "module_id", "environment")
"""What the organisation enforces on everything that can carry tags."""


def organisation(asking: Asking) -> Finding:
    """The organisation has attached policies that enforce tags and deny the pipeline new roles."""
    client = asking.management("organizations")
    try:
        client.describe_organization()
    except client.exceptions.AWSOrganizationsNotInUseException:
        return Finding(False, "The account belongs to no organisation.")
    statements = list(_attached_denials(client))
    missing = []
    if not any(_denies_role_creation(s) for s in statements):
        missing.append("none that is attached denies iam:CreateRole")
    if not any(_enforces_tags(s) for s in statements):
        missing.append(f"none that is attached enforces the tags {', '.join(REQUIRED_TAGS)}")
    if missing:
        return Finding(False, f"Of its service control policies {' and '.join(missing)}.")
    return Finding(True, "Both baseline policies are attached.")


def _attached_denials(client: Any) -> Iterator[Mapping[str, Any]]:
    pages = client.get_paginator("list_policies").paginate(Filter="SERVICE_CONTROL_POLICY")
    for policy in (p for page in pages for p in page["Policies"]):
        if not client.list_targets_for_policy(PolicyId=policy["Id"])["Targets"]:
            continue
        content = json.loads(client.describe_policy(PolicyId=policy["Id"])["Policy"]["Content"])
        statements = content.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement.get("Effect") == "Deny":
                yield statement


def _denies_role_creation(statement: Mapping[str, Any]) -> bool:
    actions = statement.get("Action", [])
    names = [actions] if isinstance(actions, str) else actions
    return any(name.lower() in ("iam:createrole", "iam:create*", "iam:*") for name in names)


def _enforces_tags(statement: Mapping[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("Null", {})
    names = {key.removeprefix("aws:RequestTag/") for key in condition}
    return set(REQUIRED_TAGS) <= names


def member_account(asking: Asking) -> Finding:
    """The credentials belong to the account that the stack's file names."""
    live = asking.live()
    found = live.client("sts").get_caller_identity()["Account"]
    wanted = live.settings.account_id
    if found != wanted:
        return Finding(False, f"The credentials are of account {found}, the file names {wanted}.")
    return Finding(True, f"The account is {wanted}.")


def bootstrap_role(asking: Asking) -> Finding:
    """The management account has the role under which accounts are made."""
    if _role(asking.management("iam"), BOOTSTRAP_ROLE) is None:
        return Finding(False, f"The management account has no role {BOOTSTRAP_ROLE}.")
    return Finding(True, f"{BOOTSTRAP_ROLE} is there.")


def github_oidc_provider(asking: Asking) -> Finding:
    """The management account knows GitHub as an identity provider."""
    answer = asking.management("iam").list_open_id_connect_providers()
    arns = [p["Arn"] for p in answer["OpenIDConnectProviderList"]]
    if not any(arn.endswith(f"/{ISSUER}") for arn in arns):
        return Finding(False, f"IAM lists no provider {ISSUER}.")
    return Finding(True, f"{ISSUER} is registered.")


def deployment_roles(asking: Asking) -> Finding:
    """The member account has the roles that the pipeline may not make, and the one it assumes."""
    live = asking.live()
    iam, settings = live.client("iam"), live.settings
    deployer = _role(iam, settings.deployer_role)
    wanted = [settings.deployer_role]
    if settings.roles is RoleHandling.EXISTING:
        wanted += sorted(set(asking.blueprint(live).scope.domain_roles.values()))
    missing = [
        n for n in wanted if (deployer if n == settings.deployer_role else _role(iam, n)) is None
    ]
    if missing or deployer is None:
        return Finding(False, f"The account has no role {listed(missing)}.")
    if ISSUER not in json.dumps(deployer["AssumeRolePolicyDocument"]):
        return Finding(False, f"{settings.deployer_role} does not trust {ISSUER}.")
    if open_to_any_branch(deployer["AssumeRolePolicyDocument"]):
        remedy = "Run `totara pipeline bootstrap`."
        return Finding(False, f"{settings.deployer_role} lets in jobs of any branch. {remedy}")
    return Finding(True, f"{len(wanted)} roles, and {settings.deployer_role} trusts GitHub.")


def _role(iam: Any, name: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = iam.get_role(RoleName=name)["Role"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchEntity", "NoSuchEntityException"):
            return None
        raise
    return found
