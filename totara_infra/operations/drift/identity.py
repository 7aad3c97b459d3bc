"""User pools of Cognito with their clients, groups and resource servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    chosen,
    own_tags,
    pages,
    snaked,
    unless_gone,
    words,
)

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
GROUP = "aws:cognito/userGroup:UserGroup"
SERVER = "aws:cognito/resourceServer:ResourceServer"
_GONE = "ResourceNotFoundException"
_MARK = "bank-"
_POOL = words(
    "name user_pool_tier username_attributes username_configuration auto_verified_attributes"
    " admin_create_user_config mfa_configuration software_token_mfa_configuration"
    " account_recovery_setting deletion_protection lambda_config alias_attributes sms_configuration"
    " device_configuration user_pool_add_ons"
)
_CLIENT = words(
    "user_pool_id explicit_auth_flows prevent_user_existence_errors enable_token_revocation"
    " access_token_validity id_token_validity refresh_token_validity token_validity_units"
    " read_attributes write_attributes supported_identity_providers auth_session_validity"
    " enable_propagate_additional_user_context_data"
)
_OAUTH = {
    "callback_urls": "CallbackURLs",
    "logout_urls": "LogoutURLs",
    "default_redirect_uri": "DefaultRedirectURI",
    "allowed_oauth_flows": "AllowedOAuthFlows",
    "allowed_oauth_scopes": "AllowedOAuthScopes",
    "allowed_oauth_flows_user_pool_client": "AllowedOAuthFlowsUserPoolClient",
}


def _pools(reading: Reading) -> list[dict[str, Any]]:
    """Pools with a name like ours, the oldest first: names of pools are not unique."""
    client = reading.client("cognito-idp")

    def read(listed: dict[str, Any]) -> dict[str, Any] | None:
        answer = unless_gone(client.describe_user_pool, _GONE, UserPoolId=listed["Id"])
        mfa = unless_gone(client.get_user_pool_mfa_config, _GONE, UserPoolId=listed["Id"])
        if answer is None or mfa is None:
            return None
        return {**answer["UserPool"], "mfa": mfa}

    def read_all() -> list[dict[str, Any]]:
        listed = [
            p
            for page in client.get_paginator("list_user_pools").paginate(
                PaginationConfig={"PageSize": 60}
            )
            for p in page["UserPools"]
            if p["Name"].startswith(_MARK) and p["Id"] not in reading.passed_over
        ]
        found = [p for p in reading.each(read, listed) if p is not None]
        return sorted(found, key=lambda p: (p["CreationDate"], p["Id"]))

    return reading.once("user-pools", read_all)


def _ours(reading: Reading) -> dict[str, str]:
    """Name -> id of each planned pool that is there."""
    planned = reading.planned(POOL)
    # Reversed, so that of two with a name the oldest stays.
    return {p["Name"]: p["Id"] for p in reversed(_pools(reading)) if p["Name"] in planned}


def _read_pools(reading: Reading) -> Iterator[Thing]:
    region = reading.live.settings.region
    for pool in _pools(reading):
        identifier, tags = pool["Id"], own_tags(pool.get("UserPoolTags"))
        properties = chosen({**pool, **{k: v for k, v in pool["mfa"].items() if v}}, _POOL)
        properties["password_policy"] = snaked(pool.get("Policies", {}).get("PasswordPolicy") or {})
        properties["schemas"] = _own_attributes(pool.get("SchemaAttributes", []))
        properties["tags"] = tags
        verified = pool.get("UserAttributeUpdateSettings") or {}
        properties["user_attribute_update_settings"] = {
            "attributes_require_verification_before_updates": sorted(
                verified.get("AttributesRequireVerificationBeforeUpdate", [])
            )
        }
        _drop_older_form(properties.get("lambda_config", {}))
        arn = pool.get("Arn") or reading.blueprint.scope.arn(
            "cognito-idp", f"userpool/{identifier}"
        )
        same_name = pool["Name"] in reading.planned(POOL)
        yield Thing(
            pool["Name"],
            properties,
            {
                "id": identifier,
                "arn": arn,
                "name": pool["Name"],
                "endpoint": f"cognito-idp.{region}.amazonaws.com/{identifier}",
            },
            "it has the name of a pool of this environment" if same_name else reading.tagged(tags),
        )


def _own_attributes(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The attributes that a program declared; the others are in every pool."""
    return [
        snaked(a) | {"name": a["Name"].split(":", 1)[1]}
        for a in attributes
        if a["Name"].startswith(("custom:", "dev:"))
    ]


