"""The dependency graph of the modules that exist in one environment and are active."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from totara_infra.model import graph as graphs
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.vocabulary import Environment, Provenance


@dataclass(frozen=True)
class Edge:
    """`module` waits for `depends_on`.

    Attributes:
        required: hard edge; a joined edge is never hard.
        through: modules that lie between the two and are not active; empty for a direct edge.
    """

    module: str
    depends_on: str
    required: bool
    provenance: Provenance
    reason: str
    through: tuple[str, ...] = ()


Graph = graphs.Graph[Edge]
"""Nodes are module ids or steps; an arc runs from what comes first to what waits for it."""


def existing(catalogue: Catalogue, environment: Environment) -> list[str]:
    """Ids of the modules that exist in an environment, active or not, in order."""
    return [i for i, m in catalogue.modules.items() if environment in m.environments]


def edge_of(graph: Graph, dependency: str, dependent: str) -> Edge:
    """The edge behind an arc."""
    return graph.label(dependency, dependent)


def full_graph(catalogue: Catalogue, among: Collection[str]) -> Graph:
    """All edges of the catalogue among the given modules."""
    graph = Graph(among)
    for module_id in among:
        for dependency in catalogue.modules[module_id].depends_on:
            if dependency.module in graph:
                edge = Edge(
                    module_id,
                    dependency.module,
                    dependency.required,
                    dependency.provenance,
                    dependency.reason,
                )
                graph.add_edge(dependency.module, module_id, edge)
    return graph


def active_graph(catalogue: Catalogue, environment: Environment, active: Collection[str]) -> Graph:
    """Edges among the active modules.

    Removing a module that is not active joins what it needs to what needs it, so the order that
    ran through it survives. Modules that don't exist in the environment are removed likewise.
    """
    graph = full_graph(catalogue, catalogue.modules)
    there = set(existing(catalogue, environment)) & set(active)
    for module_id in [m for m in catalogue.modules if m not in there]:
        _join_around(graph, module_id)
    return graph


def _join_around(graph: Graph, removed: str) -> None:
    for before in sorted(graph.predecessors(removed)):
        for after in sorted(graph.successors(removed)):
            if graph.has_edge(before, after):
                continue
            first, second = edge_of(graph, before, removed), edge_of(graph, removed, after)
            through = (*first.through, removed, *second.through)
            both_published = {first.provenance, second.provenance} == {Provenance.PUBLISHED}
            edge = Edge(
                after,
                before,
                required=False,
                provenance=Provenance.PUBLISHED if both_published else Provenance.ASSUMED,
                reason=f"Keeps the order that ran through {', '.join(through)}, not active here.",
                through=through,
            )
            graph.add_edge(before, after, edge)
    graph.remove_node(removed)


def cycles(graph: Graph) -> Iterator[list[Edge]]:
    """One shortest cycle for each knot of modules that need one another, as its edges in turn."""
    for knot in graphs.knots(graph):
        inside = graph.subgraph(knot)
        start = min(knot)
        found = min(
            (
                [start, *graphs.shortest_path(inside, successor, start)]
                for successor in inside.successors(start)
            ),
            key=lambda path: (len(path), path),
        )
        yield [edge_of(graph, a, b) for a, b in itertools.pairwise(found)]
