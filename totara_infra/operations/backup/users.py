"""Cognito: configuration of the pools, groups, users with their attributes. Never a password.

Cognito gives a user that is made again a new `sub`, and hands out neither passwords nor passkeys.
So a restore says which new `sub` stands for which old one, and people enrol again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.identity import pool_name
from totara_infra.model.sign_in import POOLS
from totara_infra.operations.backup.action import Action, Way
from totara_infra.operations.live import Live

STORE = "cognito"
USER_ID = "custom:user_id"
"""The attribute that stays the same when a user is made again."""
FEDERATED = "EXTERNAL_PROVIDER"
_SERVER_MADE = ("sub", "cognito:user_status", "cognito:mfa_enabled", "identities")
_CHANGING = ("CreationDate", "LastModifiedDate", "EstimatedNumberOfUsers", "Status")
_PAGE = 60


def read(live: Live, blueprint: Blueprint) -> list[dict[str, Any]]:
    """The pools of the environment."""
    client = live.client("cognito-idp")
    pages = client.get_paginator("list_user_pools").paginate(MaxResults=_PAGE)
    pools = {p["Name"]: p["Id"] for page in pages for p in page["UserPools"]}
    names = [pool_name(blueprint.scope, pool) for pool in POOLS]
    return [_pool(live, name, pools[name]) for name in names if name in pools]


def _pool(live: Live, name: str, pool: str) -> dict[str, Any]:
    client = live.client("cognito-idp")

    def pages(call: str, key: str, **request: Any) -> list[dict[str, Any]]:
        paginator = client.get_paginator(call)
        return [x for page in paginator.paginate(UserPoolId=pool, **request) for x in page[key]]

    clients = []
    for listed in pages("list_user_pool_clients", "UserPoolClients"):
        described = client.describe_user_pool_client(UserPoolId=pool, ClientId=listed["ClientId"])
        clients.append(_without(described["UserPoolClient"], *_CHANGING, "ClientSecret"))
    providers = []
    for listed in pages("list_identity_providers", "Providers"):
        described = client.describe_identity_provider(
            UserPoolId=pool, ProviderName=listed["ProviderName"]
        )["IdentityProvider"]
        details = described.get("ProviderDetails", {})
        shown = {k: v for k, v in details.items() if "secret" not in k and "key" not in k}
        providers.append({**_without(described, *_CHANGING), "ProviderDetails": shown})
    groups = [_without(g, *_CHANGING) for g in pages("list_groups", "Groups")]
    members: dict[str, list[str]] = {}
    for group in groups:
        for user in pages("list_users_in_group", "Users", GroupName=group["GroupName"]):
            members.setdefault(user["Username"], []).append(group["GroupName"])
    users = [
        {
            "username": user["Username"],
            "attributes": {a["Name"]: a["Value"] for a in user.get("Attributes", [])},
            "enabled": user["Enabled"],
            "status": user["UserStatus"],
            "groups": sorted(members.get(user["Username"], [])),
        }
        for user in pages("list_users", "Users")
    ]
    configuration = client.describe_user_pool(UserPoolId=pool)["UserPool"]
    return {
        "name": name,
        "id": pool,
        "configuration": _without(configuration, *_CHANGING),
        "multi_factor": _without(
            client.get_user_pool_mfa_config(UserPoolId=pool), "ResponseMetadata"
        ),
        "resource_servers": pages("list_resource_servers", "ResourceServers", MaxResults=50),
        "clients": sorted(clients, key=lambda c: str(c["ClientName"])),
        "identity_providers": providers,
        "groups": sorted(groups, key=lambda g: str(g["GroupName"])),
        "users": sorted(users, key=lambda u: str(u["username"])),
    }


def _without(answer: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {k: v for k, v in answer.items() if k not in keys}


def entries(pools: Sequence[Mapping[str, Any]]) -> int:
    """How many users there are in all pools."""
    return sum(len(pool["users"]) for pool in pools)


def _sign_in_name(pool: Mapping[str, Any], user: Mapping[str, Any]) -> str:
    """The name with which a user is made: where people sign in with an attribute, its value."""
    for attribute in pool["configuration"].get("UsernameAttributes", []):
        if attribute in user["attributes"]:
            return str(user["attributes"][attribute])
    return str(user["username"])


def _anchors(pool: Mapping[str, Any], user: Mapping[str, Any]) -> tuple[str, ...]:
    """By what a user is the same person: the id that all domains use, else the name."""
    user_id = user["attributes"].get(USER_ID)
    name = f"name {_sign_in_name(pool, user)}"
    return (f"id {user_id}", name) if user_id else (name,)


def _same(
    there: Mapping[str, Mapping[str, Any]], pool: Mapping[str, Any], user: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The live user that is the saved one.

    A name is proof only where neither of the two has an id that says otherwise: phone numbers
    are given to other people.
    """
    found = there.get(_anchors(pool, user)[0])
    if found is not None:
        return found
    namesake = there.get(_anchors(pool, user)[-1])
    if namesake is not None and USER_ID in namesake["attributes"] and USER_ID in user["attributes"]:
        return None
    return namesake


