"""A client in a stack of its own: every command takes its name, and its rehearsal goes up.

The tests share one small environment and run in this order.
"""

from __future__ import annotations

import json
import shutil

import pytest

from tests.engine.checkout import Checkout

pytestmark = pytest.mark.engine

STACK = "dev-kowhai"


@pytest.fixture(scope="module")
def isolated(new_small_checkout) -> Checkout:
    checkout = new_small_checkout()
    checkout.totara(
        "tenant", "new", "--isolated", "--env", "dev", "--client-id", "kowhai",
        "--display-name", "Kowhai Bank", "--institution-type", "proprietary",
        "--jurisdiction", "NZ", "--option", "fx", "--account-id", "444444444444",
        "--status", "live",
    )  # fmt: skip
    return checkout


def test_what_needs_no_live_environment_takes_the_stack(isolated):
    planned = isolated.totara("plan", STACK, "--format", "json").data
    ordered = isolated.totara("sequence", STACK, "--format", "json").data
    listed = isolated.totara("config", "list", STACK, "--format", "json").data

    shared = isolated.totara("sequence", "dev", "--format", "json").data
    # MOD-118 is for mutuals, and this bank is none.
    assert {m["id"] for m in shared["modules"]} - {m["id"] for m in ordered["modules"]} == {
        "MOD-118"
    }
    assert planned["resources"] > 100
    assert "kowhai" in json.dumps(listed)
    assert "acorn" not in json.dumps(listed)


@pytest.mark.parametrize(
    "words",
    [
        ("verify", STACK),
        ("drift", STACK),
        ("config", "check", STACK),
        ("config", "get", STACK, "deployment.client_id"),
        ("secrets", "list", STACK),
        ("secrets", "check", STACK),
        ("sequence", "verify", STACK),
    ],
)
def test_a_rehearsal_that_is_not_up_says_how_to_start_it(isolated, words):
    answer = isolated.totara(*words, "--rehearse", code=2)
    assert f"Start it: totara up {STACK} --rehearse" in answer.err


@pytest.mark.parametrize("words", [("up",), ("preview",), ("down",), ("verify",), ("drift",)])
def test_a_stack_that_nobody_has_is_refused(isolated, words):
    answer = isolated.totara(*words, "dev-nobody", "--rehearse", code=2)
    assert "There is no environment `dev-nobody`" in answer.err
    assert STACK in answer.err
    answer = isolated.totara(*words, f"{STACK}-rehearsal", code=2)
    assert f"Write `{STACK} --rehearse`" in answer.err


def test_a_shared_stack_is_not_taken_down(isolated):
    answer = isolated.totara("down", STACK, code=2)
    assert f"pulumi destroy -s {STACK}" in answer.err


def test_its_rehearsal_goes_up_and_every_command_finds_it(isolated):
    before = (isolated.root / f"Pulumi.{STACK}.yaml").read_bytes()

    up = isolated.totara("up", STACK, "--rehearse")

    assert f"verify {STACK} --rehearse" in up.out
    assert f"down {STACK} --rehearse" in up.out
    verified = isolated.totara("verify", STACK, "--rehearse", "--format", "json").data
    assert (verified["stack"], verified["outcome"]) == (f"{STACK}-rehearsal", "passed")
    assert verified["account_id"] == "444444444444"
    subjects = {r["subject"] for c in verified["checks"] for r in c["results"]}
    # dev has no client that takes a password; the probe brings its own.
    assert "customers, a probe user of kowhai" in subjects
    drift = isolated.totara("drift", STACK, "--rehearse", "--format", "json").data
    assert (drift["environment"], drift["clean"]) == (f"{STACK}-rehearsal", True)
    isolated.totara("config", "check", STACK, "--rehearse")
    isolated.totara("sequence", "verify", STACK, "--rehearse")
    secrets = isolated.totara("secrets", "list", STACK, "--rehearse", "--format", "json").data
    assert {s["state"] for s in secrets} == {"empty"}
    isolated.totara("secrets", "seed", STACK, "--rehearse")
    assert (isolated.root / f"Pulumi.{STACK}.yaml").read_bytes() == before


def test_advice_names_the_stack(isolated):
    overrides = json.loads(isolated.emulator_record(f"{STACK}-rehearsal").read_text())
    program = (
        "import boto3\n"
        f"c = boto3.client('ssm', endpoint_url={overrides['endpoint']!r},"
        " region_name='ap-southeast-2', aws_access_key_id='444444444444',"
        " aws_secret_access_key='x')\n"
        "c.put_parameter(Name='/bank/dev/service-001/window', Value='1', Overwrite=True)\n"
    )
    isolated.python(program)

    answer = isolated.totara("verify", STACK, "--rehearse", code=1)

    assert "FAILED parameter /bank/dev/service-001/window" in answer.out
    assert (
        f"`pulumi refresh -s {STACK}-rehearsal`, then `totara up {STACK} --rehearse`" in answer.out
    )


def test_another_working_folder_can_not_rehearse_the_same_stack_meanwhile(isolated, tmp_path):
    file = isolated.root / f"Pulumi.{STACK}-rehearsal.yaml"
    before = file.read_bytes()
    other = tmp_path / "other"
    (other / "bin").mkdir(parents=True)
    (other / "bin" / "pulumi").hardlink_to(isolated.state / "bin" / "pulumi")
    (other / "emulator").symlink_to(isolated.state / "emulator")
    variables = {"TOTARA_STATE_DIRECTORY": str(other)}

    refused = isolated.totara("up", STACK, "--rehearse", code=1, **variables)

    assert "Another rehearsal of this checkout is running" in refused.err
    assert f"TOTARA_STATE_DIRECTORY={isolated.state}" in refused.err
    assert not list(other.glob("emulators/*.json"))
    isolated.totara("down", STACK, "--rehearse", **variables)
    assert file.read_bytes() == before
    shutil.rmtree(other)


def test_down_ends_it_even_without_the_stacks_file(isolated):
    (isolated.root / f"Pulumi.{STACK}.yaml").unlink()

    answer = isolated.totara("down", STACK, "--rehearse")

    assert f"Stack {STACK}-rehearsal is down: stopped its emulator" in answer.out
    assert not (isolated.root / f"Pulumi.{STACK}-rehearsal.yaml").exists()
