"""The order of deployment: phases, waves, what each module waits for.

Modules are ordered by their edges. Groups are ordered by phases, each of which ends in a gate:
a module waits for the gate of the phase before, so an edge into an earlier phase needs no further
waiting. What goes up for all at once (AppConfig of a domain, secret containers, user pools)
stands in the order as a foundation.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from totara_infra.model import graph as graphs
from totara_infra.model.catalogue import Catalogue, Phase
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver.edges import Edge, Graph, active_graph, edge_of

SECRETS_AFTER = "MOD-045"
"""The module that owns the secrets namespace; the containers of all secrets follow it."""
IDENTITY_BEFORE = "MOD-104"
"""The module that publishes the pools' ids; the pools and their trigger precede it."""


def gate_step(phase: int) -> str:
    """Name of a phase's gate in the order."""
    return f"gate:{phase}"


def app_config_step(domain_id: str) -> str:
    """Name of a domain's AppConfig foundation in the order."""
    return f"app-config:{domain_id}"


SECRETS_STEP = "secrets"
IDENTITY_STEP = "identity"
SIGN_IN_LOGS_STEP = "sign-in-logs"
"""Log groups of the sign-in triggers: their key is made by the module that needs the pools."""


@dataclass(frozen=True)
class PlacedModule:
    """A module in its place.

    Attributes:
        phase: id of the phase.
        wave: number, from 1, within the phase; modules of one wave may go up side by side.
        depends_on: every edge of the module here, hard and optional.
        pulled_by: modules of an earlier phase than its own that needed it there.
        waits_for: steps (modules, gates, foundations) that it waits for, reduced to those that
            no other implies.
    """

    id: str
    title: str
    domain: str
    phase: int
    wave: int
    depends_on: tuple[Edge, ...]
    pulled_by: tuple[str, ...]
    waits_for: tuple[str, ...]


@dataclass(frozen=True)
class ResolvedPhase:
    """A phase as it comes out for an environment.

    Attributes:
        waves: module ids, wave by wave.
        foundations: what goes up in this phase for all at once.
        gate_waits_for: steps that the gate waits for, reduced.
    """

    id: int
    title: str
    why: str
    waves: tuple[tuple[str, ...], ...]
    foundations: tuple[str, ...]
    gate_waits_for: tuple[str, ...]

    @property
    def modules(self) -> list[str]:
        """Every module of the phase, in order."""
        return [m for wave in self.waves for m in wave]


@dataclass(frozen=True)
class Sequence:
    """The whole order of one environment."""

    environment: Environment
    phases: tuple[ResolvedPhase, ...]
    modules: tuple[PlacedModule, ...]
    foundation_waits_for: dict[str, tuple[str, ...]]

    @cached_property
    def module(self) -> dict[str, PlacedModule]:
        """The modules by id, in order of deployment."""
        return {m.id: m for m in self.modules}

    @cached_property
    def graph(self) -> Graph:
        """The edges among the modules; an arc runs from the dependency to the dependent."""
        graph = Graph(self.module)
        for module in self.modules:
            for edge in module.depends_on:
                graph.add_edge(edge.depends_on, module.id, edge)
        return graph


def default_phases(catalogue: Catalogue) -> dict[str, int]:
    """The phase of each module before anything is pulled forward."""
    named = {m: p.id for p in catalogue.sequence.phases for m in named_modules(p)}
    by_domain = {d: p.id for p in catalogue.sequence.phases for d in p.domains}
    return {
        module_id: named.get(module_id, by_domain.get(catalogue.domain_of[module_id].id, 0))
        for module_id in catalogue.modules
    }


def named_modules(phase: Phase) -> list[str]:
    """Modules that a phase names itself, in its steps or its list."""
    return [*(m for step in phase.steps for m in step), *phase.modules]


