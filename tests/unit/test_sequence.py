"""The order: edges, phases, pulling, optional edges, what is off, cycles."""

from __future__ import annotations

import itertools

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.small_catalogue import content
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.problems import ProblemsError, UsageError
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import explain, rendering, resolve
from totara_infra.resolver.edges import active_graph, cycles, edge_of, full_graph


def small(**edges: list[tuple[str, bool]]) -> Catalogue:
    """The small catalogue with further edges: `MOD_001=[("MOD-002", True)]`."""
    files = content()
    domains = [files[f"domains/sd0{n}.yaml"] for n in range(1, 9)]
    for domain in domains:
        for module in domain["modules"]:
            for target, required in edges.get(module["id"].replace("-", "_"), []):
                module["depends_on"].append(
                    {
                        "module": target,
                        "required": required,
                        "provenance": "assumed",
                        "reason": "A test says so.",
                    }
                )
    return Catalogue.model_validate(
        {"domains": domains, "sequence": files["sequence.yaml"], "tenancy": files["tenancy.yaml"]}
    )


def positions(sequence) -> dict[str, tuple[int, int]]:
    return {m.id: (m.phase, m.wave) for m in sequence.modules}


def test_every_module_appears_once_and_after_what_it_needs(catalogue) -> None:
    for environment in Environment:
        sequence = resolve(catalogue, environment)
        ids = [m.id for m in sequence.modules]
        assert len(ids) == len(set(ids))
        expected = {i for i, m in catalogue.modules.items() if environment in m.environments}
        assert set(ids) == expected
        place = positions(sequence)
        for module in sequence.modules:
            for edge in module.depends_on:
                assert place[edge.depends_on] < place[module.id]


def test_the_phases_of_the_real_platform(catalogue) -> None:
    counts = [len(p.modules) for p in resolve(catalogue, Environment.LOCAL).phases]
    assert counts == [6, 23, 18, 46, 24, 30, 2]
    prod = resolve(catalogue, Environment.PROD)
    assert [len(p.modules) for p in prod.phases] == [6, 22, 18, 46, 24, 30]
    assert not {"MOD-157", "MOD-158", "MOD-159"} & set(prod.module)


def test_modules_of_a_later_phase_are_pulled_and_the_sequence_says_by_whom(catalogue) -> None:
    sequence = resolve(catalogue, Environment.DEV)
    pulled = {m.id: m.pulled_by for m in sequence.modules if m.pulled_by}
    assert set(pulled) == {"MOD-033", "MOD-039"}
    assert pulled["MOD-039"] == ("MOD-017",)
    assert sequence.module["MOD-033"].phase == 4


def test_the_steps_of_the_bootstrap_come_one_after_another(catalogue) -> None:
    place = positions(resolve(catalogue, Environment.LOCAL))
    assert place["MOD-104"] < place["MOD-103"] < place["MOD-045"] < place["MOD-076"]


def test_the_same_input_gives_the_same_order(catalogue) -> None:
    first = rendering.as_data(resolve(catalogue, Environment.UAT))
    assert rendering.as_data(resolve(catalogue, Environment.UAT)) == first


def test_an_optional_edge_orders_and_pulls_when_both_are_active() -> None:
    catalogue = small(MOD_020=[("MOD-049", False)])
    sequence = resolve(catalogue, Environment.LOCAL)
    assert positions(sequence)["MOD-049"] < positions(sequence)["MOD-020"]
    assert sequence.module["MOD-049"].pulled_by == ("MOD-020",)
    without = resolve(catalogue, Environment.LOCAL, set(catalogue.modules) - {"MOD-049"})
    assert "MOD-049" not in without.module


def test_removing_a_module_joins_what_is_around_it() -> None:
    # MOD-016 -> MOD-002 -> MOD-001: without MOD-002, MOD-016 still follows MOD-001.
    catalogue = small()
    graph = active_graph(catalogue, Environment.LOCAL, set(catalogue.modules) - {"MOD-002"})
    edge = edge_of(graph, "MOD-001", "MOD-016")
    assert (edge.through, edge.required) == (("MOD-002",), False)


def test_a_pinned_module_is_never_pulled() -> None:
    catalogue = small(MOD_001=[("MOD-158", False)])
    with pytest.raises(ProblemsError, match="later-phase"):
        resolve(catalogue, Environment.LOCAL)


