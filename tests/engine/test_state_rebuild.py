"""A lost state, made again from the blueprint and what is live, on the real engine.

The tests of the first part share one small environment; each leaves it as its files say.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.engine.checkout import Checkout
from tests.engine.inventory import counted, inventory, wanted
from tests.engine.killing import kill_in_the_middle

pytestmark = pytest.mark.engine

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
    checkout = new_small_checkout()
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
    assert not list(small.state.glob("rebuild-*"))


def test_a_state_that_is_cut_off_comes_back_and_is_kept(small):
    whole = state_file(small).read_bytes()
    before = resources(small)
    state_file(small).write_bytes(whole[: len(whole) // 2])
    status = small.totara("state", "status", "local", code=1)
    assert "damaged or cut off" in status.out
    assert "totara state rebuild local" in status.out

    found = small.totara("state", "rebuild", "local", "--format", "json").data

    assert Path(found["backup"]).read_bytes() == whole[: len(whole) // 2]
    assert resources(small) == before
    assert "nothing was left unfinished" in small.totara("state", "status", "local").out
    assert_nothing_to_change(small)


def test_a_dry_run_says_what_would_be_imported_and_changes_nothing(small):
    before = state_file(small).read_bytes()

    found = small.totara("state", "rebuild", "local", "--dry-run", "--format", "json").data

    assert not found["written"]
    assert found["imported"].keys() == small.blueprint().resources.keys()
    pools = small.live().client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]
    ids = {pool["Name"]: pool["Id"] for pool in pools}
    assert found["imported"]["user_pool/staff"] in ids.values()
    assert state_file(small).read_bytes() == before


def test_after_a_killed_update_an_update_goes_on_where_it_ended(new_small_checkout):
    checkout = new_small_checkout()
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
    assert {c.name for c in changes if c.operation == "create"} == set(found["not_there"])
    assert {c.operation for c in changes} <= {"create", "update"}
    outcome = checkout.totara("up", "local")
    assert "start afresh" not in outcome.err
    assert json.loads(checkout.emulator_record().read_text())["pid"] == emulator["pid"]
    assert counted(inventory(checkout.live())) == wanted(checkout.blueprint())
    checkout.totara("secrets", "seed", "local")
    assert_nothing_to_change(checkout)