def _by_anchor(pool: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {anchor: user for user in pool["users"] for anchor in _anchors(pool, user)}


@dataclass(frozen=True)
class Renamed:
    """A user that was made again: its old and its new `sub`."""

    pool: str
    user_id: str | None
    username: str
    old_sub: str
    new_sub: str


def renamed(live: Live, blueprint: Blueprint, saved: Sequence[Mapping[str, Any]]) -> list[Renamed]:
    """Everybody whose `sub` is another than in the backup, from what is there now.

    It does not matter which run of a restore made them, so an interrupted one loses nothing.
    """
    found = []
    now = {pool["name"]: pool for pool in read(live, blueprint)}
    for pool in saved:
        there = now.get(pool["name"])
        anchors = _by_anchor(there) if there else {}
        for user in pool["users"]:
            same = _same(anchors, pool, user)
            if same is None or same["attributes"]["sub"] == user["attributes"]["sub"]:
                continue
            found.append(
                Renamed(
                    pool["name"],
                    user["attributes"].get(USER_ID),
                    user["username"],
                    user["attributes"]["sub"],
                    same["attributes"]["sub"],
                )
            )
    return found


def lost(live: Live, blueprint: Blueprint, saved: Sequence[Mapping[str, Any]]) -> Iterator[Action]:
    """What of a backup the environment does not have."""
    now = {pool["name"]: pool for pool in read(live, blueprint)}
    for pool in saved:
        there = now.get(pool["name"])
        if there is None:
            what = "The program makes pools: run `totara up`, then this again."
            yield Action(STORE, pool["name"], Way.BY_HAND, what)
            continue
        present = {g["GroupName"] for g in there["groups"]}
        for group in pool["groups"]:
            if group["GroupName"] not in present:
                make = partial(_make_group, live, there["id"], group)
                subject = f"{pool['name']} group {group['GroupName']}"
                yield Action(STORE, subject, Way.RESTORE, "Made again.", make)
        anchors = _by_anchor(there)
        names = {_sign_in_name(there, user) for user in there["users"]}
        for user in pool["users"]:
            yield from _user(live, pool, there, user, _same(anchors, pool, user), names)


def _user(
    live: Live,
    pool: Mapping[str, Any],
    there: Mapping[str, Any],
    user: Mapping[str, Any],
    same: Mapping[str, Any] | None,
    names: set[str],
) -> Iterator[Action]:
    # The id of the person, and no phone number or address, is what may stand in an output.
    subject = f"{pool['name']} user {user['attributes'].get(USER_ID, user['username'])}"
    if same is None and user["status"] == FEDERATED:
        what = "Comes back at the next sign-in: the identity provider has this user."
        yield Action(STORE, subject, Way.BY_HAND, what)
    elif same is None and _sign_in_name(pool, user) in names:
        what = "Somebody else has the sign-in name now. Decide with both whose it is."
        yield Action(STORE, subject, Way.BY_HAND, what)
    elif same is None:
        make = partial(_make_user, live, there["id"], _sign_in_name(pool, user), user)
        yield Action(STORE, subject, Way.RESTORE, "Made again; has to enrol again.", make)
    elif same["attributes"]["sub"] == user["attributes"]["sub"]:
        # The user was never lost; what has changed since was changed by somebody.
        if same != user:
            yield Action(STORE, subject, Way.KEEP, "Has changed since, which stays.")
    else:
        # Made again by a restore that was killed before it was done with this user.
        if same["enabled"] and not user["enabled"]:
            disable = partial(_disable, live, there["id"], same["username"])
            yield Action(STORE, subject, Way.RESTORE, "Is disabled again.", disable)
        if missing := sorted(set(user["groups"]) - set(same["groups"])):
            join = partial(_join, live, there["id"], same["username"], missing)
            what = f"Joins {', '.join(missing)} again."
            yield Action(STORE, subject, Way.RESTORE, what, join)


def _make_group(live: Live, pool: str, group: Mapping[str, Any]) -> None:
    live.client("cognito-idp").create_group(**{**group, "UserPoolId": pool})


def _make_user(live: Live, pool: str, name: str, user: Mapping[str, Any]) -> None:
    client = live.client("cognito-idp")
    try:
        answer = client.admin_create_user(
            UserPoolId=pool,
            Username=name,
            # Whoever is told, and when, is the business of the people who restore.
            MessageAction="SUPPRESS",
            # Known to nobody, as nothing keeps it: whoever it is has to enrol again.
            TemporaryPassword=f"Aa1!{secrets.token_urlsafe(32)}",
            UserAttributes=[
                {"Name": key, "Value": value}
                for key, value in user["attributes"].items()
                if key not in _SERVER_MADE
            ],
        )["User"]["Username"]
    except ClientError as error:
        # Its request carries attributes of a person; the code says enough.
        raise RuntimeError(error.response["Error"]["Code"]) from None
    # Disabled before it could be used: the groups decide what a user may do.
    if not user["enabled"]:
        _disable(live, pool, answer)
    _join(live, pool, answer, user["groups"])


def _join(live: Live, pool: str, username: str, groups: Sequence[str]) -> None:
    for group in groups:
        live.client("cognito-idp").admin_add_user_to_group(
            UserPoolId=pool, Username=username, GroupName=group
        )


def _disable(live: Live, pool: str, username: str) -> None:
    live.client("cognito-idp").admin_disable_user(UserPoolId=pool, Username=username)
