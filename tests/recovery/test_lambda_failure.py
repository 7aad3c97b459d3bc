"""The drill of failing functions, on the real engine: broken, shown, put back, proved."""

from __future__ import annotations

import json

import pytest

from tests.recovery.drilling import Drills, outcomes, refused
from totara_infra.model.evidence import digest_of

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def drills(new_small_environment) -> Drills:
    return Drills(new_small_environment(), "lambda-failure")


@pytest.fixture(scope="module")
def failed(drills: Drills):
    """Without its repair, the drill fails and leaves everything broken."""
    return drills.without("put-back")


def test_without_the_repair_the_drill_fails(drills: Drills, failed) -> None:
    record, _ = failed
    assert record["outcome"] == "incomplete"
    assert refused(record) == {"indicators-quiet", "same-claims"}
    raised = {i["indicator"] for i in record["indicators"] if i["after_fault"]}
    assert raised == {"function-state", "function-content", "sign-in"}
    assert not list((drills.checkout.state / "drills").glob("records/*"))
    assert (drills.folder / "drill.json").stat().st_mode & 0o077 == 0


def test_the_status_points_to_it_while_it_lasts(drills: Drills, failed) -> None:
    found = drills.status(code=1)
    assert found["points_to"] == ["lambda-failure"]
    assert [s["step"] for s in found["steps"] if s["holds"]] == []


def test_it_goes_on_after_a_kill_and_breaks_nothing_twice(drills: Drills, failed) -> None:
    said = drills.killed_after("played: Hold all releases")
    assert not [line for line in said if line.startswith("injected:")]
    record, done = drills.run()
    assert record["outcome"] == "complete", done.err
    assert record["runs"] == 3
    assert outcomes(record) == {
        s["id"]: "done" if s["id"] == "put-back" else "played" for s in drills.steps
    }
    assert refused(record) == set()
    assert {a["name"] for a in record["acceptance"]} == {
        "indicators-quiet", "same-claims", "verified",
    }  # fmt: skip
    assert all(i["at_end"] is not True for i in record["indicators"])
    assert record["digest"] == digest_of(record)
    assert record["injected"] == failed[0]["injected"]
    assert "injected:" not in done.err
    assert not (drills.folder / "drill.json").exists()
    users = drills.checkout.live().client("cognito-idp")
    for pool in users.list_user_pools(MaxResults=60)["UserPools"]:
        assert users.list_users(UserPoolId=pool["Id"])["Users"] == []


def test_the_plan_uses_the_time_that_was_measured(drills: Drills, failed) -> None:
    done = drills.checkout.totara("dr", "plan", "lambda-failure", "dev", "--format", "json")
    plan = json.loads(done.out)
    repair = next(s for s in plan["steps"] if s["id"] == "put-back")
    assert repair["measured"]
    assert 0 < repair["expected_minutes"] < repair["minutes"]
    assert plan["sum_hours"] < plan["stated_hours"]
    assert plan["measured_by"].startswith("sha256:")


def test_a_tier_that_would_be_back_too_late_fails_the_plan(drills: Drills) -> None:
    plan = drills.plan
    repair = next(s for s in drills.chosen(plan)["steps"] if s["id"] == "put-back")
    repair["minutes"] = 300
    with drills.edited(plan):
        done = drills.checkout.totara("dr", "plan", "lambda-failure", "prod", code=1)
    assert "MISSED" in done.out


def test_an_indicator_that_stays_quiet_fails_the_drill(drills: Drills, failed, tmp_path) -> None:
    plan = drills.plan
    drills.chosen(plan)["drill"]["faults"] = ["router-permission-gone"]
    evidence = tmp_path / "evidence.json"
    with drills.edited(plan):
        done = drills.checkout.totara(
            "dr", "drill", "lambda-failure", "local", "--evidence", str(evidence), code=1
        )
    assert "The indicator function-state did not show the fault." in done.out
    assert "The indicator sign-in did not show the fault." in done.out
    assert "all is back, but the drill has failed" in done.out
    record = json.loads(evidence.read_text())
    assert record["outcome"] == "incomplete"
    assert refused(record) == set()
    # It is over: the next one begins anew.
    assert not (drills.folder / "drill.json").exists()


def test_a_sick_environment_is_not_drilled(drills: Drills, failed) -> None:
    functions = drills.checkout.live().client("lambda")
    name = "bank-pre-token-generation-staff-local"
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        done = drills.checkout.totara("dr", "drill", "lambda-failure", "local", code=1)
    finally:
        functions.delete_function_concurrency(FunctionName=name)
    assert f"{name} is throttled to nothing" in done.err
    assert "nothing was broken" in done.err
