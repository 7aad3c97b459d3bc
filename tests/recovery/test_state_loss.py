"""The drill of a lost state and lost configuration, each part of it brought back by one step."""

from __future__ import annotations

import pytest

from tests.recovery.drilling import Drills, outcomes, refused

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def drills(new_small_environment) -> Drills:
    return Drills(new_small_environment(), "state-loss")


def test_without_the_state_nothing_is_put_back(drills: Drills) -> None:
    record, _ = drills.without("rebuild-state")
    assert outcomes(record)["put-back"] == "failed"
    assert "indicators-quiet" in refused(record)
    raised = {i["indicator"] for i in record["indicators"] if i["after_fault"]}
    assert raised == {"state", "parameters", "settings"}


def test_without_the_update_parameters_stay_altered(drills: Drills) -> None:
    """The same drill goes on: by now the state is made again, and the backup restored."""
    record, _ = drills.without("put-back")
    assert outcomes(record)["rebuild-state"] == "done"
    assert outcomes(record)["restore-exports"] in ("done", "there")
    assert refused(record) == {"indicators-quiet"}
    found = next(a["found"] for a in record["acceptance"] if a["name"] == "indicators-quiet")
    assert "parameters have their declared values" in found
    assert "bank-core/runtime serves something else" in found


def test_the_whole_runbook_brings_all_of_it_back(drills: Drills) -> None:
    record, done = drills.run()
    assert record["outcome"] == "complete", done.err
    assert {a["name"] for a in record["acceptance"]} == {
        "indicators-quiet", "backup-equal", "same-claims", "verified",
    }  # fmt: skip
    assert record["runs"] == 3


def test_without_the_backup_what_modules_wrote_is_missed(drills: Drills) -> None:
    record, _ = drills.without("restore-exports")
    assert refused(record) == {"backup-equal"}
    found = next(a["found"] for a in record["acceptance"] if a["name"] == "backup-equal")
    assert "/bank/local/recovery-drill/endpoint" in found
