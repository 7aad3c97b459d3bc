"""From a plan to a state: ids, values of other resources, and what is not there."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.conftest import PROJECT
from totara_infra import Blueprint, load_catalogue, load_tenants, plan, read_stack
from totara_infra.blueprint import Archive, Joined, PlannedResource, Reference
from totara_infra.delivery.state.composition import (
    HIDDEN,
    UNKNOWN,
    compose,
    secret,
    secrets_provider,
    with_outputs,
)
from totara_infra.delivery.state.scratch import Preview
from totara_infra.local.provider.registry import tokens
from totara_infra.operations.drift.backups import LOCK
from totara_infra.operations.drift.functions import digests
from totara_infra.operations.drift.reading import Thing
from totara_infra.operations.live_resources import IDENTIFIERS, LiveResources, Match

PREFIX = "urn:pulumi:local::totara-infra::"


def blueprint(environment: str = "local") -> Blueprint:
    settings = read_stack(PROJECT, environment)
    tenants = load_tenants(PROJECT, settings.tenants)
    return plan(load_catalogue().catalogue, settings, tenants)


def urn(kind: str, name: str) -> str:
    return f"{PREFIX}{kind}::{name}"


def state(kind: str, name: str, inputs: dict, **more: object) -> dict:
    provider = f"{urn('pulumi:providers:aws', 'aws')}::{UNKNOWN}"
    return {
        "urn": urn(kind, name), "custom": True, "type": kind, "inputs": inputs,
        "provider": provider, **more,
    }  # fmt: skip


def match(kind: str, name: str, properties: dict, thing: Thing, identifier: str) -> Match:
    return Match(PlannedResource(kind, name, "MOD-104", "x", properties), identifier, thing)


def composed(resources: list[dict], *found: Match) -> dict[str, dict]:
    live = LiveResources({m.resource.name: m for m in found})
    settings = read_stack(PROJECT, "local", {"endpoint": "http://127.0.0.1:1", "stack": "local"})
    deployment = compose(Preview(resources, {}, {}), live, settings)
    assert UNKNOWN not in json.dumps(deployment)
    return {r["urn"].split("::")[-1]: r for r in deployment["deployment"]["resources"]}


KEY, BUCKET = "aws:kms/key:Key", "aws:s3/bucket:Bucket"
PROVIDER = {
    "urn": urn("pulumi:providers:aws", "aws"), "custom": True, "type": "pulumi:providers:aws",
    "inputs": {"region": "x", "accessKey": HIDDEN, "__internal": {}},
}  # fmt: skip
LIVE_KEY = match(
    KEY, "key/pii", {"description": "d"}, Thing("d", {}, {"id": "k-1", "arn": "arn:k-1"}), "k-1"
)


def test_ids_providers_and_values_of_other_resources_are_filled_in():
    declared = {
        "bucket": "b",
        "server_side": [{"kms_key_id": Reference("key/pii", "arn"), "note": "n"}],
        "policy": Joined(("key ", Reference("key/pii", "id"))),
    }
    planned = {
        "bucket": "b",
        "serverSide": [{"kmsKeyId": UNKNOWN, "note": "n"}],
        "policy": UNKNOWN,
        "tagsAll": {"env": "local"},
    }
    found = composed(
        [PROVIDER, state(KEY, "key/pii", {"description": "d"}), state(BUCKET, "bucket/b", planned)],
        LIVE_KEY,
        match(BUCKET, "bucket/b", declared, Thing("b", {}, {"id": "b"}), "b"),
    )

    provider = found["aws"]
    assert provider["inputs"]["accessKey"] == secret("000000000000")
    assert "__internal" not in provider["outputs"]
    bucket = found["bucket/b"]
    assert bucket["id"] == "b"
    assert bucket["provider"] == f"{provider['urn']}::{provider['id']}"
    assert bucket["inputs"] == bucket["outputs"]
    assert bucket["inputs"] == {
        "bucket": "b",
        "serverSide": [{"kmsKeyId": "arn:k-1", "note": "n"}],
        "policy": "key k-1",
        "tagsAll": {"env": "local"},
    }


def test_what_is_not_there_is_left_out_and_nothing_depends_on_it():
    key = urn(KEY, "key/pii")
    found = composed(
        [
            PROVIDER,
            state(KEY, "key/pii", {"description": "d"}),
            state(
                BUCKET, "bucket/b", {"bucket": "b", "kmsKeyId": UNKNOWN},
                dependencies=[key], propertyDependencies={"kmsKeyId": [key], "bucket": []},
            ),
        ],
        match(
            BUCKET, "bucket/b", {"bucket": "b", "kms_key_id": Reference("key/pii", "arn")},
            Thing("b", {}, {"id": "b"}), "b",
        ),
    )  # fmt: skip

    assert set(found) == {"aws", "bucket/b"}
    assert found["bucket/b"]["inputs"] == {"bucket": "b"}
    assert found["bucket/b"]["dependencies"] == []
    assert found["bucket/b"]["propertyDependencies"] == {"kmsKeyId": [], "bucket": []}


def test_a_value_that_the_plan_hides_is_encrypted_in_the_state():
    found = composed(
        [PROVIDER, state(KEY, "key/pii", {"content": HIDDEN})],
        match(KEY, "key/pii", {"content": "{}"}, Thing("d", {}, {"id": "k-1"}), "k-1"),
    )

    assert found["key/pii"]["inputs"]["content"] == secret("{}")


@pytest.mark.parametrize(("live", "recorded"), [("ours", True), ("another's", False)])
def test_files_are_recorded_only_where_they_are_live(live, recorded):
    kind = "aws:lambda/function:Function"
    archive = {"4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7"}
    thing = Thing("f", {"code": digests({"f.py": live.encode()})}, {"id": "f"})
    found = composed(
        [PROVIDER, state(kind, "function/f", {"name": "f", "code": archive})],
        match(kind, "function/f", {"name": "f", "code": Archive({"f.py": "ours"})}, thing, "f"),
    )

    assert ("code" in found["function/f"]["inputs"]) is recorded


def test_hooks_need_the_version_that_knows_them():
    live = LiveResources({"key/pii": LIVE_KEY})
    settings = read_stack(PROJECT, "local", {"stack": "local"})
    for more, version in (({}, 3), ({"resourceHooks": {"BeforeCreate": ["h"]}}, 4)):
        preview = Preview([state(KEY, "key/pii", {}, **more)], {}, {})
        assert compose(preview, live, settings)["version"] == version


def test_components_get_their_outputs():
    component = {"urn": urn("totara:x:Y", "y"), "custom": False, "type": "totara:x:Y"}
    found = {"version": 3, "deployment": {"resources": [component, state(KEY, "key/pii", {})]}}

    changed = with_outputs(found, {component["urn"]: {"names": ["a"]}, urn(KEY, "key/pii"): {}})

    first, second = changed["deployment"]["resources"]
    assert first["outputs"] == {"names": ["a"]}
    assert "outputs" not in second


@pytest.mark.parametrize("environment", ["local", "dev", "uat", "prod"])
def test_every_type_of_the_blueprint_has_an_id(environment):
    kinds = {resource.type for resource in blueprint(environment).resources.values()}

    assert kinds <= IDENTIFIERS.keys(), "add a line to totara_infra.operations.live_resources"
    # No emulator knows the lock of a vault, so the local provider does not serve it.
    assert IDENTIFIERS.keys() <= {*tokens(), LOCK}


def test_the_secrets_provider_is_the_one_that_the_file_names(tmp_path, monkeypatch):
    monkeypatch.setattr("totara_infra.delivery.state.composition.project_root", lambda: tmp_path)
    salt = {"encryptionsalt": "v1:x"}
    kms = {"secretsprovider": "awskms://alias/bank", "encryptedkey": "AQ=="}
    for content, expected in (
        ({"config": {}}, None),
        (salt, {"type": "passphrase", "state": {"salt": "v1:x"}}),
        (
            kms | salt,
            {"type": "cloud", "state": {"url": "awskms://alias/bank", "encryptedkey": "AQ=="}},
        ),
    ):
        (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(content))
        assert secrets_provider("dev") == expected
