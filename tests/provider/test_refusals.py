"""What the provider will not do, and what it says then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from tests.provider.cases import CASES, Case, policy, trust
from tests.provider.provider_client import ACCOUNT, ProviderClient, arguments

PARAMETER = "aws:ssm/parameter:Parameter"
LOOPBACK = "http://127.0.0.1:4599"


def refusal(call: Callable[[], Any]) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    sentence = str(caught.value.details())
    assert "Traceback" not in sentence
    assert "\n" not in sentence
    return sentence


# --- the provider's own arguments ---


@pytest.mark.parametrize(
    "url",
    [
        "https://ssm.ap-southeast-2.amazonaws.com",
        "http://10.0.0.1:4566",
        "http://127.0.0.1.evil.example:80",
        "http://localhost.evil.example",
        "http://user@1.2.3.4/",
        "",
    ],
)
def test_only_loopback(unconfigured: Callable[[], ProviderClient], url: str) -> None:
    client = unconfigured()
    news = arguments(LOOPBACK, endpoints=[{"ssm": url, "sqs": LOOPBACK}])
    ((name, reason),) = client.check_config(news)
    assert name == "endpoints"
    assert "serves the local environment only" in reason
    assert "pulumi plugin install resource aws 7.51.1" in reason
    # Configure stands on its own: the engine may call it without a check.
    assert "serves the local environment only" in refusal(
        lambda: client.configure(LOOPBACK, endpoints=[{"ssm": url}])
    )


@pytest.mark.parametrize("url", [LOOPBACK, "http://localhost:4566", "http://127.8.9.10:1"])
def test_loopback_is_welcome(unconfigured: Callable[[], ProviderClient], url: str) -> None:
    assert unconfigured().check_config(arguments(LOOPBACK, endpoints=[{"ssm": url}])) == []


def test_all_wrong_arguments_at_once(unconfigured: Callable[[], ProviderClient]) -> None:
    news = arguments("http://192.168.0.1", regoin="x", profile="prod", secretKey=None)
    found = unconfigured().check_config(news)
    assert {"regoin", "profile", "secretKey", "endpoints"} == {name for name, _ in found}
    assert "did you mean region?" in dict(found)["regoin"]


def test_a_service_without_endpoint_never_reaches_aws(
    unconfigured: Callable[[], ProviderClient], endpoint: str
) -> None:
    client = unconfigured()
    client.configure(endpoint, endpoints=[{"sts": endpoint}])
    program = {"name": "/a/b", "type": "String", "insecureValue": "1"}
    sentence = refusal(lambda: client.make(PARAMETER, program))
    assert "endpoints` lack ssm" in sentence


def test_wrong_account(unconfigured: Callable[[], ProviderClient], endpoint: str) -> None:
    sentence = refusal(
        lambda: unconfigured().configure(endpoint, allowedAccountIds=["999999999999"])
    )
    assert ACCOUNT in sentence
    assert "999999999999" in sentence


def test_no_emulator(unconfigured: Callable[[], ProviderClient]) -> None:
    sentence = refusal(lambda: unconfigured().configure("http://127.0.0.1:9"))
    assert "make up" in sentence


# --- resources ---


def test_unknown_type(provider: ProviderClient) -> None:
    checked = provider.check("aws:dynamodb/table:Table", {"name": "x"})
    (reason,) = checked.failures.values()
    assert "does not serve aws:dynamodb/table:Table; it serves: " in reason
    assert PARAMETER in reason
    assert "official plugin" in reason


def test_all_wrong_properties_at_once(provider: ProviderClient) -> None:
    checked = provider.check(
        PARAMETER, {"insecure_value": "1", "tags": ["a"], "valueWo": "x", "region": "us-east-1"}
    )
    assert set(checked.failures) == {
        "insecure_value",
        "tags",
        "valueWo",
        "region",
        "type",
        "value",
    }
    assert "did you mean insecureValue?" in checked.failures["insecure_value"]
    assert "does not carry out valueWo" in checked.failures["valueWo"]
    assert "missing required property type" in checked.failures["type"]


def test_unknown_nested_property(provider: ProviderClient) -> None:
    checked = provider.check(
        "aws:cognito/userPool:UserPool",
        {"name": "x", "schemas": [{"name": "a", "attributeDataTyp": "String"}]},
    )
    ((name, reason),) = checked.failures.items()
    assert name == "schemas[0].attributeDataTyp"
    assert "did you mean attributeDataType?" in reason


def test_wrong_property_of_aws(provider: ProviderClient, unique: str) -> None:
    """AWS's own refusal arrives as one sentence with the operation and the code."""
    sentence = refusal(
        lambda: provider.make(
            "aws:cognito/userGroup:UserGroup",
            {"name": unique, "userPoolId": "ap-southeast-2_missing"},
        )
    )
    assert "AWS refused CreateGroup with ResourceNotFoundException" in sentence
    assert "aws:cognito/userGroup:UserGroup it" in sentence


