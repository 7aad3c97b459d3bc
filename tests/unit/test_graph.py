"""The project's graph algorithms, held against those of networkx on random graphs."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from totara_infra.model.graph import (
    Graph,
    ancestors,
    distances,
    generations,
    in_order,
    knots,
    longest_path,
    paths,
    reduction,
    shortest_path,
)

QUICK = settings(deadline=None, max_examples=50)
NAMES = "abcdefgh"
ARCS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=24)
ORDERED_ARCS = ARCS.map(lambda arcs: [(min(pair), max(pair)) for pair in arcs]).map(
    lambda arcs: [(b, a) for a, b in arcs if a != b]
)
"""Arcs of a graph without a cycle; their direction is against the order of the names."""


def both(arcs: list[tuple[str, str]]) -> tuple[Graph[str], nx.DiGraph]:
    ours: Graph[str] = Graph(NAMES)
    theirs = nx.DiGraph()
    theirs.add_nodes_from(NAMES)
    for before, after in arcs:
        ours.add_edge(before, after, before + after)
        theirs.add_edge(before, after)
    return ours, theirs


@QUICK
@given(ORDERED_ARCS)
def test_order_waves_and_reduction(arcs) -> None:
    ours, theirs = both(arcs)
    assert in_order(ours) == list(nx.lexicographical_topological_sort(theirs))
    waves = [sorted(wave) for wave in nx.topological_generations(theirs)]
    assert [sorted(wave) for wave in generations(ours)] == waves
    reduced = reduction(ours)
    assert set(reduced.edges) == set(nx.transitive_reduction(theirs).edges)
    assert list(reduced) == list(NAMES)
    assert {reduced.label(a, b) for a, b in reduced.edges} == {a + b for a, b in reduced.edges}


@QUICK
@given(ARCS)
def test_knots_and_the_refusal_to_order_them(arcs) -> None:
    ours, theirs = both(arcs)
    expected = [
        knot
        for knot in nx.strongly_connected_components(theirs)
        if len(knot) > 1 or any(theirs.has_edge(node, node) for node in knot)
    ]
    assert sorted(map(sorted, knots(ours))) == sorted(map(sorted, expected))
    if expected:
        for ordering in (in_order, generations, reduction):
            with pytest.raises(ValueError, match="wait for one another"):
                ordering(ours)


@QUICK
@given(ARCS)
def test_what_is_reached_from_where(arcs) -> None:
    ours, theirs = both(arcs)
    backwards = ours.reverse()
    assert set(backwards.edges) == {(after, before) for before, after in ours.edges}
    for node in NAMES:
        assert ancestors(ours, node) == nx.ancestors(theirs, node)
        for most in (None, 2):
            expected = dict(nx.single_source_shortest_path_length(theirs, node, cutoff=most))
            assert distances(ours, node, most) == expected
        for end in set(distances(ours, node)) - {node}:
            alike = sorted(nx.all_shortest_paths(theirs, node, end))
            assert shortest_path(ours, node, end) == alike[0]
            assert list(paths(ours, node, end)) == sorted(nx.all_simple_paths(theirs, node, end))


def test_a_path_that_does_not_exist() -> None:
    ours, _ = both([("a", "b")])
    assert list(paths(ours, "b", "a")) == []
    with pytest.raises(KeyError):
        shortest_path(ours, "b", "a")
    with pytest.raises(KeyError):
        ours.label("b", "a")


@QUICK
@given(ORDERED_ARCS, st.lists(st.integers(1, 9), min_size=8, max_size=8))
def test_the_longest_path_weighs_most(arcs, minutes) -> None:
    ours, theirs = both(arcs)
    weights = dict(zip(NAMES, minutes, strict=True))
    path = longest_path(ours, weights)
    assert all(ours.has_edge(a, b) for a, b in pairwise(path))
    for before, after in theirs.edges:
        theirs.edges[before, after]["weight"] = weights[after]
    theirs.add_edges_from(("", node, {"weight": weights[node]}) for node in NAMES)
    heaviest = nx.dag_longest_path_length(theirs, weight="weight")
    assert sum(weights[node] for node in path) == heaviest


@QUICK
@given(ARCS, st.sets(st.sampled_from(NAMES)))
def test_removing_nodes_leaves_what_a_selection_has(arcs, removed) -> None:
    assume(removed)
    ours, _ = both(arcs)
    kept = [node for node in NAMES if node not in removed]
    selected = ours.subgraph(kept)
    for node in removed:
        ours.remove_node(node)
    assert list(ours) == list(selected) == kept
    assert set(ours.edges) == set(selected.edges)
    for node in kept:
        assert set(ours.predecessors(node)) == set(selected.predecessors(node))
