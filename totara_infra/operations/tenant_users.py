"""The users of one client in both pools: who there is, and signing all of them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.identity import pool_name
from totara_infra.model.sign_in import POOLS, Pool
from totara_infra.operations.checks.probe_user import live_pool_id
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained

_TENANT = "custom:tenant_id"


@dataclass(frozen=True)
class TenantUser:
    """A user of a client.

    Attributes:
        pool: `customers` or `staff`.
        pool_id: Cognito's id of it.
        name: Cognito's name of the user, no personal data.
        enabled: may sign in.
    """

    pool: Pool
    pool_id: str
    name: str
    enabled: bool


def users_of(live: Live, blueprint: Blueprint, client_id: str) -> Iterator[TenantUser]:
    """The users of a client. Cognito can't filter by an attribute of ours, so all are looked at.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    cognito = live.client("cognito-idp")
    for pool in POOLS:
        with explained(f"looking for the users of {pool}"):
            pool_id = live_pool_id(live, pool_name(blueprint.scope, pool))
            if pool_id is None:
                continue
            for page in cognito.get_paginator("list_users").paginate(UserPoolId=pool_id):
                for user in page["Users"]:
                    attributes = {a["Name"]: a["Value"] for a in user.get("Attributes", [])}
                    if attributes.get(_TENANT) == client_id:
                        yield TenantUser(pool, pool_id, user["Username"], user["Enabled"])


def sign_out(live: Live, blueprint: Blueprint, client_id: str) -> list[TenantUser]:
    """Disable every user of a client and revoke all tokens. Nobody is deleted.

    Returns:
        Those who could still sign in before.

    Raises:
        AwsRefusedError: AWS does not take it; run again, it goes on with who is left.
    """
    cognito = live.client("cognito-idp")
    found = [user for user in users_of(live, blueprint, client_id) if user.enabled]
    for user in found:
        where = {"UserPoolId": user.pool_id, "Username": user.name}
        with explained(f"signing a user of {user.pool} out"):
            # Revoked first: whoever is found disabled has been signed out as well.
            cognito.admin_user_global_sign_out(**where)
            cognito.admin_disable_user(**where)
    return found
