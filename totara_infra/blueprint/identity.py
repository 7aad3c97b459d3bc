"""User pools, clients, groups and trigger, composed from the claims that the domains declare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from totara_infra.blueprint.app_config import ACTIVATION_APPLICATION, DEPLOYMENT_PROFILE
from totara_infra.blueprint.resource import Archive, PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.model.declarations import Claim
from totara_infra.model.stack import Capacity, RoleHandling
from totara_infra.resolver.sequence import IDENTITY_STEP

Pool = Literal["customers", "staff"]
POOLS: tuple[Pool, ...] = ("customers", "staff")
OWNER = "MOD-104"
"""Module that publishes the pools; their resources carry its tags."""
TRIGGER_OWNER = "MOD-068"
RESOURCE_SERVER = "bank-api"
SCOPES = {"read": "Read accounts and payments.", "transact": "Move money and change accounts."}
TRIGGER_TIMEOUT_SECONDS = 5
"""Cognito waits five seconds for a trigger, whatever the function's own timeout."""
LICENCE_POLL_SECONDS = 60
LICENCE_KEEP_SECONDS = 900
_CONCURRENCY = {Capacity.MINIMUM: None, Capacity.REDUCED: 10, Capacity.FULL: 50}


@dataclass(frozen=True)
class Client:
    """An app client.

    Attributes:
        name: as in names and in the claims' lists.
        pool: the pool that it belongs to.
        flows: Cognito's names of what it may do to sign in.
        refresh_days: lifetime of its refresh tokens.
        access_hours: lifetime of its access and id tokens.
    """

    name: str
    pool: Pool
    flows: tuple[str, ...]
    refresh_days: int
    access_hours: int


_CUSTOM = ("ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
_PASSWORD = (
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
)
CLIENTS = (
    Client("mobile-app", "customers", _CUSTOM, refresh_days=30, access_hours=1),
    Client("service", "customers", _CUSTOM, refresh_days=1, access_hours=1),
    Client(
        "staff-portal",
        "staff",
        ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"),
        # At most eight hours in all, then the identity provider is asked again.
        refresh_days=1,
        access_hours=1,
    ),
)
PASSWORD_CLIENTS = (
    Client("password", "customers", _PASSWORD, refresh_days=1, access_hours=1),
    Client("staff-password", "staff", _PASSWORD, refresh_days=1, access_hours=1),
)
# Names that Cognito gives to standard attributes; a read list is never empty.
_STANDARD_READ = {"customers": ["phone_number", "phone_number_verified"], "staff": ["email"]}
_STANDARD_WRITE = {"customers": ["phone_number"], "staff": ["email"]}


def clients(scope: Scope) -> tuple[Client, ...]:
    """The app clients of this stack."""
    return CLIENTS + (PASSWORD_CLIENTS if scope.settings.password_sign_in else ())


def claims_of(scope: Scope, pool: Pool) -> list[Claim]:
    """Claims of a pool's tokens, in the order in which the catalogue declares them."""
    return [c for d in scope.catalogue.domains for c in d.claims if pool in c.pools]


def pool_name(scope: Scope, pool: Pool) -> str:
    """The pool's published name."""
    return f"bank-{pool}-{scope.env}"


def identity_resources(scope: Scope) -> list[PlannedResource]:
    """Everything about sign-in."""
    found: list[PlannedResource] = [*_trigger_role(scope)]
    for pool in POOLS:
        found += _trigger(scope, pool)
        found.append(_user_pool(scope, pool))
        found.append(_permission(scope, pool))
        found += _groups(scope, pool)
    found.append(_resource_server(scope))
    found += [_client(scope, client) for client in clients(scope)]
    return found


def _planned(kind: str, name: str, properties: dict[str, Any], **options: Any) -> PlannedResource:
    return PlannedResource(kind, name, IDENTITY_STEP, "identity", properties, **options)


def _trigger_name(scope: Scope, pool: Pool) -> str:
    return f"bank-pre-token-generation-{pool}-{scope.env}"


def _trigger_role(scope: Scope) -> Iterator[PlannedResource]:
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = "role/BankPreTokenGenerationRole"
    yield _planned(
        "aws:iam/role:Role",
        name,
        {
            "name": "BankPreTokenGenerationRole",
            "description": "Role of the trigger that writes claims into sign-in tokens.",
            "assume_role_policy": _policy(
                {
                    "Sid": "Assume",
                    "Effect": "Allow",
                    "Principal": {"Service": ["lambda.amazonaws.com"]},
                    "Action": "sts:AssumeRole",
                }
            ),
            "tags": scope.tags(TRIGGER_OWNER),
        },
    )
    yield _planned(
        "aws:iam/rolePolicy:RolePolicy",
        f"{name}/policy",
        {
            "name": "trigger",
            "role": Reference(name, "name"),
            "policy": _policy(
                {
                    "Sid": "ReadLicences",
                    "Effect": "Allow",
                    "Action": [
                        "appconfig:GetLatestConfiguration",
                        "appconfig:StartConfigurationSession",
                    ],
                    "Resource": [scope.arn("appconfig", "application/*")],
                },
                {
                    "Sid": "WriteLogs",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": [
                        scope.arn("logs", f"log-group:/aws/lambda/{_trigger_name(scope, pool)}:*")
                        for pool in POOLS
                    ],
                },
            ),
        },
    )


