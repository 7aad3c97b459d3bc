"""Directed graphs: the few algorithms that an order of deployment needs.

A graph library takes longer to import than all of these to run, and every command pays for it.
The tests hold each of them against such a library. Whatever has a choice takes the first name, so
the same graph always gives the same answer.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Label = TypeVar("Label")


class Graph(Generic[Label]):
    """Nodes by name and arcs between them, each of which may carry a label.

    An arc runs from what comes first to what waits for it. Nodes and arcs keep the order in which
    they were added.
    """

    def __init__(self, nodes: Iterable[str] = ()) -> None:
        """Make a graph without arcs.

        Args:
            nodes: its first nodes.
        """
        self._after: dict[str, dict[str, Label | None]] = {}
        self._before: dict[str, dict[str, Label | None]] = {}
        for node in nodes:
            self.add_node(node)

    def __iter__(self) -> Iterator[str]:
        return iter(self._after)

    def __contains__(self, node: object) -> bool:
        return node in self._after

    def __len__(self) -> int:
        return len(self._after)

    @property
    def edges(self) -> Iterator[tuple[str, str]]:
        """Every arc, as the two nodes that it joins."""
        return ((a, b) for a, afters in self._after.items() for b in afters)

    def successors(self, node: str) -> Collection[str]:
        """Nodes to which an arc runs from a node."""
        return self._after[node].keys()

    def predecessors(self, node: str) -> Collection[str]:
        """Nodes from which an arc runs to a node."""
        return self._before[node].keys()

    def has_edge(self, before: str, after: str) -> bool:
        """Whether an arc joins two nodes."""
        return after in self._after.get(before, {})

    def label(self, before: str, after: str) -> Label:
        """What an arc carries.

        Raises:
            KeyError: there is no such arc, or it carries nothing.
        """
        label = self._after[before][after]
        if label is None:
            raise KeyError((before, after))
        return label

    def add_node(self, node: str) -> None:
        """Add a node, unless it is there."""
        self._after.setdefault(node, {})
        self._before.setdefault(node, {})

    def add_edge(self, before: str, after: str, label: Label | None = None) -> None:
        """Add an arc, and its nodes if they are missing; a second one replaces the first."""
        self.add_node(before)
        self.add_node(after)
        self._after[before][after] = label
        self._before[after][before] = label

    def remove_node(self, node: str) -> None:
        """Remove a node and its arcs."""
        for after in self._after.pop(node):
            self._before[after].pop(node, None)
        for before in self._before.pop(node):
            if before != node:
                del self._after[before][node]

    def remove_edge(self, before: str, after: str) -> None:
        """Remove an arc."""
        del self._after[before][after]
        del self._before[after][before]

    def copy(self) -> Graph[Label]:
        """A copy with nodes and arcs of its own."""
        return self.subgraph(self)

    def subgraph(self, nodes: Iterable[str]) -> Graph[Label]:
        """A copy with only the given nodes, and the arcs among them."""
        kept = set(nodes)
        found: Graph[Label] = Graph(node for node in self if node in kept)
        for node in found:
            for after, label in self._after[node].items():
                if after in kept:
                    found.add_edge(node, after, label)
        return found

    def reverse(self) -> Graph[Label]:
        """A copy in which every arc runs the other way."""
        found: Graph[Label] = Graph(self)
        for before, after in self.edges:
            found.add_edge(after, before, self._after[before][after])
        return found


def generations(graph: Graph[Label]) -> list[list[str]]:
    """The nodes in waves: each wave holds those that wait only for earlier waves.

    Raises:
        ValueError: some nodes wait for one another.
    """
    waiting = {node: len(graph.predecessors(node)) for node in graph}
    wave = [node for node, count in waiting.items() if not count]
    found = []
    while wave:
        found.append(wave)
        following = []
        for node in wave:
            for after in graph.successors(node):
                waiting[after] -= 1
                if not waiting[after]:
                    following.append(after)
        wave = following
    if sum(map(len, found)) < len(graph):
        raise ValueError("some nodes wait for one another")
    return found


def in_order(graph: Graph[Label]) -> list[str]:
    """The nodes, each after those that it waits for; of several that could come, the first by name.

    Raises:
        ValueError: some nodes wait for one another.
    """
    waiting = {node: len(graph.predecessors(node)) for node in graph}
    ready = sorted(node for node, count in waiting.items() if not count)
    found = []
    while ready:
        node = heapq.heappop(ready)
        found.append(node)
        for after in graph.successors(node):
            waiting[after] -= 1
            if not waiting[after]:
                heapq.heappush(ready, after)
    if len(found) < len(graph):
        raise ValueError("some nodes wait for one another")
    return found


def reduction(graph: Graph[Label]) -> Graph[Label]:
    """A copy without the arcs that a longer path implies.

    Raises:
        ValueError: some nodes wait for one another.
    """
    order = in_order(graph)
    place = {node: number for number, node in enumerate(order)}
    found: Graph[Label] = graph.copy()
    # A set of nodes as the bits of a number: uniting two of them is one step.
    reached: dict[str, int] = {}
    for node in reversed(order):
        reach = 0
        # Whatever reaches another successor comes before it in the order.
        for after in sorted(graph.successors(node), key=place.__getitem__):
            if reach >> place[after] & 1:
                found.remove_edge(node, after)
            else:
                reach |= reached[after] | 1 << place[after]
        reached[node] = reach
    return found


def ancestors(graph: Graph[Label], node: str) -> set[str]:
    """Every other node from which a path leads to a node."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for before in graph.predecessors(waiting.pop()):
            if before not in found:
                found.add(before)
                waiting.append(before)
    return found - {node}


