"""Which steps apply to whom, how long they take, and what an empty world says of them."""

from __future__ import annotations

import itertools
import json
import os

import pytest

from tests.command import totara
from totara_infra.delivery.runbooks import critical_path
from totara_infra.model.provisioning import Deployment, Part, ProvisioningStep, only
from totara_infra.provisioning.playbook import Playbook, Way


def opened(client_id: str, name: str, *, rehearse: bool = False, first: bool | None = None):
    deployment = None if first is None else (Deployment.FIRST if first else Deployment.LATER)
    return Playbook.open(Way.PROVISION, client_id, name, rehearse, deployment)


def ids(playbook: Playbook) -> set[str]:
    return {step.id for step in playbook.steps}


def reasons(playbook: Playbook) -> dict[str, str]:
    return {entry.step.id: entry.reason for entry in playbook.left_out}


@pytest.mark.parametrize("client_id", ["acorn", "banksia", "totara-bank", "wattle"])
@pytest.mark.parametrize("first", [True, False])
def test_the_critical_path_in_prod_is_of_the_published_order(client_id, first):
    playbook = opened(client_id, "prod", first=first)
    least, most = playbook.published_hours
    assert (least, most) == ((16, 24) if first else (6, 10))
    assert least <= playbook.hours <= most
    assert all(step.part is Part.PLAYBOOK for step in playbook.longest)


def test_every_step_either_applies_or_says_why_not():
    for client_id, name in itertools.product(("acorn", "wattle"), ("local", "dev", "uat", "prod")):
        playbook = opened(client_id, name)
        seen: set[str] = set()
        for step in playbook.steps:
            assert set(step.needs) <= seen, (client_id, name, step.id)
            seen.add(step.id)
        assert not seen & set(reasons(playbook))
        assert all(reasons(playbook).values())
        assert len(seen) + len(playbook.left_out) > 30


def test_jurisdictions_and_licences_decide_on_third_parties():
    acorn, wattle = opened("acorn", "prod"), opened("wattle", "prod")
    assert {"credit-bureau-nz", "nz-interbank-access"} <= ids(acorn)
    assert reasons(acorn)["bpay-sponsor-approval"] == "acorn is licensed in NZ, not in AU."
    assert {"credit-bureau-au", "bpay-sponsor-approval", "npp-sponsor-approval"} <= ids(wattle)
    assert reasons(wattle)["credit-bureau-nz"] == "wattle is licensed in AU, not in NZ."
    banksia = opened("banksia", "prod")
    assert "card-bureau-agreement" in ids(banksia) | set(reasons(banksia))


def test_first_and_later_deployments_differ():
    first, later = opened("totara-bank", "prod"), opened("acorn", "prod")
    only_first = {
        "aws-organisation",
        "deployment-roles",
        "github-repositories",
        "snowflake-account",
    }
    assert only_first <= ids(first)
    assert not only_first & ids(later)
    assert "whose first is totara-bank" in reasons(later)["aws-organisation"]
    assert only_first <= ids(opened("acorn", "prod", first=True))


def test_an_emulator_has_steps_of_its_own_and_prod_the_last_word():
    local, prod = opened("acorn", "local"), opened("acorn", "prod")
    rehearsal = opened("acorn", "prod", rehearse=True)
    assert {"containers", "throwaway-credentials", "test-customer"} <= ids(local)
    assert {"containers-released", "credentials", "first-customer"} <= ids(prod)
    assert {"containers", "throwaway-credentials", "first-customer"} <= ids(rehearsal)
    for playbook in (prod, rehearsal):
        cleared = next(s for s in playbook.steps if s.id == "cleared-for-go-live")
        live = next(s for s in playbook.steps if s.id == "tenant-live")
        assert not cleared.may_be_assumed
        assert "cleared-for-go-live" in live.needs
        assert reasons(local)["cleared-for-go-live"] == "It is for prod only."


def test_what_rests_on_everything_is_assumed_nowhere():
    playbook = opened("acorn", "prod", rehearse=True, first=True)
    assumed = playbook.assumptions({}, "rehearsal")
    assert "aws-organisation" in assumed
    assert not {"tenant-in-stack", "cleared-for-go-live", "tenant-live", "containers"} & set(
        assumed
    )
    local = opened("acorn", "local")
    assert set(local.assumptions({}, None)) == {s.id for s in local.steps if s.in_local is not None}
    assert opened("acorn", "prod").assumptions({}, None) == {}


def step(name: str, *needs: str, minutes: float = 1) -> ProvisioningStep:
    return ProvisioningStep(
        id=name, title="A step", performer="program", needs=list(needs), minutes=minutes,
        command="totara validate", signal="It is done", proof="plan", why="It has to be.",
    )  # fmt: skip


def test_what_needs_a_step_that_is_left_out_needs_what_that_needed():
    steps = [step("a"), step("b", "a"), step("c", "b"), step("d", "a", "c")]
    left = only(steps, {"a", "c", "d"})
    assert [(s.id, s.needs) for s in left] == [("a", []), ("c", ["a"]), ("d", ["c"])]
    assert [s.id for s in critical_path(left)] == ["a", "c", "d"]


def test_a_plan_of_production_needs_neither_credentials_nor_github(tmp_path):
    """Each proof says what it could not ask, quickly, and none holds by mistake."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PULUMI_", "TOTARA_"))}
    alone = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true", "PATH": "/usr/bin:/bin"}
    arguments = ("provision", "totara-bank", "prod", "--dry-run", "--format", "json")
    done = totara(*arguments, env=kept | alone)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    holding = {s["id"] for s in plan["steps"] if s["holds"]}
    assert holding == {"tenant-file", "tenant-in-stack", "plan-reviewed"}
    found = {s["id"]: s["found"] for s in plan["steps"]}
    assert "TOTARA_MANAGEMENT_PROFILE" in found["aws-organisation"]
    assert "AWS can't be asked" in found["containers-released"]
    assert "`gh` is not on PATH" in found["neon-api-key"]
    assert plan["hands_on_hours"] > plan["critical_path_hours"]
    assert plan["critical_path"][0] == "deployment-roles"