@cache
def trigger_archive() -> Archive:
    """The trigger's code, as it is uploaded."""
    source = Path(__file__).resolve().parent.parent / "trigger" / "pre_token_generation.py"
    return Archive({"pre_token_generation.py": source.read_text(encoding="utf-8")})


def _trigger(scope: Scope, pool: Pool) -> Iterator[PlannedResource]:
    name = _trigger_name(scope, pool)
    tags = scope.tags(TRIGGER_OWNER)
    log_group = f"log_group/pre-token-generation-{pool}"
    yield _planned(
        "aws:cloudwatch/logGroup:LogGroup",
        log_group,
        {
            "name": f"/aws/lambda/{name}",
            "retention_in_days": scope.settings.log_retention_days,
            "tags": tags,
        },
    )
    created = scope.settings.roles is RoleHandling.CREATE
    role = "BankPreTokenGenerationRole"
    scopes = [f"{RESOURCE_SERVER}/{s}" for s in SCOPES] if pool == "customers" else []
    properties: dict[str, Any] = {
        "name": name,
        "description": f"Writes the platform's claims into the tokens of {pool}.",
        "role": Reference(f"role/{role}", "arn") if created else scope.role_arn(role),
        "runtime": "python3.12",
        "architectures": ["arm64"],
        "handler": "pre_token_generation.handler",
        "code": trigger_archive(),
        "timeout": TRIGGER_TIMEOUT_SECONDS,
        "memory_size": 512,
        "environment": {
            "variables": {
                "LICENCE_APPLICATION": ACTIVATION_APPLICATION,
                "LICENCE_ENVIRONMENT": scope.env,
                "LICENCE_PROFILE": DEPLOYMENT_PROFILE,
                "LICENCE_POLL_SECONDS": str(LICENCE_POLL_SECONDS),
                "LICENCE_KEEP_SECONDS": str(LICENCE_KEEP_SECONDS),
                "POOL": pool,
                "MFA_ENFORCED": "true" if _mfa_enforced(scope, pool) else "false",
                "API_SCOPES": " ".join(scopes),
            }
        },
        "tags": tags,
    }
    concurrency = _CONCURRENCY[scope.settings.capacity]
    if concurrency is not None:
        properties["reserved_concurrent_executions"] = concurrency
    waits = (log_group, f"role/{role}/policy") if created else (log_group,)
    yield _planned("aws:lambda/function:Function", f"trigger/{pool}", properties, waits_for=waits)


def _permission(scope: Scope, pool: Pool) -> PlannedResource:
    del scope
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


def _mfa_enforced(scope: Scope, pool: Pool) -> bool:
    # Staff show a second factor at every sign-in. Where passwords are taken (local only), nobody
    # has enrolled a device.
    return pool == "staff" and not scope.settings.password_sign_in


