"""A user and an app client that exist for one sign-in, to see which token the pool gives out.

The declared clients take no password, so the probe has one of its own with the attributes and
lifetimes of the declared one. Both are removed at the end; what a killed run has left is removed
by the next one.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.identity import SIGN_IN_NAME, pool_name
from totara_infra.model.sign_in import Pool, claims_of, lifetimes
from totara_infra.model.tenancy import Tenant
from totara_infra.operations.live import Live
from totara_infra.operations.sign_in_tokens import (
    Finding,
    decode,
    findings,
    signature_findings,
)

CLIENT_PREFIX = "totara-verify-"
_STANDS_FOR: dict[Pool, str] = {"customers": "mobile-app", "staff": "staff-portal"}
_LEFT_BEHIND = timedelta(minutes=15)
"""No run takes as long."""
_FLOW = "ADMIN_USER_PASSWORD_AUTH"
_TOKENS = ("IdToken", "AccessToken")
_TAKEN_OVER = (
    ("read_attributes", "ReadAttributes"),
    ("write_attributes", "WriteAttributes"),
    ("access_token_validity", "AccessTokenValidity"),
    ("id_token_validity", "IdTokenValidity"),
    ("refresh_token_validity", "RefreshTokenValidity"),
)


@dataclass(frozen=True)
class _Probe:
    """Everything that is made for one sign-in."""

    cognito: Any
    pool_id: str
    client_id: str
    name: str
    password: str


def probe_findings(
    live: Live, blueprint: Blueprint, pool: Pool, tenant: Tenant
) -> list[Finding] | str:
    """Sign a user in that is made for it and removed afterwards, and look at the tokens.

    Args:
        live: access to the environment, which is not prod.
        blueprint: of it.
        pool: whose user.
        tenant: a live one, whose user it is.

    Returns:
        Where the tokens differ from the claim map, or are not signed by the pool; a text where
        there was no token, or no pool to ask.
    """
    pool_id = live_pool_id(live, pool_name(blueprint.scope, pool))
    if pool_id is None:
        return "no such pool"
    try:
        with _probe(live, blueprint, pool, pool_id, tenant) as probe:
            answer = tokens(live, pool_id, probe.client_id, probe.name, probe.password)
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    if isinstance(answer, str):
        return answer
    return token_findings(blueprint, pool, pool_id, answer)


def token_findings(
    blueprint: Blueprint, pool: Pool, pool_id: str, answer: Mapping[str, str]
) -> list[Finding]:
    """Where the tokens of a sign-in differ from the claim map, or are not signed by the pool.

    Args:
        blueprint: of the environment.
        pool: whose user signed in.
        pool_id: Cognito's id of it.
        answer: the tokens by name, as Cognito gives them.
    """
    scope = blueprint.scope
    lives = lifetimes(scope.catalogue, scope.settings.environment, pool)
    found: list[Finding] = []
    for kind in _TOKENS:
        token = answer[kind]
        claims = decode(token)
        found += signature_findings(scope.settings, pool_id, token, claims)
        found += findings(scope.catalogue, pool, claims, lives)
    return found


def live_pool_id(live: Live, name: str) -> str | None:
    """Id of the pool of that name; None where there is none."""
    pages = live.client("cognito-idp").get_paginator("list_user_pools").paginate(MaxResults=60)
    return next(
        (str(p["Id"]) for page in pages for p in page["UserPools"] if p["Name"] == name), None
    )


@contextmanager
def _probe(
    live: Live, blueprint: Blueprint, pool: Pool, pool_id: str, tenant: Tenant
) -> Iterator[_Probe]:
    cognito = live.client("cognito-idp")
    with probe_client(live, blueprint, pool, pool_id) as client_id:
        name, password = sign_in_name(pool), new_password()
        try:
            make_user(live, blueprint, pool, pool_id, tenant, name, password)
            yield _Probe(cognito, pool_id, client_id, name, password)
        finally:
            with suppress(cognito.exceptions.UserNotFoundException):
                cognito.admin_delete_user(UserPoolId=pool_id, Username=name)


def new_password() -> str:
    """A password that nobody can guess, with every kind of character that a pool may ask for."""
    return f"Aa1!{secrets.token_urlsafe(24)}"


def make_user(
    live: Live,
    blueprint: Blueprint,
    pool: Pool,
    pool_id: str,
    tenant: Tenant,
    name: str,
    password: str,
) -> None:
    """Make a user with the attributes and groups of a tenant's user. Nobody is told."""
    cognito = live.client("cognito-idp")
    cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=name,
        MessageAction="SUPPRESS",
        TemporaryPassword=password,
        UserAttributes=[
            {"Name": key, "Value": value}
            for key, value in _attributes(blueprint, pool, name, tenant).items()
        ],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=name, Password=password, Permanent=True
    )
    for group in _groups(blueprint, pool):
        cognito.admin_add_user_to_group(UserPoolId=pool_id, Username=name, GroupName=group)


