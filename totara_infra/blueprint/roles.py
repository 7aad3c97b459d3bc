"""IAM roles of the domains and the policies that they carry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.resource import PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Policy, PolicyStatement, RuntimeRole
from totara_infra.model.naming import fill
from totara_infra.model.stack import RoleHandling
from totara_infra.model.vocabulary import Source


def role_resources(scope: Scope, module: Module, role: RuntimeRole) -> Iterator[PlannedResource]:
    """A role with its own policy and the managed policies of its domain.

    Nothing where the stack finds its roles ready made: the pipeline may not create any.
    """
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"role/{role.name}"
    domain = scope.catalogue.domain.get(role.domain)
    tags = scope.tags(module.id)
    if domain is not None:
        # `bank-secrets-read` opens the path that this tag names, and no other.
        tags["domain"] = domain.path_segment
    yield PlannedResource(
        "aws:iam/role:Role",
        name,
        module.id,
        "roles",
        {
            "name": role.name,
            "description": f"{role.purpose[0].upper()}{role.purpose[1:]}.",
            "assume_role_policy": _document(
                {
                    "Sid": "Assume",
                    "Effect": "Allow",
                    "Principal": _principals(scope, role.assumed_by),
                    "Action": "sts:AssumeRole",
                }
            ),
            "tags": tags,
        },
    )
    statements = [*_statements(scope, role), *_declared(scope, role.statements)]
    if statements:
        yield PlannedResource(
            "aws:iam/rolePolicy:RolePolicy",
            f"{name}/policy",
            module.id,
            "roles",
            {"name": "runtime", "role": Reference(name, "name"), "policy": _document(*statements)},
        )


def policy_resources(scope: Scope, module: Module, policy: Policy) -> Iterator[PlannedResource]:
    """A managed policy, attached to the roles of the domains that carry it.

    Nothing where roles are ready made: who deploys may not write policies, see `managed_policies`.
    """
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"policy/{policy.name}"
    yield PlannedResource(
        "aws:iam/policy:Policy",
        name,
        module.id,
        "roles",
        {
            "name": policy.name,
            "description": policy.why,
            "policy": _document(*_declared(scope, policy.statements)),
            "tags": scope.tags(module.id),
        },
    )
    for role_name in _carriers(scope, policy):
        yield PlannedResource(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            f"{name}/{role_name}",
            module.id,
            "roles",
            {
                "role": Reference(f"role/{role_name}", "name"),
                "policy_arn": Reference(name, "arn"),
            },
        )


@dataclass(frozen=True)
class ManagedPolicy:
    """A managed policy that the bootstrap identity makes where roles are ready made.

    Attributes:
        name: of the policy.
        description: of the policy.
        document: what it says.
        roles: names of the roles that carry it.
        module: id of the module that declares it.
    """

    name: str
    description: str
    document: dict[str, Any]
    roles: tuple[str, ...]
    module: str


def managed_policies(scope: Scope) -> list[ManagedPolicy]:
    """The policies that no stack with ready-made roles makes, as the role that deploys may not."""
    return [
        ManagedPolicy(
            policy.name,
            policy.why,
            json.loads(_document(*_declared(scope, policy.statements))),
            tuple(_carriers(scope, policy)),
            module.id,
        )
        for module in scope.catalogue.modules.values()
        if module.id in scope.active
        for policy in module.resources
        if isinstance(policy, Policy) and policy.source is Source.RESOURCE
    ]


def _carriers(scope: Scope, policy: Policy) -> list[str]:
    """Names of the domains' roles that carry a policy."""
    carried = policy.attached_to_domains
    return [name for name, domain in runtime_roles(scope) if carried == "all" or domain in carried]


