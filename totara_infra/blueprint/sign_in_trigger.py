"""The pre-token-generation trigger of each pool: role, function, log group, permission."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from totara_infra.blueprint.app_config import ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE
from totara_infra.blueprint.resource import Archive, Joined, PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.model.sign_in import (
    LICENCE_GRACE,
    POLL_INTERVAL,
    POOLS,
    Pool,
    claims_of,
    number,
)
from totara_infra.model.stack import Capacity, RoleHandling
from totara_infra.model.vocabulary import KeyClass
from totara_infra.resolver.sequence import IDENTITY_STEP, SIGN_IN_LOGS_STEP

OWNER = "MOD-068"
"""Module whose code the trigger is; its resources carry its tags."""
ROLE = "BankPreTokenGenerationRole"
TIMEOUT_SECONDS = 5
"""Cognito waits five seconds for a trigger, whatever the function's own timeout."""
_CONCURRENCY = {Capacity.MINIMUM: None, Capacity.REDUCED: 10, Capacity.FULL: 50}


def function_name(scope: Scope, pool: Pool) -> str:
    """The function's name."""
    return f"bank-pre-token-generation-{pool}-{scope.env}"


def mfa_enforced(scope: Scope, pool: Pool) -> bool:
    """Whether the pool lets nobody in without a second factor.

    Staff show one at every sign-in. Where passwords are taken (local only), nobody has enrolled a
    device. Customers' factors are checked by MOD-068's own challenge, which a pool knows nothing
    of.
    """
    return pool == "staff" and not scope.settings.password_sign_in


@cache
def trigger_archive() -> Archive:
    """The trigger's code, as it is uploaded."""
    source = Path(__file__).resolve().parent.parent / "trigger" / "pre_token_generation.py"
    return Archive({"pre_token_generation.py": source.read_text(encoding="utf-8")})


def _planned(kind: str, name: str, properties: dict[str, Any], **options: Any) -> PlannedResource:
    return PlannedResource(kind, name, IDENTITY_STEP, "identity", properties, **options)


def trigger_role(scope: Scope) -> Iterator[PlannedResource]:
    """The role of both functions: it reads one AppConfig profile and writes two log groups."""
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"role/{ROLE}"
    yield _planned(
        "aws:iam/role:Role",
        name,
        {
            "name": ROLE,
            "description": "Role of the trigger that writes claims into sign-in tokens.",
            "assume_role_policy": json.dumps(
                _policy(
                    {
                        "Sid": "Assume",
                        "Effect": "Allow",
                        "Principal": {"Service": ["lambda.amazonaws.com"]},
                        "Action": "sts:AssumeRole",
                    }
                ),
                sort_keys=True,
            ),
            "tags": scope.tags(OWNER),
        },
    )
    yield _planned(
        "aws:iam/rolePolicy:RolePolicy",
        f"{name}/policy",
        {
            "name": "trigger",
            "role": Reference(name, "name"),
            "policy": _role_policy(scope),
        },
    )


def _role_policy(scope: Scope) -> Joined:
    base = f"app_config/{ACTIVATION_APPLICATION}"
    # AppConfig's ARNs are made of ids that only AWS knows; each place holder becomes a reference.
    ids = {
        "@application@": Reference(base, "id"),
        "@environment@": Reference(f"{base}/environment", "environment_id"),
        "@profile@": Reference(f"{base}/{DEPLOYMENT_PROFILE}", "configuration_profile_id"),
    }
    profile = "application/@application@/environment/@environment@/configuration/@profile@"
    text = json.dumps(
        _policy(
            {
                "Sid": "ReadLicences",
                "Effect": "Allow",
                "Action": [
                    "appconfig:GetLatestConfiguration",
                    "appconfig:StartConfigurationSession",
                ],
                "Resource": [scope.arn("appconfig", profile)],
            },
            {
                "Sid": "WriteLogs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": [
                    scope.arn("logs", f"log-group:/aws/lambda/{function_name(scope, pool)}:*")
                    for pool in POOLS
                ],
            },
        ),
        sort_keys=True,
    )
    parts: list[str | Reference] = []
    for holder, reference in ids.items():
        before, text = text.split(holder)
        parts += [before, reference]
    return Joined((*parts, text))


