"""The runbooks as printed: every scenario, its times against the recovery times, bad input."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys

import pytest

from totara_infra.cli.main import run
from totara_infra.model.recovery import affected, tiers
from totara_infra.recovery.plan import plan_of
from totara_infra.recovery.scenarios import read_scenarios

SCENARIOS = (
    "lambda-failure",
    "database-loss",
    "region-loss",
    "credential-compromise",
    "state-loss",
)


def totara(*words: str) -> subprocess.CompletedProcess[str]:
    """The command's own entry point, in this process: starting Python takes longer than it."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["totara", *words])
        try:
            run()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def recovery(catalogue):
    return read_scenarios(catalogue)


def test_there_are_the_five_scenarios(recovery) -> None:
    assert tuple(recovery.by_id) == SCENARIOS


def test_every_module_has_one_tier_with_the_published_times(catalogue, recovery) -> None:
    found = tiers(catalogue, recovery, catalogue.modules.keys())
    listed = [m for tier in found for m in tier.modules]
    assert sorted(listed) == sorted(catalogue.modules)
    times = {
        t.target.tier: (t.target.recovery_time_hours, t.target.recovery_point_hours) for t in found
    }
    assert times == {
        "critical banking": (4, 1),
        "regulatory reporting": (24, 4),
        "internal tooling": (24, 24),
        "analytics and risk": (48, 24),
    }
    critical = next(t for t in found if t.target.tier == "critical banking")
    assert {"MOD-001", "MOD-020", "MOD-009", "MOD-104", "MOD-045"} <= set(critical.modules)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_tier_is_back_in_time_as_stated(catalogue, recovery, scenario) -> None:
    chosen = recovery.by_id[scenario]
    down = affected(catalogue, chosen)
    plan = plan_of(catalogue, recovery, chosen, down, None)
    assert {m for t in plan.tiers for m in t.tier.modules} == down
    assert not plan.missed
    assert plan.path_hours <= plan.sum_hours == plan.stated_hours


def test_a_lost_region_costs_more_than_recovery_points_allow_and_the_plan_says_so() -> None:
    done = totara("dr", "plan", "region-loss", "prod", "--format", "json")
    assert done.returncode == 0, done.stderr
    losses = {loss["store"]: loss for loss in json.loads(done.stdout)["losses"]}
    # Neon keeps nothing outside of the region; what AWS Backup copies is a day old at most.
    assert losses["database-core"]["minutes"] is None
    assert {x["minutes"] for x in losses.values()} == {None, 1440}
    assert all(x["minutes"] is None or x["minutes"] > x["allowed_minutes"] for x in losses.values())
    assert "Recovery points that are not kept" in totara("dr", "plan", "region-loss", "prod").stdout
    for scenario in SCENARIOS:
        if scenario != "region-loss":
            done = totara("dr", "plan", scenario, "prod", "--format", "json")
            assert json.loads(done.stdout)["losses"] == []


def test_a_step_that_takes_too_long_misses_the_tiers_that_it_holds_up(catalogue, recovery) -> None:
    chosen = recovery.by_id["lambda-failure"]
    slow = [
        s.model_copy(update={"minutes": 300}) if s.id == "put-back" else s for s in chosen.steps
    ]
    changed = chosen.model_copy(update={"steps": slow})
    plan = plan_of(catalogue, recovery, changed, affected(catalogue, changed), None)
    missed = {t.tier.target.tier for t in plan.tiers if t.missed}
    assert missed == {"critical banking"}
    assert plan.missed


def test_the_plan_is_printed_with_its_provenance(recovery) -> None:
    done = totara("dr", "plan", "lambda-failure", "prod")
    assert done.returncode == 0, done.stderr
    for text in (
        "Roles",
        "What shows it",
        "Did the failure begin with a release? incident commander, within 15 min (assumed)",
        "$ totara up prod --refresh",
        "critical banking",
        "A P1 alert that is marked [REG] is unresolved after one hour. (published)",
    ):
        assert text in done.stdout
    assert "{env}" not in done.stdout
    data = json.loads(totara("dr", "plan", "lambda-failure", "prod", "--format", "json").stdout)
    assert data["critical_path"][0] == "declare-incident"
    assert data["critical_path"][-1] == "close-incident"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dr", "plan", "earthquake", "local"), "There is no scenario `earthquake`"),
        (("dr", "drill", "lambda-failure", "prod"), "A drill breaks things on purpose"),
        (("dr", "drill", "lambda-failure", "local", "--rehearse"), "throwaway already"),
        (("dr", "drill", "lambda-failure", "uat", "--rehearse"), "is not running"),
        (("dr", "status", "a", "b", "c"), "[SCENARIO] ENV"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(words, said) -> None:
    done = totara(*words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
