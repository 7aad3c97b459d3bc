"""Which disaster the indicators point to, and how far its way back is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from totara_infra.delivery.runbooks import Finding, asked
from totara_infra.model.recovery import RecoveryStep, Scenario
from totara_infra.recovery.proofs import PROOFS
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign


def pointed_to(
    scenarios: Sequence[Scenario], signs: Mapping[str, Sign]
) -> list[tuple[Scenario, int]]:
    """Scenarios with a raised indicator and how many are, the likeliest first.

    The likeliest is the one of whose indicators the greatest part is raised.
    """
    counted = [(s, sum(bool(signs[i.probe].raised) for i in s.indicators)) for s in scenarios]
    found = [(s, number) for s, number in counted if number]
    return sorted(found, key=lambda pair: -pair[1] / len(pair[0].indicators))


def proofs_now(scene: Scene, scenario: Scenario) -> list[tuple[RecoveryStep, Finding]]:
    """Every step with what its proof finds now. Changes nothing."""
    return [(step, asked(partial(PROOFS[step.proof], scene))) for step in scenario.steps]
