"""`totara provision`: from an empty emulator to a signed-in customer, whatever interrupts it."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import PROJECT
from tests.provision.conftest import journal, outcomes
from totara_infra.model.evidence import digest_of

pytestmark = pytest.mark.engine


def test_a_dry_run_needs_no_environment_and_starts_none(checkout):
    plan = checkout.totara("provision", "acorn", "local", "--dry-run", "--format", "json").data

    steps = {step["id"]: step for step in plan["steps"]}
    assert [s for s, step in steps.items() if step["holds"]] == [
        "tenant-file", "tenant-in-stack", "plan-reviewed",
    ]  # fmt: skip
    assert "is not running" in steps["containers"]["found"]
    assert steps["containers"]["command"] == "totara up local"
    assert plan["deployment"] == "later"
    out = {entry["id"]: entry["reason"] for entry in plan["left_out"]}
    assert out["cleared-for-go-live"] == "It is for prod only."
    assert "whose first is totara-bank" in out["snowflake-account"]
    assert not set(steps) & set(out)
    assert not (checkout.state / "emulators").exists()
    assert journal(checkout) == []


def test_a_killed_run_goes_on_to_a_customer_who_is_signed_in(checkout, provisioned):
    records = journal(checkout)
    tried = [(r["step"], r["outcome"]) for r in records]

    cut = tried.index(("containers", "done")) + 1
    first, second = tried[:cut], dict(tried[cut:])
    assert "throwaway-credentials" not in dict(first)
    assert second["containers"] == "there"
    assert second["throwaway-credentials"] == "done"
    assert second["databases"] == second["migrations"] == "assumed"
    assert second["verified"] == "there"
    assert second["test-customer"] == "done"
    text = provisioned.text
    assert "provision acorn in local: complete" in text
    assert "databases: One machine has no PostgreSQL server" in text


def test_the_customers_token_is_as_the_claim_map_says(checkout, provisioned):
    token = checkout.totara("customer", "sign-in", "acorn", "local").out
    checked = subprocess.run(
        checkout.command("totara", "claims", "check", "--env", "local", "--format", "json"),
        cwd=checkout.root, env=checkout.environment, input=token, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["signature"] == "valid"
    kept = checkout.state / "runs" / "local" / "customer-acorn.json"
    assert kept.stat().st_mode & 0o077 == 0
    password = json.loads(kept.read_text())["password"]
    for path in checkout.state.glob("runs/local/*"):
        assert path == kept or password not in path.read_text(errors="replace")


def test_the_evidence_has_what_was_tried_and_what_was_assumed(checkout, provisioned):
    record = json.loads(provisioned.evidence.read_text(encoding="utf-8"))

    schema = json.loads((PROJECT / "schemas" / "runbook.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(record)
    assert record["digest"] == digest_of(record)
    assert (record["runbook"], record["outcome"], record["emulated"]) == (
        "provision acorn", "complete", True,
    )  # fmt: skip
    assumed = {s["step"]: s["assumption"] for s in record["steps"] if s["outcome"] == "assumed"}
    assert set(assumed) == {"databases", "migrations"}
    assert all(assumed.values())
    assert len(record["steps"]) == len(journal(checkout))
    refused = checkout.totara(
        "provision", "acorn", "local", "--evidence", str(provisioned.evidence), code=2
    )
    assert "never overwritten" in refused.err


def test_another_run_finds_everything_there(checkout, provisioned):
    done = checkout.totara("provision", "acorn", "local", "--format", "json")

    found = {r["step"]: r["outcome"] for r in done.data}
    assert set(found.values()) == {"there", "assumed"}
    assert [s for s, o in found.items() if o == "assumed"] == ["databases", "migrations"]


def test_a_suspended_client_is_signed_out_of_the_playbook(checkout, provisioned):
    """Its customer no longer signs in: the proof finds it, and says what to do."""
    file = checkout.root / "stacks" / "acorn.yaml"
    before = file.read_text(encoding="utf-8")
    checkout.totara("tenant", "status", "acorn", "suspended")
    try:
        checkout.totara("up", "local")
        done = checkout.totara("provision", "acorn", "local", code=1)
    finally:
        file.write_text(before, encoding="utf-8")
    checkout.totara("up", "local")
    assert re.search(r"^tenant-live +waiting ", done.out, re.MULTILINE)
    assert re.search(r"^test-customer +not reached ", done.out, re.MULTILINE)
    assert "Rolled out is suspended" in done.out
    assert "1. Write the status, have the change reviewed" in done.out
    assert "totara tenant status acorn live, then totara up local" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kowhai", "local"], "totara tenant new --client-id kowhai"),
        (["acorn", "mars"], "There is no environment `mars`"),
        (["acorn", "local", "--rehearse"], "throwaway already"),
        (["acorn", "local", "--assume", "databases"], "the reason is missing"),
        (["acorn", "local", "--assume", "hope=it holds"], "there is no such step"),
        (["acorn", "local", "--assume", "tenant-live=soon"], "that step is always proved"),
        (["acorn", "prod", "--assume-people", "no"], "prod is not throwaway"),
        (["acorn", "local", "--evidence", "/nowhere/x.json"], "does not exist. Make it first"),
    ],
)
def test_bad_input_is_refused_before_anything_is_done(checkout, words, said):
    before = journal(checkout)

    answer = checkout.totara("provision", *words, code=2)

    assert said in answer.err
    assert journal(checkout) == before


def test_a_client_that_the_stack_does_not_list_waits_for_a_reviewed_edit(checkout):
    new = ["--client-id", "rata", "--display-name", "Rata Bank", "--institution-type"]
    checkout.totara("tenant", "new", *new, "mutual", "--jurisdiction", "NZ", "--option", "fx")
    file = checkout.root / "Pulumi.local.yaml"
    before = file.read_bytes()

    done = checkout.totara("provision", "rata", "local", code=1)

    assert "Pulumi.local.yaml:4: totara-infra:tenants: [totara-bank, acorn, rata]" in done.out
    assert re.search(r"^containers +not reached ", done.out, re.MULTILINE)
    assert file.read_bytes() == before
    (checkout.root / "stacks" / "rata.yaml").unlink()


def test_what_people_do_waits_with_instructions(rehearsed):
    waiting = rehearsed[0].out.partition("Waiting for:")[2]

    for step, instruction in (
        ("aws-organisation", "Create the organisation in the management account"),
        ("bootstrap-role", "Create the role in the management account"),
        ("neon-api-key", "Make an API key that may create projects"),
        ("snowflake-account", "Get an account in ap-southeast-2"),
        ("deployment-roles", "Under BankBootstrapRole make the roles"),
    ):
        assert f"  {step} (platform engineer): " in waiting
        assert instruction in waiting
    table = rehearsed[0].out.partition("Waiting for:")[0]
    assert re.search(r"^containers +done ", table, re.MULTILINE)
    for step in ("databases", "environment-up"):
        assert re.search(rf"^{step} +not reached ", table, re.MULTILINE)


def test_go_live_in_production_refuses_what_is_only_assumed(checkout, rehearsed):
    """In a rehearsal of it as well, where all of people's steps may be assumed."""
    found = outcomes(checkout, "prod-rehearsal")

    assert found["aws-organisation"] == found["databases"] == "assumed"
    assert found["verified"] == "there"
    assert found["cleared-for-go-live"] == "waiting"
    assert found["tenant-live"] == found["first-customer"] == "not reached"
    refused = next(x for x in rehearsed[1].out.splitlines() if "cleared-for-go-live (" in x)
    assert "Production goes live on proofs" in refused
    assert "databases (nobody is here)" in refused
