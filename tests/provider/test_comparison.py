"""Comparison by meaning, names that are made up, secrets and unknown values."""

from __future__ import annotations

import json

from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2

from tests.provider.cases import permissions, policy
from tests.provider.provider_client import ACCOUNT, DEFAULT_TAGS, ProviderClient, State, arguments
from totara_infra.local.provider.archives import zipped
from totara_infra.local.provider.configuration import parse
from totara_infra.local.provider.diff import compare, policy_meaning
from totara_infra.local.provider.registry import resource_type
from totara_infra.local.provider.values import (
    ARCHIVE,
    ASSET,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    from_struct,
    to_struct,
)

ROLE = resource_type("aws:iam/role:Role")
POOL_CLIENT = resource_type("aws:cognito/userPoolClient:UserPoolClient")
PARAMETER = resource_type("aws:ssm/parameter:Parameter")
HOSTED = resource_type("aws:appconfig/hostedConfigurationVersion:HostedConfigurationVersion")
QUEUE = resource_type("aws:sqs/queue:Queue")


def test_values_survive_the_wire() -> None:
    plain = {"a": 1, "b": 1.5, "c": True, "d": "1", "e": [{"f": []}], "g": {}}
    assert from_struct(to_struct(plain)) == plain
    assert type(from_struct(to_struct(plain))["a"]) is int


def test_nulls_are_left_out_and_secrets_unwrapped() -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": None, "b": {SIGNATURE: SECRET, "value": "s"}, "c": UNKNOWN})
    assert from_struct(struct) == {"b": "s", "c": UNKNOWN}


def test_policies_are_compared_by_meaning() -> None:
    one = policy(action="s3:GetObject")
    other = json.dumps(json.loads(one), indent=2).replace(
        '[\n        "s3:GetObject"\n      ]', '"s3:GetObject"'
    )
    assert other != one
    assert policy_meaning(one) == policy_meaning(other)
    assert policy_meaning(one) != policy_meaning(policy(action="s3:PutObject"))
    assert policy_meaning(one) != policy_meaning(one.replace("Allow", "Deny"))
    old = {"name": "r", "assumeRolePolicy": one}
    assert compare(ROLE, old, {"name": "r", "assumeRolePolicy": other}) == {}
    assert set(compare(ROLE, old, {"name": "r", "assumeRolePolicy": permissions("*")})) == {
        "assumeRolePolicy"
    }


def test_content_is_compared_by_meaning() -> None:
    old = {"content": '{"a": 1, "b": [1, 2]}'}
    assert compare(HOSTED, old, {"content": '{"b":[1,2],"a":1}'}) == {}
    assert set(compare(HOSTED, old, {"content": '{"b":[2,1],"a":1}'})) == {"content"}
    assert set(compare(HOSTED, {"content": "plain"}, {"content": "text"})) == {"content"}


def test_sets_have_no_order() -> None:
    old = {"writeAttributes": ["a", "b"]}
    assert compare(POOL_CLIENT, old, {"writeAttributes": ["b", "a"]}) == {}
    assert set(compare(POOL_CLIENT, old, {"writeAttributes": ["b"]})) == {"writeAttributes"}


def test_defaults_and_values_of_aws_are_no_change() -> None:
    assert compare(QUEUE, {"delaySeconds": 0}, {}) == {}
    assert compare(QUEUE, {}, {"visibilityTimeoutSeconds": "30"}) == {}
    assert compare(QUEUE, {"maxMessageSize": 1024}, {}) == {}
    assert set(compare(QUEUE, {"delaySeconds": 5}, {})) == {"delaySeconds"}


def test_ignored_changes(provider: ProviderClient) -> None:
    state = State(PARAMETER.token, "/a", {"name": "/a", "type": "String", "value": "1"}, {})
    news = {**state.inputs, "value": "2", "tags": {"a": "b"}}
    assert list(provider.diff(state, news, ignore=("value", "tags")).diffs) == []
    assert list(provider.diff(state, news, ignore=("value",)).diffs) == ["tags"]


def test_a_state_without_inputs_is_compared_with_its_outputs(provider: ProviderClient) -> None:
    inputs = {"name": "/a", "type": "String", "value": "1"}
    outputs = {**inputs, "arn": "arn:aws:ssm:x", "version": 3, "tier": "Standard"}
    state = State(PARAMETER.token, "/a", {}, outputs)
    assert list(provider.diff(state, inputs).diffs) == []
    assert list(provider.diff(state, {**inputs, "value": "2"}).diffs) == ["value"]