def _user_pool(scope: Scope, pool: Pool) -> PlannedResource:
    customers = pool == "customers"
    return _planned(
        "aws:cognito/userPool:UserPool",
        f"user_pool/{pool}",
        {
            "name": pool_name(scope, pool),
            "user_pool_tier": "ESSENTIALS",
            "username_attributes": ["phone_number" if customers else "email"],
            "username_configuration": {"case_sensitive": False},
            "auto_verified_attributes": ["phone_number" if customers else "email"],
            "admin_create_user_config": {"allow_admin_create_user_only": True},
            "mfa_configuration": "ON" if _mfa_enforced(scope, pool) else "OFF",
            **(
                {"software_token_mfa_configuration": {"enabled": True}}
                if _mfa_enforced(scope, pool)
                else {}
            ),
            "account_recovery_setting": {
                "recovery_mechanisms": [
                    {
                        "name": "verified_phone_number" if customers else "admin_only",
                        "priority": 1,
                    }
                ]
            },
            "password_policy": {
                "minimum_length": 16,
                "require_lowercase": True,
                "require_numbers": True,
                "require_symbols": True,
                "require_uppercase": True,
                "temporary_password_validity_days": 1,
            },
            "schemas": [
                {
                    "name": claim.attribute,
                    "attribute_data_type": "String",
                    "mutable": claim.mutable,
                    "required": False,
                    "developer_only_attribute": False,
                    # Left out, Cognito fills them in and every later plan shows a change.
                    "string_attribute_constraints": {
                        "min_length": "0",
                        "max_length": str(claim.maximum_length),
                    },
                }
                for claim in claims_of(scope, pool)
                if claim.origin == "attribute"
            ],
            "lambda_config": {
                "pre_token_generation_config": {
                    "lambda_arn": Reference(f"trigger/{pool}", "arn"),
                    "lambda_version": "V2_0",
                }
            },
            "deletion_protection": "ACTIVE" if scope.settings.protect else "INACTIVE",
            "tags": scope.tags(OWNER),
        },
        protect=scope.settings.protect,
    )


def _groups(scope: Scope, pool: Pool) -> Iterator[PlannedResource]:
    for claim in claims_of(scope, pool):
        if claim.origin != "group":
            continue
        for group in claim.values or []:
            yield _planned(
                "aws:cognito/userGroup:UserGroup",
                f"user_pool/{pool}/group/{group}",
                {"name": group, "user_pool_id": Reference(f"user_pool/{pool}", "id")},
            )


def _resource_server(scope: Scope) -> PlannedResource:
    del scope
    return _planned(
        "aws:cognito/resourceServer:ResourceServer",
        "user_pool/customers/resource-server",
        {
            "identifier": RESOURCE_SERVER,
            "name": "Bank API",
            "user_pool_id": Reference("user_pool/customers", "id"),
            "scopes": [
                {"scope_name": name, "scope_description": text} for name, text in SCOPES.items()
            ],
        },
    )


def attribute_lists(scope: Scope, client: Client) -> tuple[list[str], list[str]]:
    """Read and write list of a client: explicit and never empty, as empty means everything."""
    # The password clients stand in for the real ones, so they see and write the same.
    stands_for = {"password": "mobile-app", "staff-password": "staff-portal"}
    name = stands_for.get(client.name, client.name)
    owned = [c for c in claims_of(scope, client.pool) if c.origin == "attribute"]
    read = [f"custom:{c.attribute}" for c in owned if name in c.readable_by]
    write = [f"custom:{c.attribute}" for c in owned if name in c.writable_by]
    return (
        sorted([*_STANDARD_READ[client.pool], *read]),
        sorted([*_STANDARD_WRITE[client.pool], *write]),
    )


def _client(scope: Scope, client: Client) -> PlannedResource:
    read, write = attribute_lists(scope, client)
    return _planned(
        "aws:cognito/userPoolClient:UserPoolClient",
        f"client/{client.name}",
        {
            "name": client.name,
            "user_pool_id": Reference(f"user_pool/{client.pool}", "id"),
            # A generated secret would stand in the state.
            "generate_secret": False,
            "explicit_auth_flows": list(client.flows),
            "prevent_user_existence_errors": "ENABLED",
            "enable_token_revocation": True,
            "access_token_validity": client.access_hours,
            "id_token_validity": client.access_hours,
            "refresh_token_validity": client.refresh_days,
            "token_validity_units": {
                "access_token": "hours",
                "id_token": "hours",
                "refresh_token": "days",
            },
            "read_attributes": read,
            "write_attributes": write,
        },
    )


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