MANY_MAY_SHARE_A_NAME = {
    # The name of a selection is for people: AWS tells them apart by an id.
    "aws:backup/selection:Selection",
    "aws:appconfig/application:Application",
    "aws:appconfig/configurationProfile:ConfigurationProfile",
    "aws:appconfig/deployment:Deployment",
    "aws:appconfig/deploymentStrategy:DeploymentStrategy",
    "aws:appconfig/environment:Environment",
    "aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion",
    "aws:cognito/userPool:UserPool",
    "aws:cognito/userPoolClient:UserPoolClient",
    "aws:kms/key:Key",
}
EVERY_BUCKET_HAS_THEM = {
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
}


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.token not in MANY_MAY_SHARE_A_NAME | EVERY_BUCKET_HAS_THEM],
    ids=lambda case: case.token.split(":")[-1],
)
def test_never_adopts(
    case: Case, provider: ProviderClient, aws: Callable[[str], Any], unique: str
) -> None:
    program = case.inputs(case.prepare(aws, unique))
    first = provider.make(case.token, program)
    sentence = refusal(lambda: provider.make(case.token, program))
    assert "exists already, and the state has no such resource under this name" in sentence
    # Who made it is not known, so no single way out is named as the right one.
    assert "did not make it" not in sentence
    assert sentence.index("`totara state rebuild`") < sentence.index("`pulumi import`")
    # It names the id with which the import works.
    assert first.id in sentence
    again = provider.refresh(first)
    assert again is not None
    assert again.inputs == first.inputs
    provider.delete(first)


def test_a_group_can_not_be_changed_in_the_emulator(
    provider: ProviderClient, aws: Callable[[str], Any], unique: str
) -> None:
    pool = aws("cognito-idp").create_user_pool(PoolName=unique)["UserPool"]["Id"]
    state = provider.make(
        "aws:cognito/userGroup:UserGroup", {"name": unique, "userPoolId": pool, "precedence": 1}
    )
    sentence = refusal(lambda: provider.update(state, {**state.inputs, "precedence": 2}))
    assert "the emulator can't change a group in place" in sentence


def test_a_secret_that_waits_for_its_end(
    provider: ProviderClient, aws: Callable[[str], Any], unique: str
) -> None:
    aws("secretsmanager").create_secret(Name=unique)
    aws("secretsmanager").delete_secret(SecretId=unique, RecoveryWindowInDays=7)
    sentence = refusal(lambda: provider.make("aws:secretsmanager/secret:Secret", {"name": unique}))
    assert "restore-secret" in sentence


def test_a_bucket_that_is_not_empty(
    provider: ProviderClient, aws: Callable[[str], Any], unique: str
) -> None:
    state = provider.make("aws:s3/bucket:Bucket", {"bucket": unique})
    aws("s3").put_object(Bucket=unique, Key="a", Body=b"1")
    assert "forceDestroy" in refusal(lambda: provider.delete(state))
    state.inputs["forceDestroy"] = True
    provider.delete(state)
    assert provider.refresh(state) is None


def test_a_thing_that_was_made_in_part_is_not_lost(provider: ProviderClient, unique: str) -> None:
    """The engine learns the id, and the next update goes on."""
    from pulumi.runtime.proto import provider_pb2, status_pb2

    from totara_infra.local.provider.values import from_struct

    token = "aws:kms/key:Key"
    program = {"description": unique, "enableKeyRotation": True, "rotationPeriodInDays": 1}
    inputs = provider.check(token, program).inputs
    with pytest.raises(grpc.RpcError) as caught:
        provider.create(token, inputs)
    details = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(details)
    half = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(half)
    assert half.id
    assert "RotationPeriodInDays" in half.reasons[0] or "rotation" in half.reasons[0].lower()
    assert from_struct(half.inputs)["description"] == unique

    from tests.provider.provider_client import State

    mended = {**inputs, "rotationPeriodInDays": 90}
    state = State(token, half.id, from_struct(half.inputs), from_struct(half.properties))
    provider.update(state, mended)
    found = provider.refresh(State(token, half.id, mended, {}))
    assert found is not None
    assert found.inputs == mended


def test_policies_may_be_objects(provider: ProviderClient) -> None:
    import json

    document = json.loads(trust("lambda.amazonaws.com"))
    checked = provider.check("aws:iam/role:Role", {"name": "x", "assumeRolePolicy": document})
    assert checked.failures == {}
    assert json.loads(checked.inputs["assumeRolePolicy"]) == document
    assert policy()
