"""What belongs to a Cognito user pool: clients, groups, resource servers.

Ids are `POOL/CLIENT`, `POOL/GROUP` and `POOL|IDENTIFIER`: the forms that Pulumi's plugin imports.
For groups and resource servers these are its ids as well; a client's id in AWS is the last part,
and `id` as programs see it must be that, so a client's id is the client id and only an import needs
the pool before it.

No client that is made here has a secret unless the program asks for one. `UpdateUserPoolClient`
sets what is not sent back to AWS's default, so everything is always sent. MiniStack does not
enforce write lists, and has no UpdateGroup.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from totara_infra.local.provider.errors import AlreadyExists, Refusal
from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    error_code,
    unless_gone,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

GONE = "ResourceNotFoundException"

# --- client -----------------------------------------------------------------------------------

CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
_CLIENT_NAMES = words(
    "name userPoolId accessTokenValidity idTokenValidity refreshTokenValidity tokenValidityUnits"
    " readAttributes writeAttributes explicitAuthFlows supportedIdentityProviders callbackUrls"
    " logoutUrls defaultRedirectUri allowedOauthFlows allowedOauthScopes"
    " allowedOauthFlowsUserPoolClient preventUserExistenceErrors enableTokenRevocation"
    " enablePropagateAdditionalUserContextData authSessionValidity refreshTokenRotation"
)
_CLIENT_RENAMES = {
    "name": "ClientName",
    "callbackUrls": "CallbackURLs",
    "logoutUrls": "LogoutURLs",
    "defaultRedirectUri": "DefaultRedirectURI",
    "allowedOauthFlows": "AllowedOAuthFlows",
    "allowedOauthScopes": "AllowedOAuthScopes",
    "allowedOauthFlowsUserPoolClient": "AllowedOAuthFlowsUserPoolClient",
}


def _client(identifier: str, recorded: Recorded) -> dict[str, str]:
    pool, _, client = identifier.rpartition("/")
    pool = pool or recorded.inputs.get("userPoolId") or recorded.outputs.get("userPoolId") or ""
    if not pool:
        raise Refusal("a user pool client is imported by the id POOL/CLIENT")
    return {"UserPoolId": pool, "ClientId": client}


def _create_client(aws: Aws, inputs: Properties) -> Made:
    answer = aws.client("cognito-idp").create_user_pool_client(
        **to_api(inputs, _CLIENT_NAMES, _CLIENT_RENAMES),
        GenerateSecret=bool(inputs.get("generateSecret")),
    )
    return Made(answer["UserPoolClient"]["ClientId"])


def _read_client(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    where = _client(identifier, recorded)
    answer = unless_gone(aws.client("cognito-idp").describe_user_pool_client, GONE, **where)
    if answer is None:
        return None
    found = answer["UserPoolClient"]
    shape = {name: schemas()[CLIENT].inputs[name] for name in _CLIENT_NAMES}
    inputs = from_api(found, shape, _CLIENT_RENAMES)
    inputs["generateSecret"] = bool(found.get("ClientSecret"))
    given = recorded.inputs.get("tokenValidityUnits")
    if given is not None and "tokenValidityUnits" in inputs:
        # AWS fills the units that the program left out.
        units = inputs["tokenValidityUnits"]
        inputs["tokenValidityUnits"] = {key: units[key] for key in given if key in units}
    outputs = {"clientSecret": found.get("ClientSecret", "")}
    return Live(inputs, outputs, where["ClientId"])


def _update_client(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    aws.client("cognito-idp").update_user_pool_client(
        ClientId=identifier, **to_api(new, _CLIENT_NAMES, _CLIENT_RENAMES)
    )


def _delete_client(aws: Aws, identifier: str, recorded: Recorded) -> None:
    where = _client(identifier, recorded)
    unless_gone(aws.client("cognito-idp").delete_user_pool_client, GONE, **where)


# --- group ------------------------------------------------------------------------------------

GROUP = "aws:cognito/userGroup:UserGroup"
_GROUP_NAMES = words("name userPoolId description precedence roleArn")
_GROUP_RENAMES = {"name": "GroupName"}


def _group(identifier: str) -> dict[str, str]:
    pool, _, name = identifier.partition("/")
    return {"UserPoolId": pool, "GroupName": name}


def _create_group(aws: Aws, inputs: Properties) -> Made:
    identifier = f"{inputs['userPoolId']}/{inputs['name']}"
    client = aws.client("cognito-idp")
    try:
        client.create_group(**to_api(inputs, _GROUP_NAMES, _GROUP_RENAMES))
    except client.exceptions.GroupExistsException as error:
        raise AlreadyExists(f"the group {identifier}", identifier) from error
    return Made(identifier, {"name": inputs["name"]})


def _read_group(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    answer = unless_gone(aws.client("cognito-idp").get_group, GONE, **_group(identifier))
    if answer is None:
        return None
    shape = {name: schemas()[GROUP].inputs[name] for name in _GROUP_NAMES}
    inputs = from_api(answer["Group"], shape, _GROUP_RENAMES)
    # MiniStack shows 0 where no precedence was given: after a refresh that would be a change.
    if inputs.get("precedence") == 0 and "precedence" not in recorded.inputs:
        del inputs["precedence"]
    return Live(inputs)


def _update_group(aws: Aws, identifier: str, new: Properties, _old: Properties) -> None:
    request = to_api({"description": "", **new}, _GROUP_NAMES - {"name", "userPoolId"})
    try:
        aws.client("cognito-idp").update_group(**_group(identifier), **request)
    except ClientError as error:
        if error_code(error) != "InvalidAction":
            raise
        raise Refusal(
            f"the emulator can't change a group in place (no UpdateGroup);"
            f" delete {identifier} and its memberships yourself and refresh,"
            " or start from an empty emulator"
        ) from error


def _delete_group(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("cognito-idp").delete_group, GONE, **_group(identifier))


# --- resource server --------------------------------------------------------------------------

SERVER = "aws:cognito/resourceServer:ResourceServer"
_SERVER_NAMES = words("identifier name userPoolId scopes")


def _server(identifier: str) -> dict[str, str]:
    pool, _, name = identifier.partition("|")
    return {"UserPoolId": pool, "Identifier": name}


def _server_request(inputs: Properties) -> dict[str, Any]:
    return {"Scopes": [], **to_api(inputs, _SERVER_NAMES)}


def _create_server(aws: Aws, inputs: Properties) -> Made:
    client, identifier = (
        aws.client("cognito-idp"),
        f"{inputs['userPoolId']}|{inputs['identifier']}",
    )
    if unless_gone(client.describe_resource_server, GONE, **_server(identifier)) is not None:
        raise AlreadyExists(f"the resource server {identifier}", identifier)
    client.create_resource_server(**_server_request(inputs))
    return Made(identifier)


def _read_server(aws: Aws, identifier: str, _recorded: Recorded) -> Live | None:
    client = aws.client("cognito-idp")
    answer = unless_gone(client.describe_resource_server, GONE, **_server(identifier))
    if answer is None:
        return None
    shape = {name: schemas()[SERVER].inputs[name] for name in _SERVER_NAMES}
    inputs = from_api(answer["ResourceServer"], shape)
    names = [scope["scopeName"] for scope in inputs.get("scopes", [])]
    outputs = {"scopeIdentifiers": [f"{inputs['identifier']}/{name}" for name in names]}
    return Live(inputs, outputs)


def _update_server(aws: Aws, _identifier: str, new: Properties, _old: Properties) -> None:
    aws.client("cognito-idp").update_resource_server(**_server_request(new))


def _delete_server(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    client = aws.client("cognito-idp")
    unless_gone(client.delete_resource_server, GONE, **_server(identifier))


def _scope_identifiers(_aws: Aws, inputs: Properties) -> Properties:
    scopes = inputs.get("scopes") or []
    if not isinstance(scopes, list):
        return {}
    return {"scopeIdentifiers": [f"{inputs['identifier']}/{s['scopeName']}" for s in scopes]}


TYPES = (
    ResourceType(
        token=CLIENT,
        serves=_CLIENT_NAMES | {"generateSecret"},
        create=_create_client,
        read=_read_client,
        update=_update_client,
        delete=_delete_client,
        replaces={
            "userPoolId": "cognito-idp UpdateUserPoolClient identifies by UserPoolId",
            "generateSecret": "cognito-idp UpdateUserPoolClient takes no GenerateSecret",
        },
        defaults={"generateSecret": False},
        computed=words(
            "accessTokenValidity idTokenValidity refreshTokenValidity tokenValidityUnits"
            " readAttributes writeAttributes explicitAuthFlows supportedIdentityProviders"
            " callbackUrls logoutUrls defaultRedirectUri allowedOauthFlows allowedOauthScopes"
            " allowedOauthFlowsUserPoolClient preventUserExistenceErrors enableTokenRevocation"
            " enablePropagateAdditionalUserContextData authSessionValidity refreshTokenRotation"
        ),
        sets=words(
            "readAttributes writeAttributes explicitAuthFlows supportedIdentityProviders"
            " callbackUrls logoutUrls allowedOauthFlows allowedOauthScopes"
        ),
        name="name",
        outputs=("clientSecret",),
    ),
    ResourceType(
        token=GROUP,
        serves=_GROUP_NAMES,
        create=_create_group,
        read=_read_group,
        update=_update_group,
        delete=_delete_group,
        replaces={
            "name": "cognito-idp UpdateGroup identifies by GroupName",
            "userPoolId": "cognito-idp UpdateGroup identifies by UserPoolId",
        },
        name="name",
        unique=("userPoolId", "name"),
    ),
    ResourceType(
        token=SERVER,
        serves=_SERVER_NAMES,
        create=_create_server,
        read=_read_server,
        update=_update_server,
        delete=_delete_server,
        replaces={
            "identifier": "cognito-idp UpdateResourceServer identifies by Identifier",
            "userPoolId": "cognito-idp UpdateResourceServer identifies by UserPoolId",
        },
        sets=words("scopes"),
        name="name",
        unique=("userPoolId", "identifier"),
        outputs=("scopeIdentifiers",),
        volatile=words("scopeIdentifiers"),
        predict=_scope_identifiers,
    ),
)
