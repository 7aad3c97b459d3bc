"""User pools, clients, groups and scopes, composed from the claims that the domains declare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.resource import PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.sign_in_trigger import (
    mfa_enforced,
    permission,
    trigger,
    trigger_role,
)
from totara_infra.model.sign_in import CLIENTS, POOLS, Pool, attribute_lists, claims_of, lifetimes
from totara_infra.model.stack import RoleHandling
from totara_infra.resolver.sequence import IDENTITY_STEP

OWNER = "MOD-104"
"""Module that publishes the pools; their resources carry its tags."""
RESOURCE_SERVER = "bank-api"
SCOPES = {"read": "Read accounts and payments.", "transact": "Move money and change accounts."}
SMS_ROLE = "BankCognitoSmsRole"
SIGN_IN_NAME: dict[Pool, str] = {"customers": "phone_number", "staff": "email"}
"""Pool -> the attribute with which its users sign in."""


@dataclass(frozen=True)
class Client:
    """An app client.

    Attributes:
        name: what it is called.
        stands_for: the client of the catalogue whose attributes it reads and writes.
        flows: Cognito's names of what it may do to sign in.
    """

    name: str
    stands_for: str
    flows: tuple[str, ...]

    @property
    def pool(self) -> Pool:
        """The pool that it belongs to."""
        return CLIENTS[self.stands_for]


_CUSTOM = ("ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH")
_PASSWORD = (
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
    "ALLOW_USER_PASSWORD_AUTH",
)
APP_CLIENTS = (
    Client("mobile-app", "mobile-app", _CUSTOM),
    Client("service", "service", _CUSTOM),
    Client("staff-portal", "staff-portal", ("ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH")),
)
PASSWORD_CLIENTS = (
    Client("password", "mobile-app", _PASSWORD),
    Client("staff-password", "staff-portal", _PASSWORD),
)
"""Where passwords are taken, which is local only: they stand in for the real clients."""


def clients(scope: Scope) -> tuple[Client, ...]:
    """The app clients of this stack."""
    return APP_CLIENTS + (PASSWORD_CLIENTS if scope.settings.password_sign_in else ())


def pool_name(scope: Scope, pool: Pool) -> str:
    """The pool's published name."""
    return f"bank-{pool}-{scope.env}"


def identity_resources(scope: Scope) -> list[PlannedResource]:
    """Everything about sign-in."""
    found: list[PlannedResource] = [*trigger_role(scope), *_sms_role(scope)]
    for pool in POOLS:
        found += trigger(scope, pool)
        found.append(_user_pool(scope, pool))
        found.append(permission(pool))
        found += _groups(scope, pool)
        found.append(_resource_server(pool))
    found += [_client(scope, client) for client in clients(scope)]
    return found


def _planned(kind: str, name: str, properties: dict[str, Any], **options: Any) -> PlannedResource:
    return PlannedResource(kind, name, IDENTITY_STEP, "identity", properties, **options)


def _sms_role(scope: Scope) -> Iterator[PlannedResource]:
    """The role with which Cognito sends the code that confirms a changed phone number."""
    if scope.settings.roles is RoleHandling.EXISTING:
        return
    name = f"role/{SMS_ROLE}"
    trust = {
        "Sid": "Assume",
        "Effect": "Allow",
        "Principal": {"Service": ["cognito-idp.amazonaws.com"]},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": scope.settings.account_id,
                "sts:ExternalId": pool_name(scope, "customers"),
            }
        },
    }
    yield _planned(
        "aws:iam/role:Role",
        name,
        {
            "name": SMS_ROLE,
            "description": "Role with which the pool of customers sends text messages.",
            "assume_role_policy": _document(trust),
            "tags": scope.tags(OWNER),
        },
    )
    # A phone number is no resource that could be named, so all is allowed and topics are not.
    send = (
        {"Sid": "SendTexts", "Effect": "Allow", "Action": ["sns:Publish"], "Resource": ["*"]},
        {
            "Sid": "NoTopics",
            "Effect": "Deny",
            "Action": ["sns:Publish"],
            "Resource": ["arn:aws:sns:*:*:*"],
        },
    )
    yield _planned(
        "aws:iam/rolePolicy:RolePolicy",
        f"{name}/policy",
        {"name": "send", "role": Reference(name, "name"), "policy": _document(*send)},
    )