def _drop_older_form(triggers: dict[str, Any]) -> None:
    # AWS shows the older form of the same trigger beside the newer one.
    newer = triggers.get("pre_token_generation_config", {}).get("lambda_arn")
    if newer is not None and triggers.get("pre_token_generation") == newer:
        del triggers["pre_token_generation"]


def _read_clients(reading: Reading) -> Iterator[Thing]:
    client = reading.client("cognito-idp")
    listed = [
        (name, found["ClientId"], pool)
        for name, pool in _ours(reading).items()
        for page in client.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool)
        for found in page["UserPoolClients"]
        if found["ClientId"] not in reading.passed_over
    ]

    def read(place: tuple[str, str, str]) -> Thing | None:
        name, identifier, pool = place
        answer = unless_gone(
            client.describe_user_pool_client, _GONE, UserPoolId=pool, ClientId=identifier
        )
        if answer is None:
            return None
        found = answer["UserPoolClient"]
        properties = chosen(found, _CLIENT) | {k: found.get(a) for k, a in _OAUTH.items()}
        properties["name"] = found["ClientName"]
        # Whether there is a secret, never which.
        properties["generate_secret"] = bool(found.get("ClientSecret"))
        return Thing(
            f"{name}/{found['ClientName']}",
            properties,
            {"id": identifier, "client_id": identifier, "name": found["ClientName"]},
            f"it lets an app sign in to the pool {name}",
        )

    yield from (thing for thing in reading.each(read, listed) if thing is not None)


def _read_groups(reading: Reading) -> Iterator[Thing]:
    client = reading.client("cognito-idp")
    for name, pool in _ours(reading).items():
        for page in client.get_paginator("list_groups").paginate(UserPoolId=pool):
            for group in page["Groups"]:
                yield _part(
                    name,
                    group["GroupName"],
                    {
                        "name": group["GroupName"],
                        "user_pool_id": pool,
                        "description": group.get("Description"),
                        "role_arn": group.get("RoleArn"),
                        "precedence": group.get("Precedence"),
                    },
                )


def _read_servers(reading: Reading) -> Iterator[Thing]:
    client = reading.client("cognito-idp")
    for name, pool in _ours(reading).items():
        for server in pages(
            client.list_resource_servers, "ResourceServers", UserPoolId=pool, MaxResults=50
        ):
            yield _part(
                name,
                server["Identifier"],
                {
                    "identifier": server["Identifier"],
                    "name": server["Name"],
                    "user_pool_id": pool,
                    "scopes": snaked(server.get("Scopes") or []),
                },
            )


def _part(pool: str, name: str, properties: Mapping[str, Any]) -> Thing:
    identifier = {"id": name, "name": name, "user_pool_id": properties["user_pool_id"]}
    return Thing(f"{pool}/{name}", properties, identifier, f"it belongs to the pool {pool}")


READERS = (
    TypeReader(
        POOL,
        _read_pools,
        _POOL | words("password_policy schemas tags user_attribute_update_settings"),
        sets=words("username_attributes auto_verified_attributes alias_attributes"),
        keyed={"schemas": "name"},
        partial=words(
            "username_configuration admin_create_user_config password_policy schemas"
            " sms_configuration"
        ),
        assumed={
            "software_token_mfa_configuration": {"enabled": False},
            "user_pool_add_ons": {"advanced_security_mode": "OFF"},
            "user_attribute_update_settings": {
                "attributes_require_verification_before_updates": []
            },
        },
        calls=r"UserPool$|UserPoolMfaConfig|CustomAttributes|agResource",
        if_missing="The users of a pool that is gone are gone with it and must be imported anew.",
    ),
    TypeReader(
        CLIENT,
        _read_clients,
        _CLIENT | set(_OAUTH) | words("name generate_secret"),
        key=("user_pool_id", "name"),
        sets=words(
            "explicit_auth_flows read_attributes write_attributes supported_identity_providers"
            " callback_urls logout_urls allowed_oauth_flows allowed_oauth_scopes"
        ),
        partial=words("token_validity_units"),
        calls=r"UserPoolClient",
        assumed={"auth_session_validity": 3},
    ),
    TypeReader(
        GROUP,
        _read_groups,
        words("name user_pool_id description role_arn precedence"),
        calls=r"Group$",
        key=("user_pool_id", "name"),
    ),
    TypeReader(
        SERVER,
        _read_servers,
        words("identifier name user_pool_id scopes"),
        key=("user_pool_id", "identifier"),
        keyed={"scopes": "scope_name"},
        calls=r"ResourceServer$",
    ),
)
