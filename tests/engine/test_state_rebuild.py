"""A lost state, made again from the blueprint and what is live, on the real engine.

The tests of the first part share one small environment; each leaves it as its files say.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.checkout import Checkout
from tests.engine.inventory import counted, inventory, wanted
from tests.engine.killing import kill_in_the_middle

pytestmark = pytest.mark.engine

SD01 = "totara_infra/catalogue/domains/sd01.yaml"
WINDOW = "/bank/local/service-001/window"
INSTITUTION = "/bank/local/tenant-acorn/institution-type"
TRIGGER = "bank-pre-token-generation-staff-local"
PROTECTED = '  totara-infra:protect: "true"\n'
MOMENTARY = {"created", "modified", "sourcePosition", "stackTrace"}
"""Fields that say when and from which line a resource was written."""
READ_LATER = {
    ("aws:iam/policy:Policy", "attachmentCount"),
    ("aws:sqs/queue:Queue", "policy"),
    ("aws:sns/topic:Topic", "policy"),
}
"""Outputs that other resources changed after the update had written them."""


@pytest.fixture(scope="module")
def small(new_small_checkout) -> Checkout:
    # Not a ready-made copy: the emulator of one gives queues the URLs of its original.
    checkout = new_small_checkout()
    # Without it nothing of `local` is protected, and flags could get lost unnoticed.
    checkout.edit(
        "Pulumi.local.yaml", "  totara-infra:capacity", PROTECTED + "  totara-infra:capacity"
    )
    checkout.totara("up", "local")
    checkout.totara("secrets", "seed", "local")
    return checkout


def state_file(checkout: Checkout) -> Path:
    return checkout.state / "state" / ".pulumi" / "stacks" / "totara-infra" / "local.json"


def resources(checkout: Checkout) -> dict[str, dict[str, Any]]:
    exported = checkout.pulumi("stack", "export", "--show-secrets", "-s", "local").data
    found = {r["urn"]: normal(r) for r in exported["deployment"]["resources"]}
    assert len(found) == len(exported["deployment"]["resources"])
    return found


def normal(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource without what may differ: moments, the provider's random id, orders of sets."""
    result = {k: v for k, v in resource.items() if k not in MOMENTARY}
    if resource["type"] == "pulumi:providers:aws":
        result["id"] = "made up by the engine"
    if "provider" in result:
        result["provider"] = result["provider"].rpartition("::")[0]
    result["dependencies"] = sorted(result.get("dependencies") or [])
    result["propertyDependencies"] = {
        name: sorted(urns)
        for name, urns in (result.get("propertyDependencies") or {}).items()
        if urns
    }
    result["outputs"] = {
        name: without_texts(value)
        for name, value in (result.get("outputs") or {}).items()
        if (resource["type"], name) not in READ_LATER
    }
    result["inputs"] = without_texts(result.get("inputs") or {})
    return result


def without_texts(value: Any) -> Any:
    """Archives by their digests: the engine keeps the files only until a state is exported."""
    if isinstance(value, dict):
        return {k: without_texts(v) for k, v in value.items() if k != "assets"}
    return [without_texts(v) for v in value] if isinstance(value, list) else value


def assert_nothing_to_change(checkout: Checkout) -> None:
    """For the engine, for an update, and for the checklist."""
    previewed = checkout.pulumi("preview", "-s", "local", "--expect-no-changes")
    assert "unchanged" in previewed.out
    outcome = checkout.totara("up", "local")
    assert "Nothing changed" in outcome.out
    checkout.totara("verify", "local")


def test_a_deleted_state_comes_back_field_by_field(small):
    before, things = resources(small), inventory(small.live())
    for flag in ("protect", "retainOnDelete", "resourceHooks"):
        assert any(resource.get(flag) for resource in before.values()), flag
    state_file(small).unlink()

    found = small.totara("state", "rebuild", "local", "--format", "json").data

    planned = small.blueprint().resources
    assert found["counts"] == {
        "imported": len(planned),
        "not_there": 0,
        "ambiguous": 0,
        "to_change": 0,
    }
    assert found["written"]
    assert found["backup"] is None
    after = resources(small)
    assert after.keys() == before.keys()
    for urn, resource in before.items():
        assert after[urn] == resource
    assert_nothing_to_change(small)
    assert inventory(small.live()) == things
    assert not (small.state / "rebuild").exists()


