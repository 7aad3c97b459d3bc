"""A gate on AWS looks again before a failure counts; on the emulator the first look counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.environments import blueprint_of, settings_of
from totara_infra.model.vocabulary import Environment
from totara_infra.operations import gates
from totara_infra.operations.checks import Result, failed, passed
from totara_infra.operations.checks.registry import CHECKS, Checked

WRONG = failed("bucket versioning", "bank-prod-x", "Enabled", "Suspended", "Turn it on.")


def looks(monkeypatch: pytest.MonkeyPatch, *answers: Result) -> list[int]:
    """Answers that the checks give, one after another; the phases that were looked at."""
    left: Iterator[Result] = iter(answers)
    phases: list[int] = []

    def run_checks(_live: object, _blueprint: object, extent: gates.Extent) -> list[Checked]:
        assert extent.phases is not None
        assert not extent.gates
        phases.extend(extent.phases)
        return [Checked(CHECKS[1], [next(left)])]

    monkeypatch.setattr(gates, "run_checks", run_checks)
    monkeypatch.setattr(gates, "SETTLING_SECONDS", (0.0, 0.0, 0.0))
    return phases


def test_what_settles_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, WRONG, WRONG, passed("bucket versioning", "bank-prod-x"))
    gate = gates.Gates(settings_of(Environment.PROD))

    asyncio.run(gate.phase_is_ready(blueprint_of(Environment.PROD), 3))

    assert seen == [3, 3, 3]


def test_what_stays_wrong_stops_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, *[WRONG] * 4)
    gate = gates.Gates(settings_of(Environment.PROD))

    with pytest.raises(gates.GateError, match="Turn it on"):
        asyncio.run(gate.phase_is_ready(blueprint_of(Environment.PROD), 1))

    assert seen == [1] * 4


def test_an_emulator_has_nothing_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = looks(monkeypatch, WRONG)
    settings = settings_of(Environment.LOCAL).model_copy(
        update={"endpoint": "http://127.0.0.1:4566"}
    )

    with pytest.raises(gates.GateError):
        asyncio.run(gates.Gates(settings).phase_is_ready(blueprint_of(Environment.LOCAL), 1))

    assert seen == [1]
