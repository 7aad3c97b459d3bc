"""The drill of leaked credentials: closed again, every value a new one, whoever issues it."""

from __future__ import annotations

import pytest

from tests.recovery.drilling import Drills, outcomes, refused

pytestmark = pytest.mark.engine

OWN = "/bank/local/core/statement-signing-key"
ISSUED = "/bank/local/core/neon-db-url"


@pytest.fixture(scope="module")
def drills(new_small_environment) -> Drills:
    return Drills(new_small_environment(), "credential-compromise")


def version(drills: Drills, path: str) -> str:
    client = drills.checkout.live().client("secretsmanager")
    return client.get_secret_value(SecretId=path)["VersionId"]


def test_an_open_policy_is_missed_and_the_drill_goes_on_with_it(drills: Drills) -> None:
    record, _ = drills.without("close-access")
    assert refused(record) == {"indicators-quiet", "secrets-sound"}
    raised = {i["indicator"] for i in record["indicators"] if i["after_fault"]}
    assert raised == {"secret-policies", "secret-readers", "secret-events"}
    before = version(drills, OWN), version(drills, ISSUED)
    record, done = drills.run()
    assert record["outcome"] == "complete", done.err
    assert outcomes(record)["close-access"] == "done"
    # What was new already is not changed again.
    assert (version(drills, OWN), version(drills, ISSUED)) == before


@pytest.mark.parametrize(("step", "path"), [("rotate-own", OWN), ("replace-issued", ISSUED)])
def test_a_value_that_stays_is_missed(drills: Drills, step: str, path: str) -> None:
    before = version(drills, path)
    record, _ = drills.without(step)
    assert refused(record) == {"every-value-new"}
    assert version(drills, path) == before
    found = next(a["found"] for a in record["acceptance"] if a["name"] == "every-value-new")
    assert path in found or "have the value of before" in found
    record, done = drills.run()
    assert record["outcome"] == "complete", done.err
    assert version(drills, path) != before
