"""Modules, parameters and secrets that are moved and renamed on the real engine, there and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.checkout import Checkout
from tests.small_catalogue import module

pytestmark = pytest.mark.engine

DOMAINS = "totara_infra/catalogue/domains"
WINDOW = ("/bank/local/service-001/window", "/bank/local/ledger/window")
PII = "/bank/local/kms/pii/arn"
KEY = ("/bank/local/core/statement-signing-key", "/bank/local/core/statement-key")
LEDGER_MARKER = "/bank/local/deployment/mod-001"
MARKERS = ("/bank/local/deployment/mod-118", "/bank/local/deployment/mod-218")
SPLIT_MARKER = "/bank/local/deployment/mod-105"
KYC_MARKER = "/bank/local/deployment/mod-009"


@pytest.fixture(scope="module")
def small(new_small_environment) -> Checkout:
    checkout = new_small_environment()
    checkout.totara("secrets", "seed", "local")
    return checkout


def load(checkout: Checkout, name: str) -> Any:
    return yaml.safe_load((checkout.root / name).read_text())


def write(checkout: Checkout, name: str, content: Any) -> None:
    (checkout.root / name).write_text(yaml.safe_dump(content, sort_keys=False, width=1000))


def change(checkout: Checkout, *, previously: bool) -> None:
    """MOD-001 moves to SD02, MOD-118 gets another id, MOD-104 is split, two paths change."""
    core, kyc, platform = (load(checkout, f"{DOMAINS}/sd0{n}.yaml") for n in (1, 2, 7))
    ledger = next(m for m in core["modules"] if m["id"] == "MOD-001")
    core["modules"].remove(ledger)
    kyc["modules"].append(ledger)
    ledger["service"] = "ledger"
    ledger["parameters"][0]["path"] = "/bank/{env}/ledger/window"
    (secret,) = ledger["secrets"]
    former, secret["path"] = secret["path"], "/bank/{env}/core/statement-key"
    if previously:
        secret["previously"] = former
    renamed = next(m for m in core["modules"] if m["id"] == "MOD-118")
    renamed |= {"id": "MOD-218", "slug": "module-218", "service": "service-218"}
    shared = next(m for m in platform["modules"] if m["id"] == "MOD-104")
    (key_arn,) = [p for p in shared["parameters"] if p["path"].endswith("/kms/pii/arn")]
    shared["parameters"].remove(key_arn)
    split = module("MOD-105", ["MOD-104"], parameters=[key_arn])
    platform["modules"].append(split)
    for number, content in ((1, core), (2, kyc), (7, platform)):
        write(checkout, f"{DOMAINS}/sd0{number}.yaml", content)
    tenancy = load(checkout, "totara_infra/catalogue/tenancy.yaml")
    tenancy["conditions"][0]["modules"] = ["MOD-218"]
    write(checkout, "totara_infra/catalogue/tenancy.yaml", tenancy)


@contextmanager
def changed(checkout: Checkout, *, previously: bool) -> Iterator[None]:
    """The catalogue as it is after the change; before and afterwards it is the earlier release."""
    folder: Path = checkout.root / "totara_infra" / "catalogue"
    kept = {file: file.read_text() for file in folder.rglob("*.yaml")}
    change(checkout, previously=previously)
    try:
        yield
    finally:
        for file, text in kept.items():
            file.write_text(text)


def parameters(checkout: Checkout, *names: str) -> dict[str, Any]:
    answer = checkout.live().client("ssm").get_parameters(Names=list(names))
    return {p["Name"]: p for p in answer["Parameters"]}


def tags(checkout: Checkout, name: str) -> dict[str, str]:
    client = checkout.live().client("ssm")
    found = client.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    return {tag["Key"]: tag["Value"] for tag in found}


def homes(checkout: Checkout) -> tuple[tuple[str, str], ...]:
    """Module and domain in the tags of the ledger's marker and of the key's ARN."""
    found = (tags(checkout, name) for name in (LEDGER_MARKER, PII))
    return tuple((t["module_id"], t["system_id"]) for t in found)


def value(checkout: Checkout, path: str) -> str | None:
    client = checkout.live().client("secretsmanager")
    try:
        return client.get_secret_value(SecretId=path).get("SecretString")
    except client.exceptions.ResourceNotFoundException:
        return None


def assert_as_before(checkout: Checkout, key: str) -> None:
    """The environment is that of the earlier release."""
    found = parameters(checkout, *WINDOW, *MARKERS, SPLIT_MARKER)
    assert set(found) == {WINDOW[0], MARKERS[0]}
    assert found[WINDOW[0]]["Value"] == "24"
    assert homes(checkout) == (("MOD-001", "SD01"), ("MOD-104", "SD07"))
    assert (value(checkout, KEY[0]), value(checkout, KEY[1])) == (key, None)


def test_a_secret_whose_path_changes_is_not_lost(small):
    """Told by plan and validate, refused by up, without a word about its value."""
    key = value(small, KEY[0])
    assert key
    with changed(small, previously=False):
        told = small.totara("validate").out
        (found,) = [
            m
            for m in small.totara("plan", "local", "--format", "json").data["moves"]
            if m["kind"] == "path of a secret"
        ]
        refused = small.totara("up", "local", code=1)
    wanted = "`previously: /bank/{env}/core/statement-signing-key`"
    assert "Moves and renames of local since its last update" in told
    assert wanted in " ".join(told.split())
    assert (found["before"], found["after"]) == KEY
    assert wanted in found["write"]
    assert f"{KEY[1]} was {KEY[0]}: write `previously: " in refused.err
    assert key not in told + refused.text
    assert (value(small, KEY[0]), value(small, KEY[1])) == (key, None)


def test_moves_and_renames_go_there_half_way_and_back(small):
    key = value(small, KEY[0])
    live = small.live()
    untouched = parameters(small, PII)[PII]
    alarms = live.client("cloudwatch").describe_alarms(AlarmNamePrefix="bank-local-ALERT-POSTING")
    arns = {a["AlarmArn"] for a in alarms["MetricAlarms"]}
    assert arns
    marker = parameters(small, KYC_MARKER)[KYC_MARKER]["Value"]

    with changed(small, previously=True):
        moves = small.totara("plan", "local", "--format", "json").data["moves"]
        assert {(m["kind"], m["before"], m["after"]) for m in moves} == {
            ("module to another domain", "SD01", "SD02"),
            ("module renamed", "MOD-118", "MOD-218"),
            ("module split", "MOD-104", "MOD-105"),
            ("path of a parameter", *WINDOW),
            ("path of a secret", *KEY),
        }
        # Nothing has to be written.
        assert {m["write"] for m in moves} == {""}

        # Half-way: the gate of the phase in which MOD-001 is now finds another marker changed.
        live.client("ssm").put_parameter(Name=KYC_MARKER, Value="by hand", Overwrite=True)
        stopped = small.totara("up", "local", code=1)
        assert "FAILED gate:2" in stopped.out
        assert "exists already" not in stopped.text
        assert MARKERS[1] not in parameters(small, *MARKERS)
        assert homes(small)[0] == ("MOD-001", "SD02")
    live.client("ssm").put_parameter(Name=KYC_MARKER, Value=marker, Overwrite=True)

    # Back from half-way.
    small.totara("up", "local")
    assert_as_before(small, key)

    # There.
    with changed(small, previously=True):
        small.totara("up", "local")
        assert (value(small, KEY[0]), value(small, KEY[1])) == (key, None)
        moved = small.totara("secrets", "move", "local", "--format", "json")
        assert moved.data == [{"from": KEY[0], "to": KEY[1], "outcome": "copied to the new path"}]
        assert (value(small, KEY[0]), value(small, KEY[1])) == (key, key)
        found = parameters(small, *WINDOW, *MARKERS, SPLIT_MARKER)
        assert set(found) == {WINDOW[1], MARKERS[1], SPLIT_MARKER}
        assert found[WINDOW[1]]["Value"] == "24"
        assert homes(small) == (("MOD-001", "SD02"), ("MOD-105", "SD07"))
        assert small.totara("plan", "local", "--format", "json").data["moves"] == [
            m for m in moves if m["kind"] == "path of a secret"
        ]
        # A value that is renewed there is taken back.
        renewed = "0123456789abcdef" * 4
        live.client("secretsmanager").put_secret_value(SecretId=KEY[1], SecretString=renewed)
        again = small.totara("secrets", "move", "local")
        assert "copied to the old path" in again.out
        assert renewed not in again.text

    # And back, as the pipeline does after a release that failed.
    small.totara("up", "local")
    assert_as_before(small, renewed)

    # What only moved was never written again, let alone deleted and made anew.
    assert parameters(small, PII)[PII]["LastModifiedDate"] == untouched["LastModifiedDate"]
    alarms = live.client("cloudwatch").describe_alarms(AlarmNamePrefix="bank-local-ALERT-POSTING")
    assert {a["AlarmArn"] for a in alarms["MetricAlarms"]} == arns
    assert json.loads(small.totara("plan", "local", "--format", "json").out)["moves"] == []
