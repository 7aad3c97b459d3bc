"""No value of a secret passes through the program, where state and previews would keep it."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model.rules.declarations import CREDENTIAL_VALUES
from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined
from totara_infra.policies.paths import PARAMETER

VALUE_TYPES = {
    "aws:secretsmanager/secretVersion:SecretVersion": "a secret's value",
    "aws:iam/accessKey:AccessKey": "an access key",
    "aws:iam/userLoginProfile:UserLoginProfile": "a password",
    "aws:cognito/user:User": "a user, with a password",
    "random:index/randomPassword:RandomPassword": "a password",
    "tls:index/privateKey:PrivateKey": "a private key",
}
"""Types that have no purpose without a value that nobody may see."""
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"


def _check(resource: Examined) -> Iterator[str]:
    if held := VALUE_TYPES.get(resource.type):
        yield (
            f"It puts {held} into the state. Declare the container only, and fill it with "
            "`totara secrets put`."
        )
    properties = resource.properties
    if resource.type == PARAMETER and properties.get("type") == "SecureString":
        yield "A SecureString is a secret. Declare it under `secrets:` of its module."
    if resource.type == CLIENT and properties.get("generateSecret"):
        yield (
            "The secret that Cognito would generate stands in the state. Leave `generate_secret` "
            "false."
        )
    for path, text in resource.texts():
        if CREDENTIAL_VALUES.search(text):
            # What was found is not repeated: this message goes into logs.
            yield (
                f"`{path}` looks like a credential. Declare it under `secrets:` of its module, "
                "and fill it with `totara secrets put`."
            )


NO_SECRET_VALUES = Convention(
    "no-secret-values",
    "No value of a secret passes through the program: it would stand in the state, in previews "
    "and in logs.",
    _check,
)
