"""What a drill asks of each runbook before it breaks anything: no step that proves may be left out.

The steps that change something are left out one by one in the drill of their scenario: without
them it runs, and fails at its end.
"""

from __future__ import annotations

import pytest
import yaml

from tests.conftest import PROJECT
from tests.engine.checkout import Checkout
from tests.recovery.drilling import FILE, Drills

pytestmark = pytest.mark.engine

CHANGING = {
    "lambda-failure": {"put-back"},
    "database-loss": {"rebuild-schemas", "restore-rows"},
    "region-loss": {"raise-recovery", "restore-exports", "fill-secrets", "enrol-users"},
    "credential-compromise": {"close-access", "rotate-own", "replace-issued"},
    "state-loss": {"rebuild-state", "put-back", "restore-exports"},
}
"""Scenario -> its steps that change something."""


@pytest.fixture(scope="module")
def checkout(new_small_environment) -> Checkout:
    return new_small_environment()


def test_every_scenario_is_here() -> None:
    scenarios = yaml.safe_load((PROJECT / FILE).read_text(encoding="utf-8"))["scenarios"]
    assert {s["id"] for s in scenarios} == CHANGING.keys()


@pytest.mark.parametrize("scenario", CHANGING)
def test_without_a_step_of_people_the_record_would_lack_evidence(
    checkout: Checkout, scenario: str
) -> None:
    drills = Drills(checkout, scenario)
    steps = [s["id"] for s in drills.steps]
    assert CHANGING[scenario] < set(steps)
    refusals = drills.refused_without([s for s in steps if s not in CHANGING[scenario]])
    for step, (code, said) in refusals.items():
        assert code == 1, said
        assert f"no step has the proof {drills.proof(step)}" in said
        assert "nothing was broken" in said
    assert not (drills.folder / "drill.json").exists()
    if scenario != "database-loss":
        assert drills.status(code=0)["points_to"] == []
