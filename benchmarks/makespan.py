"""How close an update comes to the shortest time that its own order allows.

The lower bound is the larger of two: the critical path of the blueprint's graph, where each
resource weighs what its operation took in that run, and the sum of all operations over the
parallelism. Between the bound and the makespan lies what engine and program themselves add.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import networkx as nx

from benchmarks.engine import Event
from totara_infra.blueprint import Blueprint, PlannedResource
from totara_infra.blueprint.resource import references
from totara_infra.resolver.sequence import SECRETS_AFTER, SECRETS_STEP, app_config_step, gate_step


@dataclass(frozen=True)
class Operation:
    """When the engine worked on a resource, on one clock, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True)
class Makespan:
    """An update's time and what it is held against, in seconds.

    Attributes:
        total: from the start of the first operation to the end of the last.
        critical_path: the longest chain of operations that wait for one another.
        work: all operations one after another.
        chain: the resources of the critical path.
    """

    total: float
    critical_path: float
    work: float
    chain: list[str]

    def bound(self, parallel: int) -> float:
        """The lower bound for a number of operations side by side."""
        return max(self.critical_path, self.work / parallel)


def operations(events: Iterable[Event], blueprint: Blueprint) -> dict[str, Operation]:
    """Each resource's operation, from the engine's events.

    The start is `resourcePre`, when one of the engine's workers takes the resource up; hooks that
    run before it, such as a gate's checks, lie inside.
    """
    starts: dict[str, float] = {}
    found: dict[str, Operation] = {}
    for event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            if kind not in event.content:
                continue
            metadata = event.content[kind]["metadata"]
            name = metadata["urn"].split("::", 3)[-1]
            planned = blueprint.resources.get(name)
            if planned is None or planned.type != metadata["type"]:
                continue
            if kind == "resourcePreEvent":
                starts[name] = event.seconds
            else:
                found[name] = Operation(starts[name], event.seconds)
    return found


def measure(events: Iterable[Event], blueprint: Blueprint) -> Makespan:
    """The makespan of a run and its lower bounds."""
    done = operations(events, blueprint)
    missing = set(blueprint.resources) - set(done)
    if missing:
        raise ValueError(f"the engine reported nothing of {sorted(missing)[:5]}")
    graph = dependencies(blueprint)
    longest: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for name in nx.topological_sort(graph):
        last = max(graph.predecessors(name), key=lambda p: longest[p], default=None)
        before[name] = last
        longest[name] = done[name].seconds + (longest[last] if last is not None else 0.0)
    end: str | None = max(longest, key=lambda name: longest[name])
    critical_path, chain = longest[str(end)], []
    while end is not None:
        chain.append(end)
        end = before[end]
    return Makespan(
        max(o.end for o in done.values()) - min(o.start for o in done.values()),
        critical_path,
        sum(o.seconds for o in done.values()),
        chain[::-1],
    )


def dependencies(blueprint: Blueprint) -> nx.DiGraph[str]:
    """Which resource waits for which: an arc runs from what comes first.

    Made from the blueprint alone: references, explicit waits, markers after their module, gates,
    and what each step waits for.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(blueprint.resources)
    for step, resources in blueprint.steps.items():
        waits = [n for earlier in _step_waits(blueprint, step) for n in _ends(blueprint, earlier)]
        for planned in resources:
            graph.add_edges_from((name, planned.name) for name in _own_waits(planned))
            graph.add_edges_from((name, planned.name) for name in waits)
        if step in blueprint.sequence.module:
            *own, marker = resources
            graph.add_edges_from((planned.name, marker.name) for planned in own)
    return graph


def _own_waits(planned: PlannedResource) -> Iterator[str]:
    yield from planned.waits_for
    yield from (reference.resource for reference in references(planned.properties))


def _step_waits(blueprint: Blueprint, step: str) -> Iterable[str]:
    sequence = blueprint.sequence
    if step in sequence.module:
        return sequence.module[step].waits_for
    if step == SECRETS_STEP:
        return (SECRETS_AFTER,)
    gates: Mapping[str, tuple[str, ...]] = {
        gate_step(phase.id): phase.gate_waits_for for phase in sequence.phases
    }
    return gates.get(step) or sequence.foundation_waits_for.get(step, ())


def _ends(blueprint: Blueprint, step: str) -> list[str]:
    """The resources of a step for which later steps wait."""
    resources = blueprint.steps[step]
    if step in blueprint.sequence.module or step.startswith("gate:"):
        return [resources[-1].name]
    if step in (app_config_step(d.id) for d in blueprint.scope.catalogue.domains):
        return [r.name for r in resources if r.shape == "Parameter"]
    return [r.name for r in resources]