def test_an_unknown_value_is_a_change(provider: ProviderClient) -> None:
    inputs = {"name": "/a", "type": "String", "value": "1"}
    state = State(PARAMETER.token, "/a", inputs, {})
    assert provider.check(PARAMETER.token, {**inputs, "value": UNKNOWN}).failures == {}
    assert list(provider.diff(state, {**inputs, "value": UNKNOWN}).diffs) == ["value"]
    unknown_name = provider.preview(PARAMETER.token, {**inputs, "name": UNKNOWN})
    assert unknown_name["arn"] == UNKNOWN


def test_the_kinds_of_change(provider: ProviderClient) -> None:
    inputs = {"name": "/a", "type": "String", "value": "1", "description": "d"}
    state = State(PARAMETER.token, "/a", inputs, {})
    news = {"name": "/b", "type": "String", "value": "2", "allowedPattern": ".*"}
    answer = provider.diff(state, news)
    kinds = provider_pb2.PropertyDiff.Kind
    assert {name: kinds.Name(entry.kind) for name, entry in answer.detailedDiff.items()} == {
        "name": "UPDATE_REPLACE",
        "value": "UPDATE",
        "description": "DELETE",
        "allowedPattern": "ADD",
    }
    assert list(answer.replaces) == ["name"]
    assert all(entry.inputDiff for entry in answer.detailedDiff.values())


def test_a_tier_that_goes_down_replaces(provider: ProviderClient) -> None:
    inputs = {"name": "/a", "type": "String", "value": "1", "tier": "Advanced"}
    state = State(PARAMETER.token, "/a", inputs, {})
    down = provider.diff(state, {**inputs, "tier": "Standard"})
    assert (list(down.replaces), down.deleteBeforeReplace) == (["tier"], True)
    up = State(PARAMETER.token, "/a", {**inputs, "tier": "Standard"}, {})
    assert list(provider.diff(up, inputs).replaces) == []


def test_names_are_made_up_and_kept(provider: ProviderClient) -> None:
    program = {"type": "String", "value": "1"}
    first = provider.check(PARAMETER.token, program, name="limit").inputs
    assert first["name"].startswith("limit-")
    again = provider.check(PARAMETER.token, program, first, name="limit").inputs
    assert again["name"] == first["name"]
    given = provider.check(PARAMETER.token, {**program, "name": "/mine"}, first).inputs
    assert given["name"] == "/mine"


def test_changed_default_tags_show(provider: ProviderClient) -> None:
    program = {"name": "/a", "type": "String", "value": "1"}
    news = provider.check(PARAMETER.token, program).inputs
    assert news["tagsAll"] == DEFAULT_TAGS
    old = State(PARAMETER.token, "/a", {**news, "tagsAll": {"platform": "old"}}, {})
    assert list(provider.diff(old, news).diffs) == ["tagsAll"]


def test_changed_arguments(provider: ProviderClient) -> None:
    def moved(**changes: object) -> tuple[list[str], list[str]]:
        olds, news = arguments("http://127.0.0.1:1"), arguments("http://127.0.0.1:1", **changes)
        answer = provider.stub.DiffConfig(
            provider_pb2.DiffRequest(old_inputs=to_struct(olds), news=to_struct(news))
        )
        return list(answer.diffs), list(answer.replaces)

    assert moved() == ([], [])
    assert moved(region="eu-west-1") == (["region"], ["region"])
    assert moved(accessKey="111111111111") == (["accessKey"], ["accessKey"])
    assert moved(endpoints=[{"ssm": "http://127.0.0.1:2"}]) == (["endpoints"], [])
    assert moved(allowedAccountIds=[ACCOUNT, "111111111111"]) == (["allowedAccountIds"], [])


def test_arguments_are_json_texts() -> None:
    assert parse({"accessKey": "123456789012", "allowedAccountIds": '["1"]'}) == {
        "accessKey": "123456789012",
        "allowedAccountIds": ["1"],
    }


def test_archives_are_the_same_every_time(tmp_path) -> None:
    folder = tmp_path / "code"
    (folder / "package").mkdir(parents=True)
    (folder / "index.py").write_text("a = 1")
    (folder / "package" / "part.py").write_text("b = 2")
    value = {SIGNATURE: ARCHIVE, "path": str(folder)}
    first = zipped(value)
    (folder / "index.py").touch()
    assert zipped(value) == first
    texts = {
        "package/part.py": {SIGNATURE: ASSET, "text": "b = 2"},
        "index.py": {SIGNATURE: ASSET, "path": str(folder / "index.py")},
    }
    assert zipped({SIGNATURE: ARCHIVE, "assets": texts}) == first
    (folder / "index.py").write_text("a = 2")
    assert zipped(value) != first