def test_a_cycle_is_found_with_its_whole_path() -> None:
    catalogue = small(MOD_001=[("MOD-002", True)])
    (cycle,) = cycles(full_graph(catalogue, catalogue.modules))
    assert {(e.module, e.depends_on) for e in cycle} == {
        ("MOD-001", "MOD-002"),
        ("MOD-002", "MOD-001"),
    }


def test_waits_are_the_transitive_reduction(catalogue) -> None:
    """No module waits for a step that another of its waits implies."""
    sequence = resolve(catalogue, Environment.LOCAL)
    graph = nx.DiGraph()
    for module in sequence.modules:
        graph.add_edges_from((step, module.id) for step in module.waits_for)
    for phase in sequence.phases:
        graph.add_edges_from((step, f"gate:{phase.id}") for step in phase.gate_waits_for)
    for foundation, waits in sequence.foundation_waits_for.items():
        graph.add_edges_from((step, foundation) for step in waits)
    assert set(nx.transitive_reduction(graph).edges) == set(graph.edges)


def test_waiting_implies_every_edge(catalogue) -> None:
    """What a module waits for, directly or through others, covers all that it needs."""
    sequence = resolve(catalogue, Environment.LOCAL)
    graph = nx.DiGraph()
    for module in sequence.modules:
        graph.add_edges_from((step, module.id) for step in module.waits_for)
    for phase in sequence.phases:
        graph.add_edges_from((step, f"gate:{phase.id}") for step in phase.gate_waits_for)
    for foundation, waits in sequence.foundation_waits_for.items():
        graph.add_edges_from((step, foundation) for step in waits)
    before = {node: nx.ancestors(graph, node) for node in graph}
    for module in sequence.modules:
        for edge in module.depends_on:
            assert edge.depends_on in before[module.id], edge
        if module.phase > 1:
            assert f"gate:{module.phase - 1}" in before[module.id]


MODULES = ["MOD-001", "MOD-002", "MOD-009", "MOD-016", "MOD-020", "MOD-027", "MOD-032", "MOD-049"]


@given(
    st.lists(
        st.tuples(st.sampled_from(range(8)), st.sampled_from(range(8)), st.booleans()), max_size=12
    ),
    st.sets(st.sampled_from(MODULES)),
)
@settings(max_examples=60, deadline=None)
def test_any_acyclic_catalogue_resolves_in_order(edges, off) -> None:
    added: dict[str, list[tuple[str, bool]]] = {}
    for a, b, required in edges:
        later, earlier = MODULES[max(a, b)], MODULES[min(a, b)]
        known = {"MOD-002": ["MOD-001"], "MOD-016": ["MOD-002"], "MOD-020": ["MOD-002", "MOD-009"]}
        known |= {"MOD-027": ["MOD-009"]}
        names = [t for t, _ in added.get(later.replace("-", "_"), [])]
        if later != earlier and earlier not in names + known.get(later, []):
            added.setdefault(later.replace("-", "_"), []).append((earlier, required))
    catalogue = small(**added)
    sequence = resolve(catalogue, Environment.LOCAL, set(catalogue.modules) - off)
    place = positions(sequence)
    assert set(place) == set(catalogue.modules) - off
    for module in sequence.modules:
        for edge in module.depends_on:
            assert place[edge.depends_on] < place[module.id]


def test_chains_run_from_a_root_to_the_module(catalogue) -> None:
    sequence = resolve(catalogue, Environment.LOCAL)
    chains, _ = explain.chains(sequence, "MOD-119")
    for chain in chains:
        assert chain[-1].module == "MOD-119"
        assert not sequence.module[chain[0].depends_on].depends_on
        for before, after in itertools.pairwise(chain):
            assert before.module == after.depends_on
    assert any(edge.depends_on == "MOD-020" for chain in chains for edge in chain)


def test_needs_and_needed_by_mirror_each_other(catalogue) -> None:
    sequence = resolve(catalogue, Environment.LOCAL)
    assert "MOD-119" in {n.id for n in explain.needed_by(sequence, "MOD-020")}
    assert "MOD-020" in {n.id for n in explain.needs(sequence, "MOD-119")}
    near = explain.needs(sequence, "MOD-119", depth=1)
    assert {n.id for n in near} == {e.depends_on for e in sequence.module["MOD-119"].depends_on}


def test_an_unknown_module_is_a_usage_error(catalogue) -> None:
    with pytest.raises(UsageError, match="MOD-999"):
        explain.needs(resolve(catalogue, Environment.LOCAL), "MOD-999")