@contextmanager
def probe_client(live: Live, blueprint: Blueprint, pool: Pool, pool_id: str) -> Iterator[str]:
    """An app client that takes a password and exists for the block; its id."""
    cognito = live.client("cognito-idp")
    _sweep(cognito, pool_id)
    client_id = _make_client(cognito, blueprint, pool, pool_id)
    try:
        yield client_id
    finally:
        cognito.delete_user_pool_client(UserPoolId=pool_id, ClientId=client_id)


def tokens(
    live: Live, pool_id: str, client_id: str, name: str, password: str
) -> dict[str, str] | str:
    """Sign a user in.

    Returns:
        The tokens by name; a text where another challenge comes instead.

    Raises:
        ClientError: Cognito or the trigger refuses.
    """
    # A trigger's refusal is final, and the emulator answers it like a failure.
    once = live.client("cognito-idp", attempts=1)
    answer = once.admin_initiate_auth(
        UserPoolId=pool_id,
        ClientId=client_id,
        AuthFlow=_FLOW,
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    if "AuthenticationResult" not in answer:
        return f"another challenge, {answer.get('ChallengeName')}"
    return dict(answer["AuthenticationResult"])


def _make_client(cognito: Any, blueprint: Blueprint, pool: Pool, pool_id: str) -> str:
    declared = blueprint.resources[f"client/{_STANDS_FOR[pool]}"].properties
    units = declared["token_validity_units"]
    answer = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName=f"{CLIENT_PREFIX}{secrets.token_hex(4)}",
        ExplicitAuthFlows=[f"ALLOW_{_FLOW}", "ALLOW_REFRESH_TOKEN_AUTH"],
        TokenValidityUnits={
            "AccessToken": units["access_token"],
            "IdToken": units["id_token"],
            "RefreshToken": units["refresh_token"],
        },
        **{theirs: declared[ours] for ours, theirs in _TAKEN_OVER},
    )
    return str(answer["UserPoolClient"]["ClientId"])


def _sweep(cognito: Any, pool_id: str) -> None:
    """Remove clients that a killed run has left; its user can't sign in without."""
    clients = cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool_id)
    for client in (c for page in clients for c in page["UserPoolClients"]):
        if not client["ClientName"].startswith(CLIENT_PREFIX):
            continue
        where = {"UserPoolId": pool_id, "ClientId": client["ClientId"]}
        # Another run may be at it.
        with suppress(cognito.exceptions.ResourceNotFoundException):
            described = cognito.describe_user_pool_client(**where)["UserPoolClient"]
            if described["CreationDate"] < datetime.now(UTC) - _LEFT_BEHIND:
                cognito.delete_user_pool_client(**where)


def sign_in_name(pool: Pool) -> str:
    """A name with which nobody else signs in."""
    if SIGN_IN_NAME[pool] == "phone_number":
        # Set aside for fiction: 555-0100 to 555-0199 of any area reach nobody.
        area = secrets.choice([n for n in range(201, 990) if n % 100 != 11])
        return f"+1{area}55501{secrets.randbelow(100):02d}"
    return f"verify-{secrets.token_hex(6)}@example.invalid"


def _attributes(blueprint: Blueprint, pool: Pool, name: str, tenant: Tenant) -> dict[str, str]:
    """Attributes of the user: those of the claim map, as of a user of that tenant."""
    kind = SIGN_IN_NAME[pool]
    found = {kind: name, f"{kind}_verified": "true"}
    known = {
        "tenant_id": tenant.client_id,
        "jurisdiction": tenant.jurisdictions[0].value,
    }
    for _, claim in claims_of(blueprint.scope.catalogue, pool):
        if claim.origin != "attribute" or claim.attribute is None or not claim.required:
            continue
        other = claim.values[0] if claim.values else str(uuid.uuid4())
        found[f"custom:{claim.attribute}"] = known.get(claim.attribute, other)
    return found


def _groups(blueprint: Blueprint, pool: Pool) -> list[str]:
    return [
        claim.values[0]
        for _, claim in claims_of(blueprint.scope.catalogue, pool)
        if claim.origin == "group" and claim.values
    ]