def log_group(scope: Scope, pool: Pool) -> PlannedResource:
    """Plan the log group of a pool's function.

    It comes after the function, as its key does. What the function says before is lost, since its
    role may not make a log group, and nobody signs in before the first roll-out has passed.
    """
    return PlannedResource(
        "aws:cloudwatch/logGroup:LogGroup",
        f"log_group/pre-token-generation-{pool}",
        SIGN_IN_LOGS_STEP,
        "identity",
        {
            "name": f"/aws/lambda/{function_name(scope, pool)}",
            "retention_in_days": scope.settings.log_retention_days,
            "kms_key_id": Reference(f"key/{KeyClass.OPERATIONAL}", "arn"),
            "tags": scope.tags(OWNER),
        },
    )


def trigger(scope: Scope, pool: Pool) -> Iterator[PlannedResource]:
    """Plan a pool's function."""
    name, tags = function_name(scope, pool), scope.tags(OWNER)
    created = scope.settings.roles is RoleHandling.CREATE
    properties: dict[str, Any] = {
        "name": name,
        "description": f"Writes the platform's claims into the tokens of {pool}.",
        "role": Reference(f"role/{ROLE}", "arn") if created else scope.role_arn(ROLE),
        "runtime": "python3.12",
        "architectures": ["arm64"],
        "handler": "pre_token_generation.handler",
        "code": trigger_archive(),
        "timeout": TIMEOUT_SECONDS,
        "memory_size": 512,
        "environment": {"variables": trigger_variables(scope, pool)},
        "tags": tags,
    }
    concurrency = _CONCURRENCY[scope.settings.capacity]
    if concurrency is not None:
        properties["reserved_concurrent_executions"] = concurrency
    waits = (f"role/{ROLE}/policy",) if created else ()
    yield _planned("aws:lambda/function:Function", f"trigger/{pool}", properties, waits_for=waits)


def trigger_variables(scope: Scope, pool: Pool) -> dict[str, str]:
    """The function's environment: where licences are, and the claims as the catalogue has them."""
    environment = scope.settings.environment
    claims = [
        {
            "name": claim.name,
            "origin": claim.origin,
            "tokens": claim.tokens,
            "format": claim.format,
            "values": claim.values,
            "maximum_length": claim.maximum_length,
            "required": claim.required,
        }
        for _, claim in claims_of(scope.catalogue, pool)
        if claim.origin in ("attribute", "trigger") and claim.tokens
    ]
    return {
        "LICENCE_APPLICATION": ACTIVATION_APPLICATION,
        "LICENCE_ENVIRONMENT": scope.env,
        "LICENCE_PROFILE": DEPLOYMENT_PROFILE,
        "LICENCE_POLL_SECONDS": str(number(scope.catalogue, environment, POLL_INTERVAL)),
        "LICENCE_KEEP_SECONDS": str(number(scope.catalogue, environment, LICENCE_GRACE)),
        "POOL": pool,
        "MFA_ENFORCED": "true" if mfa_enforced(scope, pool) else "false",
        "CLAIMS": json.dumps(claims, sort_keys=True, separators=(",", ":")),
    }


def permission(pool: Pool) -> PlannedResource:
    """Lets that pool, and nobody else, call the function."""
    return _planned(
        "aws:lambda/permission:Permission",
        f"trigger/{pool}/permission",
        {
            "statement_id": "UserPoolCalls",
            "action": "lambda:InvokeFunction",
            "function": Reference(f"trigger/{pool}", "name"),
            "principal": "cognito-idp.amazonaws.com",
            "source_arn": Reference(f"user_pool/{pool}", "arn"),
        },
    )


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
