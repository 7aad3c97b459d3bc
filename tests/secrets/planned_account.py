"""An account as the blueprint and the pipeline's bootstrap make it, without making it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.conftest import PROJECT
from tests.environments import settings_of
from totara_infra import Blueprint, load_catalogue, load_tenants, plan
from totara_infra.blueprint.pipeline_roles import pipeline_roles
from totara_infra.blueprint.resource import Joined, Reference
from totara_infra.model.stack import RoleHandling
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.secrets.escalation import Account, Target
from totara_infra.operations.secrets.exposure import bucket_target, lent_roles, secret_target
from totara_infra.operations.secrets.inventory import entries
from totara_infra.operations.secrets.policies import Principal


def with_roles(environment: Environment) -> Blueprint:
    """The blueprint of an environment with the roles that it finds ready made on AWS."""
    settings = settings_of(environment).model_copy(update={"roles": RoleHandling.CREATE})
    return plan(load_catalogue().catalogue, settings, load_tenants(PROJECT, settings.tenants))


def account(blueprint: Blueprint) -> Account:
    """Its roles with their policies, and a function of each domain besides the stack's own."""
    scope = blueprint.scope
    found: dict[str, Principal] = {}
    resources = blueprint.resources
    for role in _of(blueprint, "Role"):
        arn = scope.role_arn(role.properties["name"])
        inline, managed = [], {}
        for policy in _of(blueprint, "RolePolicy"):
            if policy.properties["role"].resource == role.name:
                inline.append(document_of(policy.properties["policy"]))
        for attachment in _of(blueprint, "RolePolicyAttachment"):
            if attachment.properties["role"].resource != role.name:
                continue
            reference = attachment.properties["policy_arn"]
            if isinstance(reference, Reference):
                policy = resources[reference.resource].properties
                managed[scope.arn("iam", f"policy/{policy['name']}", regional=False)] = document_of(
                    policy["policy"]
                )
        found[arn] = Principal(
            arn,
            scope.settings.account_id,
            (*inline, *managed.values()),
            tags=role.properties["tags"],
            managed=tuple(managed),
            trust=document_of(role.properties["assume_role_policy"]),
        )
    for role in pipeline_roles(scope, "state-of-the-engine"):
        arn = scope.role_arn(role.name)
        documents = {
            scope.arn("iam", f"policy/{name}", regional=False): d
            for name, d in role.policies.items()
        }
        found[arn] = Principal(
            arn,
            scope.settings.account_id,
            tuple(documents.values()),
            managed=tuple(documents),
            trust=role.trust(scope, "totara-bank/totara-infra"),
        )
    functions = {
        scope.arn("lambda", f"function:bank-{domain.path_segment}-any-{scope.env}"): scope.role_arn(
            scope.domain_roles[domain.id]
        )
        for domain in scope.catalogue.domains
    }
    for function in _of(blueprint, "Function"):
        role = function.properties["role"]
        name = role.resource if isinstance(role, Reference) else role
        functions[scope.arn("lambda", f"function:{function.properties['name']}")] = scope.role_arn(
            name.rsplit("/", 1)[-1]
        )
    return Account(found, functions, lent_roles(scope))


def targets(blueprint: Blueprint) -> list[Target]:
    """Every secret, and the objects of every bucket."""
    scope, declared = blueprint.scope, entries(blueprint)
    found = []
    for secret in _of(blueprint, "Secret"):
        arn = scope.arn("secretsmanager", f"secret:{secret.properties['name']}-AbCdEf")
        key = secret.properties["kms_key_id"].resource
        found.append(
            secret_target(
                scope, declared[secret.properties["name"]].secret, secret.properties["name"], arn,
                document_of(secret.properties["policy"]),
                _key(blueprint, key),
                secret.properties["tags"],
            )
        )  # fmt: skip
    for policy in _of(blueprint, "BucketPolicy"):
        name = policy.properties["bucket"].resource
        bucket = blueprint.resources[name].properties["bucket"]
        key = _bucket_key(blueprint, name)
        text = document_of(policy.properties["policy"])
        key_class = key.rsplit("/", 1)[-1]
        found.append(bucket_target(scope, bucket, text, _key(blueprint, key), key_class))
    return found


def document_of(text: str | Joined) -> Any:
    """A policy document; what only a deployment knows stands for itself."""
    if isinstance(text, Joined):
        parts = (p if isinstance(p, str) else f"{p.resource}.{p.attribute}" for p in text.parts)
        text = "".join(parts)
    return json.loads(text)


def _bucket_key(blueprint: Blueprint, name: str) -> str:
    rule = blueprint.resources[f"{name}/encryption"].properties["rules"][0]
    return str(rule["apply_server_side_encryption_by_default"]["kms_master_key_id"].resource)


def _key(blueprint: Blueprint, name: str) -> tuple[str, Mapping[str, Any]]:
    policy = document_of(blueprint.resources[name].properties["policy"])
    return blueprint.scope.arn("kms", f"key/{name.rsplit('/', 1)[-1]}"), policy


def _of(blueprint: Blueprint, shape: str):
    return [r for r in blueprint.resources.values() if r.shape == shape]


def changed(account: Account, arn: str, **fields: Any) -> Account:
    """The same with one principal changed."""
    principal = replace(account.principals[arn], **fields)
    return replace(account, principals={**account.principals, arn: principal})