def distances(graph: Graph[Label], start: str, most: int | None = None) -> dict[str, int]:
    """How many arcs lead from a node to each that it reaches, itself included, nearest first.

    Args:
        graph: the graph.
        start: the node.
        most: number of arcs after which to stop; None to go on.
    """
    found = {start: 0}
    layer, distance = [start], 0
    while layer and (most is None or distance < most):
        distance += 1
        following = []
        for node in layer:
            for after in graph.successors(node):
                if after not in found:
                    found[after] = distance
                    following.append(after)
        layer = following
    return found


def shortest_path(graph: Graph[Label], start: str, end: str) -> list[str]:
    """The nodes of a shortest path between two; of several, the first by name.

    Raises:
        KeyError: no path leads there.
    """
    left = distances(graph.reverse(), end)
    path = [start]
    while path[-1] != end:
        wanted = left[path[-1]] - 1
        path.append(min(n for n in graph.successors(path[-1]) if left.get(n) == wanted))
    return path


def paths(graph: Graph[Label], start: str, end: str) -> Iterator[list[str]]:
    """Every path between two nodes that passes no node twice, in the order of their names."""
    leading = {*ancestors(graph, end), end}
    if start not in leading:
        return
    waiting = [[start]]
    while waiting:
        path = waiting.pop()
        if path[-1] == end:
            yield path
            continue
        further = leading.intersection(graph.successors(path[-1])).difference(path)
        waiting += [[*path, node] for node in sorted(further, reverse=True)]


def knots(graph: Graph[Label]) -> list[set[str]]:
    """The sets of nodes that wait for one another, each as large as possible."""
    # Whatever waits for no knot, or has none waiting for it, is left out first: mostly everything.
    left = _unordered(_unordered(graph).reverse())
    found = []
    while len(left):
        start = next(iter(left))
        knot = {start, *(set(distances(left, start)) & ancestors(left, start))}
        if len(knot) > 1 or left.has_edge(start, start):
            found.append(knot)
        for node in knot:
            left.remove_node(node)
    return found


def _unordered(graph: Graph[Label]) -> Graph[Label]:
    """The part of a graph that has no order: its knots, and what waits for them."""
    waiting = {node: len(graph.predecessors(node)) for node in graph}
    ready = [node for node, count in waiting.items() if not count]
    while ready:
        for after in graph.successors(ready.pop()):
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return graph.subgraph(node for node, count in waiting.items() if count)


def longest_path(graph: Graph[Label], weights: Mapping[str, float]) -> list[str]:
    """The path whose nodes weigh most together; of several, the one that ends first by name.

    Args:
        graph: the graph.
        weights: what each node weighs.

    Raises:
        ValueError: some nodes wait for one another.
    """
    total: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for node in in_order(graph):
        heaviest = max(sorted(graph.predecessors(node)), key=total.__getitem__, default=None)
        before[node] = heaviest
        total[node] = weights[node] + (total[heaviest] if heaviest is not None else 0)
    last = max(sorted(total), key=total.__getitem__, default=None)
    path = []
    while last is not None:
        path.append(last)
        last = before[last]
    return path[::-1]