def _user_pool(scope: Scope, pool: Pool) -> PlannedResource:
    sign_in_name, with_mfa = SIGN_IN_NAME[pool], mfa_enforced(scope, pool)
    properties: dict[str, Any] = {
        "name": pool_name(scope, pool),
        # The least plan whose tokens a trigger of version 2 can change.
        "user_pool_tier": "ESSENTIALS",
        "username_attributes": [sign_in_name],
        "username_configuration": {"case_sensitive": False},
        "auto_verified_attributes": [sign_in_name],
        # Whoever gets hold of a session can't move the sign-in name to a device of his own: until
        # the code sent to the new one is entered, the old one stays.
        "user_attribute_update_settings": {
            "attributes_require_verification_before_updates": [sign_in_name]
        },
        "admin_create_user_config": {"allow_admin_create_user_only": True},
        "mfa_configuration": "ON" if with_mfa else "OFF",
        # A code to a phone that was taken over must not open an account again.
        "account_recovery_setting": {
            "recovery_mechanisms": [{"name": "admin_only", "priority": 1}]
        },
        "password_policy": {
            "minimum_length": 16,
            "require_lowercase": True,
            "require_numbers": True,
            "require_symbols": True,
            "require_uppercase": True,
            "temporary_password_validity_days": 1,
        },
        "schemas": _schemas(scope, pool),
        "lambda_config": {
            "pre_token_generation_config": {
                "lambda_arn": Reference(f"trigger/{pool}", "arn"),
                "lambda_version": "V2_0",
            }
        },
        "deletion_protection": "ACTIVE" if scope.settings.protect else "INACTIVE",
        "tags": scope.tags(OWNER),
    }
    if with_mfa:
        properties["software_token_mfa_configuration"] = {"enabled": True}
    created = scope.settings.roles is RoleHandling.CREATE
    waits: tuple[str, ...] = ()
    if sign_in_name == "phone_number":
        properties["sms_configuration"] = {
            "external_id": pool_name(scope, pool),
            "sns_caller_arn": Reference(f"role/{SMS_ROLE}", "arn")
            if created
            else scope.role_arn(SMS_ROLE),
            "sns_region": scope.settings.region,
        }
        waits = (f"role/{SMS_ROLE}/policy",) if created else ()
    return _planned(
        "aws:cognito/userPool:UserPool",
        f"user_pool/{pool}",
        properties,
        protect=scope.settings.protect,
        waits_for=waits,
    )


def _schemas(scope: Scope, pool: Pool) -> list[dict[str, Any]]:
    return [
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
        for _, claim in claims_of(scope.catalogue, pool)
        if claim.origin == "attribute"
    ]


def _groups(scope: Scope, pool: Pool) -> Iterator[PlannedResource]:
    for _, claim in claims_of(scope.catalogue, pool):
        if claim.origin != "group":
            continue
        for group in claim.values or []:
            yield _planned(
                "aws:cognito/userGroup:UserGroup",
                f"user_pool/{pool}/group/{group}",
                {"name": group, "user_pool_id": Reference(f"user_pool/{pool}", "id")},
            )


def _resource_server(pool: Pool) -> PlannedResource:
    return _planned(
        "aws:cognito/resourceServer:ResourceServer",
        f"user_pool/{pool}/resource-server",
        {
            "identifier": RESOURCE_SERVER,
            "name": f"Bank API for {pool}",
            "user_pool_id": Reference(f"user_pool/{pool}", "id"),
            "scopes": [
                {"scope_name": name, "scope_description": text} for name, text in SCOPES.items()
            ],
        },
    )


def _client(scope: Scope, client: Client) -> PlannedResource:
    # Explicit and never empty, which a rule of the catalogue sees to: empty means everything.
    read, write = attribute_lists(scope.catalogue, client.stands_for)
    life = lifetimes(scope.catalogue, scope.settings.environment, client.pool)
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
            "access_token_validity": life.access_hours,
            "id_token_validity": life.access_hours,
            "refresh_token_validity": life.refresh_hours,
            "token_validity_units": {
                "access_token": "hours",
                "id_token": "hours",
                "refresh_token": "hours",
            },
            "read_attributes": read,
            "write_attributes": write,
        },
    )


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
