"""The proof from CloudTrail: it accepts the right order and names each violation."""

from __future__ import annotations

import itertools

import pytest

from tests.environments import blueprint_of
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.sequence_proof import judge
from totara_infra.operations.trail import Write

BLUEPRINT = blueprint_of(Environment.LOCAL)


def record(order: list[str]) -> list[Write]:
    """Writes of the steps in an order: each module's resources, then its marker."""
    clock = itertools.count(1)
    writes: list[Write] = []
    for step in order:
        for resource in BLUEPRINT.steps[step]:
            name = resource.properties.get("name") or resource.properties.get("bucket")
            time = float(next(clock))
            if isinstance(name, str):
                texts = frozenset([name])
                writes.append(Write(str(time), time, "ssm", "PutParameter", texts, "someone"))
    return writes


RIGHT = [s for s in BLUEPRINT.steps if s in BLUEPRINT.sequence.module or s.startswith("gate:")]


def test_the_right_order_is_proved_edge_by_edge() -> None:
    proof = judge(BLUEPRINT, record(RIGHT), exact=True)
    assert proof.violations == ()
    hard = sum(e.required for m in BLUEPRINT.sequence.modules for e in m.depends_on)
    assert (proof.proved, proof.edges) == (hard, hard)
    assert (proof.gates, proof.all_gates) == (7, 7)
    assert "order proved" in proof.summary()


@pytest.mark.parametrize("module_id", ["MOD-002", "MOD-020", "MOD-119"])
def test_a_module_before_what_it_needs_is_a_violation(module_id) -> None:
    needed = next(e for e in BLUEPRINT.sequence.module[module_id].depends_on if e.required)
    order = [s for s in RIGHT if s != module_id]
    order.insert(order.index(needed.depends_on), module_id)
    proof = judge(BLUEPRINT, record(order), exact=True)
    assert any(
        f"{module_id} was first written" in v and needed.depends_on in v for v in proof.violations
    )
    assert proof.proved < proof.edges


def test_a_gate_before_its_modules_is_a_violation() -> None:
    order = [s for s in RIGHT if s != "gate:3"]
    order.insert(order.index("MOD-001"), "gate:3")
    proof = judge(BLUEPRINT, record(order), exact=True)
    assert any("gate of phase 3 was written before the marker" in v for v in proof.violations)


def test_a_module_before_the_gate_of_the_phase_before_is_a_violation() -> None:
    order = [s for s in RIGHT if s != "gate:3"]
    order.append("gate:3")
    proof = judge(BLUEPRINT, record(order), exact=True)
    assert any("was written before the gate of phase 3" in v for v in proof.violations)


def test_a_missing_write_is_a_violation_and_not_a_pass() -> None:
    proof = judge(BLUEPRINT, record([s for s in RIGHT if s != "MOD-001"]), exact=True)
    assert "no write of the marker of MOD-001 is recorded" in proof.violations


def test_whole_seconds_count_as_in_order_where_aws_records_no_finer() -> None:
    same = [Write(w.event_id, 7.0, w.source, w.action, w.texts, w.user) for w in record(RIGHT)]
    assert judge(BLUEPRINT, same, exact=True).violations
    assert judge(BLUEPRINT, same, exact=False).violations == ()