def resolve(
    catalogue: Catalogue, environment: Environment, active: Collection[str] | None = None
) -> Sequence:
    """Order the active modules of an environment.

    Args:
        catalogue: a validated catalogue.
        environment: modules that don't exist there are left out.
        active: ids of the modules that at least one tenant has; every module if left out.

    Raises:
        ProblemsError: a cycle, or a pinned module that an earlier phase needs. Such a catalogue
            does not pass `load_catalogue`; the check here guards catalogues made in code.
    """
    graph = active_graph(
        catalogue, environment, catalogue.modules if active is None else set(active)
    )
    try:
        order = graphs.in_order(graph)
    except ValueError:
        raise ProblemsError(
            [
                Problem(
                    "catalogue",
                    0,
                    "cycle",
                    "the modules can't be ordered",
                    "some need one another",
                    "run `totara validate`, which shows the cycle",
                )
            ]
        ) from None
    defaults = default_phases(catalogue)
    phase_of = _pulled(graph, order, defaults)
    pinned = {m for p in catalogue.sequence.phases for m in p.pinned}
    moved = sorted(m for m in pinned if m in phase_of and phase_of[m] != defaults[m])
    if moved:
        raise ProblemsError(
            [
                Problem(
                    "catalogue",
                    0,
                    "later-phase",
                    f"{moved[0]} is pinned to its phase",
                    "a module of an earlier phase needs it",
                    "run `totara validate`",
                )
            ]
        )
    phases: list[ResolvedPhase] = []
    placed: list[PlacedModule] = []
    foundation_waits: dict[str, tuple[str, ...]] = {}
    seen_domains: set[str] = set()
    for plan in sorted(catalogue.sequence.phases, key=lambda p: p.id):
        members = [m for m in order if phase_of[m] == plan.id]
        if not members:
            continue
        before = [gate_step(phases[-1].id)] if phases else []
        steps = _phase_graph(catalogue, plan, graph, members)
        waves = [tuple(sorted(w)) for w in graphs.generations(steps)]
        foundations = _add_foundations(catalogue, steps, members, seen_domains)
        reduced = graphs.reduction(steps)
        waits = {
            step: tuple(sorted(reduced.predecessors(step))) or tuple(before) for step in reduced
        }
        foundation_waits |= {f: waits[f] for f in foundations}
        leaves = tuple(sorted(s for s in reduced if not reduced.successors(s)))
        phases.append(
            ResolvedPhase(plan.id, plan.title, plan.why, tuple(waves), foundations, leaves)
        )
        for number, wave in enumerate(waves, start=1):
            for module_id in wave:
                pulled_by = _pulled_by(graph, module_id, phase_of, defaults)
                placed.append(
                    PlacedModule(
                        module_id,
                        catalogue.modules[module_id].title,
                        catalogue.domain_of[module_id].id,
                        plan.id,
                        number,
                        tuple(
                            edge_of(graph, d, module_id)
                            for d in sorted(graph.predecessors(module_id))
                        ),
                        pulled_by,
                        waits[module_id],
                    )
                )
    return Sequence(environment, tuple(phases), tuple(placed), foundation_waits)


def _pulled(graph: Graph, order: list[str], defaults: dict[str, int]) -> dict[str, int]:
    """Phase of each module once it is no later than that of any module that needs it."""
    phase_of: dict[str, int] = {}
    for module_id in reversed(order):
        needed_in = (phase_of[d] for d in graph.successors(module_id))
        phase_of[module_id] = min([defaults[module_id], *needed_in])
    return phase_of


def _pulled_by(
    graph: Graph, module_id: str, phase_of: dict[str, int], defaults: dict[str, int]
) -> tuple[str, ...]:
    if phase_of[module_id] == defaults[module_id]:
        return ()
    here = phase_of[module_id]
    return tuple(sorted(d for d in graph.successors(module_id) if phase_of[d] == here))


def _phase_graph(catalogue: Catalogue, plan: Phase, graph: Graph, members: list[str]) -> Graph:
    """Order inside one phase: the edges among its modules and the handbook's steps."""
    del catalogue
    steps = Graph(members)
    for before, after in graph.subgraph(members).edges:
        steps.add_edge(before, after)
    present = [[m for m in step if m in steps] for step in plan.steps]
    ordered = [step for step in present if step]
    for earlier, later in itertools.pairwise(ordered):
        for before, after in itertools.product(earlier, later):
            steps.add_edge(before, after)
    if ordered:
        stepped = {m for step in ordered for m in step}
        unnamed = [m for m in members if m not in stepped]
        for before, after in itertools.product(ordered[-1], unnamed):
            steps.add_edge(before, after)
    return steps


def _add_foundations(
    catalogue: Catalogue, steps: Graph, members: Iterable[str], seen_domains: set[str]
) -> tuple[str, ...]:
    foundations: list[str] = []
    for module_id in list(members):
        domain_id = catalogue.domain_of[module_id].id
        step = app_config_step(domain_id)
        if domain_id not in seen_domains:
            seen_domains.add(domain_id)
            foundations.append(step)
        if step in foundations:
            steps.add_edge(step, module_id)
        if module_id == SECRETS_AFTER:
            foundations.append(SECRETS_STEP)
            steps.add_edge(module_id, SECRETS_STEP)
        if module_id == IDENTITY_BEFORE:
            foundations.append(IDENTITY_STEP)
            steps.add_edge(IDENTITY_STEP, module_id)
            foundations.append(SIGN_IN_LOGS_STEP)
            steps.add_edge(module_id, SIGN_IN_LOGS_STEP)
    return tuple(sorted(foundations))