def test_a_state_that_is_cut_off_comes_back_and_is_kept(small):
    whole = state_file(small).read_bytes()
    before = resources(small)
    state_file(small).write_bytes(whole[: len(whole) // 2])
    status = small.totara("state", "status", "local", code=1)
    assert "damaged or cut off" in status.out
    assert "totara state rebuild local" in status.out
    for command in ("up", "preview"):
        refused = small.totara(command, "local", code=1)
        assert "totara state rebuild local" in refused.err
    kill_a_rebuild(small)
    assert state_file(small).read_bytes() == whole[: len(whole) // 2]

    found = small.totara("state", "rebuild", "local", "--format", "json").data

    assert Path(found["backup"]).read_bytes() == whole[: len(whole) // 2]
    assert resources(small) == before
    assert "nothing was left unfinished" in small.totara("state", "status", "local").out
    assert_nothing_to_change(small)


def kill_a_rebuild(checkout: Checkout) -> None:
    """Begin one and kill it with its engine, in the middle."""
    with subprocess.Popen(
        checkout.command("totara", "state", "rebuild", "local"),
        cwd=checkout.root,
        env=checkout.environment,
        stderr=subprocess.DEVNULL,
    ) as command:
        while not list(checkout.state.glob("rebuild/local/*")):
            assert command.poll() is None
            time.sleep(0.05)
        processes = [psutil.Process(command.pid)]
        processes += processes[0].children(recursive=True)
        for process in processes:
            process.kill()


def test_nothing_is_written_when_the_engine_fails(small):
    before = {p: p.read_bytes() for p in (small.state / "state").rglob("*") if p.is_file()}
    program = small.root / "__main__.py"
    whole = program.read_text()
    program.write_text("import pulumi\n\nraise pulumi.RunError('the program is broken')\n")

    refused = small.totara("state", "rebuild", "local", code=1)

    program.write_text(whole)
    assert "nothing was changed" in refused.err
    assert "the program is broken" in refused.err
    after = {p: p.read_bytes() for p in (small.state / "state").rglob("*") if p.is_file()}
    assert after == before
    assert not (small.state / "rebuild").exists()


def test_a_dry_run_says_what_would_be_imported_and_changes_nothing(small):
    before = state_file(small).read_bytes()

    found = small.totara("state", "rebuild", "local", "--dry-run", "--format", "json").data

    assert not found["written"]
    assert found["imported"].keys() == small.blueprint().resources.keys()
    pools = small.live().client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    ids = {pool["Name"]: pool["Id"] for pool in pools}
    assert found["imported"]["user_pool/staff"] in ids.values()
    assert state_file(small).read_bytes() == before


def test_what_is_missing_or_changed_in_aws_is_said_and_put_right(small):
    ssm, functions = small.live().client("ssm"), small.live().client("lambda")
    ssm.put_parameter(Name=WINDOW, Value="99", Overwrite=True)
    ssm.delete_parameter(Name=INSTITUTION)
    functions.update_function_code(FunctionName=TRIGGER, ZipFile=other_files())
    state_file(small).unlink()

    outcome = small.totara("state", "rebuild", "local")

    assert "not there: tenant-acorn/institution-type; the next `up` makes it" in outcome.out
    for name in ("service-001/window", "trigger/staff"):
        assert f"not as declared: {name}; the next `up` will update it" in outcome.out
    assert outcome.out.count("not as declared") == 2
    small.totara("up", "local")
    assert ssm.get_parameter(Name=INSTITUTION)["Parameter"]["Value"] == "mutual"
    assert ssm.get_parameter(Name=WINDOW)["Parameter"]["Value"] == "24"
    # An imported parameter that had `value` would take no later change of `insecure_value`.
    small.edit(SD01, "default: 24", "default: 36")
    small.totara("up", "local")
    assert ssm.get_parameter(Name=WINDOW)["Parameter"]["Value"] == "36"
    small.edit(SD01, "default: 36", "default: 24")
    small.totara("up", "local")
    assert_nothing_to_change(small)


def other_files() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("pre_token_generation.py", "def handler(event, context): return event")
    return content.getvalue()


def test_of_two_of_a_kind_one_has_to_be_chosen(small):
    before = state_file(small).read_bytes()
    live, mine = (
        small.live(),
        small.totara("state", "rebuild", "local", "--dry-run", "--format", "json").data["imported"],
    )
    pools, keys = live.client("cognito-idp"), live.client("kms")
    configuration = live.client("appconfig")
    name = str(small.blueprint().resources["user_pool/staff"].properties["name"])
    pool = pools.create_user_pool(PoolName=name)["UserPool"]["Id"]
    described = str(small.blueprint().resources["key/pii"].properties["description"])
    key = keys.create_key(Description=described)["KeyMetadata"]["KeyId"]
    application = configuration.create_application(Name="bank-core")["Id"]
    others = {"user_pool/staff": pool, "key/pii": key, "app_config/bank-core": application}
    try:
        refused = small.totara("state", "rebuild", "local", code=1)

        for resource, other in others.items():
            assert f"{resource}: there are 2 in AWS" in refused.out
            assert f"--take {resource}=ID" in refused.out
            assert re.search(f"{mine[resource]} +used by ", refused.out)
            assert re.search(f"{other} +nothing belongs to it", refused.out)
        assert "No state was written." in refused.out
        assert state_file(small).read_bytes() == before
        chosen = [f"--take={resource}={mine[resource]}" for resource in others]
        found = small.totara(
            "state", "rebuild", "local", "--dry-run", "--format", "json", *chosen
        ).data
        assert found["imported"] == mine
        # The other pool has no clients: they would be made in it.
        other = [f"--take=user_pool/staff={pool}", *chosen[1:]]
        found = small.totara(
            "state", "rebuild", "local", "--dry-run", "--format", "json", *other
        ).data
        assert found["imported"]["user_pool/staff"] == pool
        assert "user_pool/staff/group/operations" in found["not_there"]
    finally:
        pools.delete_user_pool(UserPoolId=pool)
        keys.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        configuration.delete_application(ApplicationId=application)
    # A key on its way out is no second one.
    small.totara("state", "rebuild", "local", "--dry-run")


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("user_pool/staff", "write NAME=ID"),
        ("user_pool/none=x", "the blueprint has no resource user_pool/none"),
        ("user_pool/staff=x", "there are not several of user_pool/staff"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(small, choice, told):
    refused = small.totara("state", "rebuild", "local", "--take", choice, code=2)

    assert told in refused.err


def test_after_a_killed_update_an_update_goes_on_where_it_ended(new_small_checkout):
    checkout = new_small_checkout()
    checkout.start_emulator()
    nothing = checkout.totara("state", "rebuild", "local", code=1)
    assert "Nothing of stack local is live: account 000000000000" in nothing.err
    assert "`totara up local` makes a new environment" in nothing.err
    assert not state_file(checkout).exists()
    with subprocess.Popen(
        checkout.command("totara", "up", "local"),
        cwd=checkout.root,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        kill_in_the_middle(checkout, command)
        command.communicate(timeout=60)
    emulator = json.loads(checkout.emulator_record().read_text())
    status = checkout.totara("state", "status", "local", code=1)
    assert "has ended without lifting its lock" in status.out
    assert "was killed, and what it made is in no state" in status.out

    found = checkout.totara("state", "rebuild", "local", "--format", "json").data

    assert found["imported"]
    assert found["not_there"]
    assert {"key/pii", "user_pool/staff"} & found["imported"].keys()
    checkout.totara("state", "status", "local")
    changes = checkout.changes("preview", "-s", "local")
    # A topic that has no policy yet has AWS's own, which a refresh does not take for ours.
    to_come = {*found["not_there"], *found["to_change"].get("create", ())}
    assert {c.name for c in changes if c.operation == "create"} == to_come
    assert {c.operation for c in changes} <= {"create", "update"}
    outcome = checkout.totara("up", "local")
    assert "start afresh" not in outcome.err
    assert json.loads(checkout.emulator_record().read_text())["pid"] == emulator["pid"]
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    checkout.totara("secrets", "seed", "local")
    assert_nothing_to_change(checkout)
