"""A customer who is there before the disaster and must get the same claims after it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint.identity import pool_name
from totara_infra.delivery.runbooks import Finding
from totara_infra.model.sign_in import Pool
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import TenantStatus
from totara_infra.operations.checks.probe_user import (
    live_pool_id,
    make_user,
    new_password,
    probe_client,
    sign_in_name,
    tokens,
)
from totara_infra.operations.sign_in_tokens import decode
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.scene import Scene

_POOL: Pool = "customers"
_OF_THE_MOMENT = frozenset(
    {
        *("sub", "iss", "aud", "client_id", "auth_time", "iat", "exp", "jti"),
        *("origin_jti", "event_id", "username", "cognito:username"),
    }
)
"""Claims that are of one sign-in, one pool or one `sub`."""


def prepare(scene: Scene) -> None:
    """Make a customer, sign in, and keep name, password and claims.

    Raises:
        DrillError: nobody can sign in although all is well.
    """
    tenant = _live_tenant(scene)
    name, password = sign_in_name(_POOL), new_password()
    make_user(scene.live, scene.blueprint, _POOL, _pool_id(scene), tenant, name, password)
    scene.facts["customer"] = {"name": name, "password": password}
    claims = _claims(scene, password)
    if isinstance(claims, str):
        raise DrillError(
            f"A customer can't sign in to {scene.words} before anything is broken: {claims}.\n"
            f"    fix: totara verify {scene.words} says what is wrong"
        )
    scene.facts["customer"]["claims"] = claims


def signs_in(scene: Scene) -> Finding:
    """Whether the customer signs in and has the claims of before."""
    customer = scene.facts["customer"]
    try:
        claims = _claims(scene, customer["password"])
    except ClientError as error:
        return Finding(False, f"The customer of before can't sign in: {error}.")
    if isinstance(claims, str):
        return Finding(False, f"The customer of before can't sign in: {claims}.")
    changed = sorted(
        k
        for k in claims.keys() | customer["claims"].keys()
        if claims.get(k) != customer["claims"].get(k)
    )
    if changed:
        return Finding(False, f"Other claims than before: {', '.join(changed)}.")
    return Finding(True, f"The customer of before has the same {len(claims)} claims.")


def set_password(scene: Scene) -> None:
    """Give the customer the password of before, as who enrols again chooses one."""
    scene.live.client("cognito-idp").admin_set_user_password(
        UserPoolId=_pool_id(scene),
        Username=scene.facts["customer"]["name"],
        Password=scene.facts["customer"]["password"],
        Permanent=True,
    )


def remove(scene: Scene) -> None:
    """Remove the customer, where there is one."""
    customer = scene.facts.get("customer")
    pool = live_pool_id(scene.live, pool_name(scene.blueprint.scope, _POOL))
    if customer is None or pool is None:
        return
    cognito = scene.live.client("cognito-idp")
    try:
        cognito.admin_delete_user(UserPoolId=pool, Username=customer["name"])
    except cognito.exceptions.UserNotFoundException:
        return


def _pool_id(scene: Scene) -> str:
    name = pool_name(scene.blueprint.scope, _POOL)
    found = live_pool_id(scene.live, name)
    if found is None:
        raise DrillError(f"There is no pool `{name}`.\n    fix: totara up {scene.words}")
    return found


def _live_tenant(scene: Scene) -> Tenant:
    scope = scene.blueprint.scope
    for tenant in (scope.default_tenant, *scope.tenants):
        if tenant.status is TenantStatus.LIVE:
            return tenant
    raise DrillError(
        f"No tenant of {scene.words} is live, so no customer can sign in.\n"
        "    fix: drill in an environment with a live tenant"
    )


def _claims(scene: Scene, password: str) -> dict[str, Any] | str:
    pool = _pool_id(scene)
    with probe_client(scene.live, scene.blueprint, _POOL, pool) as client:
        name = scene.facts["customer"]["name"]
        found = tokens(scene.live, pool, client, name, password)
    if isinstance(found, str):
        return found
    claims = decode(found["IdToken"])
    return {k: v for k, v in claims.items() if k not in _OF_THE_MOMENT}
