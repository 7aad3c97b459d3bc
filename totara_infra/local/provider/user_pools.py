"""Cognito user pools.

UpdateUserPool sets everything that is not sent back to AWS's default, so an update always sends
everything. Custom attributes can be added and never changed or removed, so adding is an update and
all else replaces the pool. Multi-factor settings have a call of their own.

MiniStack ignores `PoolName` in UpdateUserPool, and does not enforce what attributes allow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from totara_infra.local.provider.resource import (
    Aws,
    Live,
    Made,
    Recorded,
    ResourceType,
    keep_trying,
    unless_gone,
    words,
)
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

TOKEN = "aws:cognito/userPool:UserPool"
GONE = "ResourceNotFoundException"
_RENAMES = {
    "kmsKeyId": "KMSKeyID",
    "smsMessage": "SMSMessage",
    "schemas": "Schema",
    "attributesRequireVerificationBeforeUpdates": "AttributesRequireVerificationBeforeUpdate",
}
_MESSAGES = words("emailVerificationMessage emailVerificationSubject")
_PLAIN = _MESSAGES | words(
    "name deletionProtection lambdaConfig autoVerifiedAttributes verificationMessageTemplate"
    " mfaConfiguration userAttributeUpdateSettings deviceConfiguration emailConfiguration"
    " adminCreateUserConfig userPoolAddOns accountRecoverySetting userPoolTier smsConfiguration"
)
_ONLY_AT_CREATION = words("aliasAttributes usernameAttributes usernameConfiguration schemas")
_MFA = words("softwareTokenMfaConfiguration webAuthnConfiguration")
_POLICIES = words("passwordPolicy signInPolicy")
_PASSWORD_DEFAULTS = {
    "minimumLength": 8,
    "requireLowercase": True,
    "requireNumbers": True,
    "requireSymbols": True,
    "requireUppercase": True,
    "temporaryPasswordValidityDays": 7,
}


def _request(inputs: Properties, names: frozenset[str]) -> dict[str, Any]:
    request = to_api(inputs, names - {"name"}, _RENAMES)
    request["PoolName"] = inputs["name"]
    if policies := to_api(inputs, _POLICIES):
        request["Policies"] = policies
    # Trigger configuration and its older form must agree where both are given; AWS then shows both.
    config = request.get("LambdaConfig", {})
    if newer := config.get("PreTokenGenerationConfig"):
        config.setdefault("PreTokenGeneration", newer["LambdaArn"])
    # TOTP alone can be required only through SetUserPoolMfaConfig.
    request.pop("MfaConfiguration", None)
    return request


def _needs_mfa_call(inputs: Properties) -> bool:
    return bool(_MFA & set(inputs)) or inputs.get("mfaConfiguration", "OFF") != "OFF"


def _set_mfa(aws: Aws, identifier: str, inputs: Properties) -> None:
    request = to_api(inputs, _MFA)
    request.setdefault("SoftwareTokenMfaConfiguration", {"Enabled": False})
    aws.client("cognito-idp").set_user_pool_mfa_config(
        UserPoolId=identifier, MfaConfiguration=inputs.get("mfaConfiguration", "OFF"), **request
    )


def _create(aws: Aws, inputs: Properties) -> Made:
    client = aws.client("cognito-idp")
    request = _request(inputs, _PLAIN | _ONLY_AT_CREATION)
    if inputs.get("tagsAll"):
        request["UserPoolTags"] = inputs["tagsAll"]
    # A trigger's role or permission that was made a moment ago is not seen at once.
    answer = keep_trying(
        lambda: client.create_user_pool(**request),
        "InvalidSmsRoleTrustRelationshipException",
        "InvalidSmsRoleAccessPolicyException",
    )
    return Made(answer["UserPool"]["Id"])


def _finish(aws: Aws, identifier: str, inputs: Properties) -> None:
    if _needs_mfa_call(inputs):
        _set_mfa(aws, identifier, inputs)


def _own_attributes(answer: list[dict[str, Any]], recorded: Recorded) -> list[Properties]:
    """Return the schema entries that a program declares: custom ones, and standard ones by name."""
    shape = schemas()[TOKEN].inputs["schemas"][0]
    declared = {str(entry.get("name")): entry for entry in recorded.inputs.get("schemas", [])}
    order = {name: position for position, name in enumerate(declared)}
    found: list[Properties] = []
    for attribute in answer:
        entry = from_api(attribute, shape)
        name = str(entry["name"])
        custom = name.startswith(("custom:", "dev:"))
        entry["name"] = name.split(":", maxsplit=1)[-1]
        if not custom and entry["name"] not in declared:
            continue
        # AWS fills constraints and flags that the program left out; only those it named are
        # compared.
        known = declared.get(entry["name"])
        if known is not None:
            entry = {key: value for key, value in entry.items() if key in known}
        found.append(entry)
    return sorted(found, key=lambda entry: order.get(str(entry["name"]), len(order)))


def _read(aws: Aws, identifier: str, recorded: Recorded) -> Live | None:
    client = aws.client("cognito-idp")
    answer = unless_gone(client.describe_user_pool, GONE, UserPoolId=identifier)
    if answer is None:
        return None
    pool = answer["UserPool"]
    mfa = client.get_user_pool_mfa_config(UserPoolId=identifier)
    known = schemas()[TOKEN].inputs
    served = _PLAIN | _ONLY_AT_CREATION - {"schemas"}
    inputs = from_api(pool, {n: known[n] for n in served}, _RENAMES)
    inputs |= from_api(pool.get("Policies", {}), {name: known[name] for name in _POLICIES})
    inputs |= from_api(mfa, {name: known[name] for name in _MFA | {"mfaConfiguration"}})
    inputs["schemas"] = _own_attributes(pool.get("SchemaAttributes", []), recorded)
    # UserPoolAddOns comes and goes with the plan, in which advanced security is off unless asked
    # for.
    if inputs.get("userPoolAddOns") == {"advancedSecurityMode": "OFF"}:
        inputs.pop("userPoolAddOns")
    inputs["tags"] = dict(pool.get("UserPoolTags") or {})
    _as_program_writes(inputs, recorded)
    endpoint = f"cognito-idp.{aws.region}.amazonaws.com/{identifier}"
    outputs = {
        "arn": pool.get("Arn") or aws.arn("cognito-idp", f"userpool/{identifier}"),
        "endpoint": endpoint,
        "creationDate": pool["CreationDate"].isoformat(),
        "lastModifiedDate": pool["LastModifiedDate"].isoformat(),
        "estimatedNumberOfUsers": pool.get("EstimatedNumberOfUsers", 0),
    }
    return Live({k: v for k, v in inputs.items() if v not in (None, [])}, outputs)


def _as_program_writes(inputs: Properties, recorded: Recorded) -> None:
    """Leave out parts of nested objects that AWS added to what the program gave."""
    given = {n: recorded.inputs.get(n) for n in ("lambdaConfig", "passwordPolicy")}
    triggers = inputs.get("lambdaConfig", {})
    newer = triggers.get("preTokenGenerationConfig", {}).get("lambdaArn")
    # AWS shows the older form of the same trigger beside the newer one.
    asked = "preTokenGeneration" in (given["lambdaConfig"] or {})
    if newer and triggers.get("preTokenGeneration") == newer and not asked:
        triggers.pop("preTokenGeneration")
    if given["passwordPolicy"] is not None:
        password = inputs.get("passwordPolicy", {})
        for key, value in _PASSWORD_DEFAULTS.items():
            if key not in given["passwordPolicy"] and password.get(key) in (value, False):
                password.pop(key, None)


def _names(inputs: Properties) -> dict[str, Properties]:
    return {str(entry.get("name")): entry for entry in inputs.get("schemas") or []}


def _update(aws: Aws, identifier: str, new: Properties, old: Properties) -> None:
    client = aws.client("cognito-idp")
    live = client.describe_user_pool(UserPoolId=identifier)["UserPool"]
    present = {a["Name"].split(":", maxsplit=1)[-1] for a in live.get("SchemaAttributes", [])}
    if added := [entry for name, entry in _names(new).items() if name not in present]:
        client.add_custom_attributes(
            UserPoolId=identifier, CustomAttributes=[to_api(entry) for entry in added]
        )
    request = _request({"deletionProtection": "INACTIVE", **new}, _PLAIN)
    client.update_user_pool(
        UserPoolId=identifier,
        **{"LambdaConfig": {}, **request},
        UserPoolTags=new.get("tagsAll") or {},
    )
    gone = set(old.get("tagsAll") or {}) - set(new.get("tagsAll") or {})
    if gone:
        arn = aws.arn("cognito-idp", f"userpool/{identifier}")
        client.untag_resource(ResourceArn=arn, TagKeys=sorted(gone))
    if _needs_mfa_call(new) or _needs_mfa_call(old):
        _set_mfa(aws, identifier, new)


def _delete(aws: Aws, identifier: str, _recorded: Recorded) -> None:
    unless_gone(aws.client("cognito-idp").delete_user_pool, GONE, UserPoolId=identifier)


def _changed_attributes(old: Properties, new: Properties) -> set[str]:
    # AddCustomAttributes can add only: https://docs.aws.amazon.com/cognito/latest/developerguide/
    # user-pool-settings-attributes.html "You can't remove or change it".
    before, after = _names(old), _names(new)
    kept = all(name in after and _same(entry, after[name]) for name, entry in before.items())
    return set() if kept else {"schemas"}


def _same(one: Properties, other: Properties) -> bool:
    return str(sorted(_flat(one))) == str(sorted(_flat(other)))


def _flat(entry: Properties, path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{key}.")
        elif value is not False:
            yield f"{path}{key}", str(value)


def _verify(inputs: Properties) -> Iterator[tuple[str, str]]:
    for position, entry in enumerate(inputs.get("schemas") or []):
        if isinstance(entry, dict) and str(entry.get("name", "")).startswith("custom:"):
            yield (
                f"schemas[{position}].name",
                f"write {entry['name'].removeprefix('custom:')} without custom:, Cognito adds it",
            )
    if {"aliasAttributes", "usernameAttributes"} <= set(inputs):
        yield "aliasAttributes", "give one of aliasAttributes and usernameAttributes"


TYPES = (
    ResourceType(
        token=TOKEN,
        serves=_PLAIN | _ONLY_AT_CREATION | _MFA | _POLICIES | {"tags"},
        create=_create,
        finish=_finish,
        read=_read,
        update=_update,
        delete=_delete,
        verify=_verify,
        replaces={
            "name": "terraform-provider-aws internal/service/cognitoidp/user_pool.go:"
            " name ForceNew",
            "aliasAttributes": "cognito-idp UpdateUserPool takes no AliasAttributes",
            "usernameAttributes": "cognito-idp UpdateUserPool takes no UsernameAttributes",
            "usernameConfiguration": "cognito-idp UpdateUserPool takes no UsernameConfiguration",
        },
        replaces_when=_changed_attributes,
        defaults={
            "mfaConfiguration": "OFF",
            "deletionProtection": "INACTIVE",
            "softwareTokenMfaConfiguration": {"enabled": False},
        },
        computed=_MESSAGES
        | words(
            "accountRecoverySetting adminCreateUserConfig emailConfiguration passwordPolicy"
            " signInPolicy userPoolTier usernameConfiguration verificationMessageTemplate"
            " webAuthnConfiguration"
        ),
        sets=words("aliasAttributes usernameAttributes autoVerifiedAttributes schemas"),
        name="name",
        outputs=(
            "arn",
            "endpoint",
            "creationDate",
            "lastModifiedDate",
            "estimatedNumberOfUsers",
        ),
        volatile=words("lastModifiedDate estimatedNumberOfUsers"),
    ),
)
