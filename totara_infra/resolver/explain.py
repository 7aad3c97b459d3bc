"""Why a module stands where it stands: chains of reasons, what it needs, what needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from totara_infra.model.graph import ancestors, distances, paths, reduction
from totara_infra.model.problems import UsageError
from totara_infra.resolver.edges import Edge, Graph, edge_of
from totara_infra.resolver.sequence import Sequence


@dataclass(frozen=True)
class Neighbour:
    """A module at some distance from another.

    Attributes:
        distance: edges between the two, at least.
        edge: the edge nearest to the module that was asked for.
    """

    id: str
    distance: int
    edge: Edge


def check_module(sequence: Sequence, module_id: str) -> None:
    """Refuse an id that the sequence does not have.

    Raises:
        UsageError: it does not exist, or is not active in this environment.
    """
    if module_id not in sequence.module:
        raise UsageError(
            f"{module_id} is not deployed in {sequence.environment}: it does not exist there, no "
            "tenant of the stack has it active, or the id is wrong (MOD-NNN)."
        )


def chains(sequence: Sequence, module_id: str, limit: int = 50) -> tuple[list[list[Edge]], bool]:
    """The chains of reasons from a root to a module.

    Only edges that no longer chain implies are followed, so each chain tells something new.

    Args:
        sequence: the resolved order.
        module_id: the module to explain.
        limit: number of chains to return at most.

    Returns:
        The chains, root first, shortest first; and whether there are more.

    Raises:
        UsageError: the module is not in the sequence.
    """
    check_module(sequence, module_id)
    graph = sequence.graph
    reduced = reduction(graph.subgraph({module_id, *ancestors(graph, module_id)}))
    found_paths = list(islice(_paths(reduced, module_id), limit + 1))
    found = [
        [edge_of(graph, before, after) for before, after in pairwise(path)]
        for path in sorted(found_paths[:limit], key=lambda p: (len(p), p))
    ]
    return [chain for chain in found if chain], len(found_paths) > limit


def _paths(graph: Graph, end: str) -> Iterator[list[str]]:
    for root in sorted(n for n in graph if not graph.predecessors(n)):
        yield from paths(graph, root, end)


def needs(sequence: Sequence, module_id: str, depth: int | None = None) -> list[Neighbour]:
    """What a module needs, directly and through others, nearest first.

    Raises:
        UsageError: the module is not in the sequence.
    """
    check_module(sequence, module_id)
    return _neighbours(sequence.graph.reverse(), module_id, depth)


def needed_by(sequence: Sequence, module_id: str, depth: int | None = None) -> list[Neighbour]:
    """What needs a module, directly and through others, nearest first.

    Raises:
        UsageError: the module is not in the sequence.
    """
    check_module(sequence, module_id)
    return _neighbours(sequence.graph, module_id, depth)


def _neighbours(graph: Graph, module_id: str, depth: int | None) -> list[Neighbour]:
    away = distances(graph, module_id, depth)
    found: list[Neighbour] = []
    for other, distance in away.items():
        if other == module_id:
            continue
        nearer = min(n for n in graph.predecessors(other) if away.get(n, -1) == distance - 1)
        found.append(Neighbour(other, distance, edge_of(graph, nearer, other)))
    return sorted(found, key=lambda n: (n.distance, n.id))