def _declared(scope: Scope, statements: list[PolicyStatement]) -> Iterator[dict[str, Any]]:
    """Statements as the catalogue declares them, with this stack's names filled in."""
    values = {
        "region": scope.settings.region,
        "account": scope.settings.account_id,
        "env": scope.env,
    }
    for statement in statements:
        yield {
            "Sid": statement.id,
            "Effect": statement.effect,
            "Action": statement.actions,
            "Resource": [fill(resource, values) for resource in statement.resources],
            **(
                {
                    "Condition": {
                        operator: {
                            key: [fill(value, values) for value in expected]
                            for key, expected in keys.items()
                        }
                        for operator, keys in statement.condition.items()
                    }
                }
                if statement.condition
                else {}
            ),
        }


def runtime_roles(scope: Scope) -> list[tuple[str, str]]:
    """Name and domain of every role under which a domain's functions run."""
    return sorted(
        (r.name, r.domain)
        for m in scope.catalogue.modules.values()
        for r in m.resources
        if isinstance(r, RuntimeRole) and r.domain and r.source is Source.RESOURCE
    )


def _principals(scope: Scope, assumed_by: list[str]) -> dict[str, Any]:
    services = [p for p in assumed_by if p.endswith(".amazonaws.com")]
    roles = [scope.role_arn(p) for p in assumed_by if p not in services]
    return {**({"Service": services} if services else {}), **({"AWS": roles} if roles else {})}


def _statements(scope: Scope, role: RuntimeRole) -> Iterator[dict[str, Any]]:
    domain = scope.catalogue.domain.get(role.domain)
    if domain is None:
        return
    buses = sorted({domain.event_bus, *role.publishes_to})
    yield _allow(
        "PublishEvents",
        ["events:PutEvents"],
        [scope.arn("events", f"event-bus/{bus}") for bus in buses],
    )
    if role.rules_on:
        yield _allow(
            "RulesOnForeignBuses",
            ["events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"],
            [scope.arn("events", f"rule/{bus}/*") for bus in sorted(role.rules_on)],
        )
    yield _allow(
        "ReadParameters",
        ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"],
        [scope.arn("ssm", f"parameter/bank/{scope.env}/*")],
    )
    yield _allow(
        "ReadConfiguration",
        ["appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"],
        [scope.arn("appconfig", "application/*")],
    )
    yield _allow(
        "WriteLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [scope.arn("logs", "log-group:*")],
    )
    classes = sorted(_secret_classes(scope, domain.id))
    if classes:
        yield _allow("DecryptSecrets", ["kms:Decrypt"], [scope.arn("kms", "key/*")]) | {
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": f"secretsmanager.{scope.settings.region}.amazonaws.com"
                },
                "ForAnyValue:StringEquals": {
                    "kms:ResourceAliases": [f"alias/bank-{scope.env}-{c}" for c in classes]
                },
            }
        }
    foreign = _foreign_secrets(scope, domain.id, domain.path_segment)
    if foreign:
        yield _allow(
            "ReadForeignSecrets",
            ["secretsmanager:GetSecretValue"],
            # The six characters are those that Secrets Manager adds to the name.
            [scope.arn("secretsmanager", f"secret:{path}-??????") for path in foreign],
        )


def _secret_classes(scope: Scope, domain_id: str) -> set[str]:
    """Key classes of the secrets that modules of a domain read."""
    return {
        secret.key_class.value
        for module in scope.catalogue.modules.values()
        for secret in module.secrets
        if any(
            scope.catalogue.domain_of[m].id == domain_id for m in scope.modules_of(secret.readers)
        )
    }


def _foreign_secrets(scope: Scope, domain_id: str, segment: str) -> list[str]:
    """Paths of secrets outside the domain that the catalogue lets its modules read."""
    return sorted(
        scope.fill(path, "*")
        for module in scope.catalogue.modules.values()
        for secret in module.secrets
        for path in (secret.path, secret.previously)
        if path is not None
        and not path.startswith(f"/bank/{{env}}/{segment}/")
        and any(
            scope.catalogue.domain_of[m].id == domain_id for m in scope.modules_of(secret.readers)
        )
    )


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
