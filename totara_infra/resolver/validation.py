"""The whole catalogue, checked: each file, the declarations together, and the order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from totara_infra.model.graph import ancestors, in_order, shortest_path
from totara_infra.model.loading import CATALOGUE_DIRECTORY, LoadedCatalogue, read_catalogue
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.rules import catalogue_problems
from totara_infra.resolver.edges import Edge, Graph, cycles, edge_of, full_graph
from totara_infra.resolver.kept_catalogue import catalogue_key, keep_catalogue, recall_catalogue
from totara_infra.resolver.sequence import default_phases, named_modules


def load_catalogue(directory: Path = CATALOGUE_DIRECTORY) -> LoadedCatalogue:
    """Read a catalogue and hold it against every rule.

    Args:
        directory: folder with `domains/`, `sequence.yaml` and `tenancy.yaml`.

    Raises:
        ProblemsError: all problems at once. The rules that relate declarations run only when
            every file is well formed by itself.
    """
    # Of other folders nothing is kept: they are read once, or in tests.
    key = catalogue_key(directory) if directory == CATALOGUE_DIRECTORY else None
    known = recall_catalogue(key) if key is not None else None
    if known is not None:
        return known
    loaded = read_catalogue(directory)
    problems = [*catalogue_problems(loaded), *order_problems(loaded)]
    if problems:
        raise ProblemsError(problems)
    if key is not None and catalogue_key(directory) == key:
        keep_catalogue(key, loaded)
    return loaded


def order_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Cycles, edges into a pinned later phase, broken rules, modules that phases leave out."""
    yield from _phase_problems(loaded)
    graph = full_graph(loaded.catalogue, loaded.catalogue.modules)
    knots = list(cycles(graph))
    for cycle in knots:
        yield _cycle_problem(loaded, cycle)
    if not knots:
        yield from _later_phase_problems(loaded, graph)
        yield from _rule_problems(loaded, graph)
        yield from _always_on_problems(loaded, graph)


def _edge_line(loaded: LoadedCatalogue, edge: Edge) -> tuple[str, int]:
    domain = loaded.catalogue.domain_of[edge.module]
    document = loaded.documents[domain.id]
    number = next(i for i, m in enumerate(domain.modules) if m.id == edge.module)
    index = next(
        i for i, d in enumerate(domain.modules[number].depends_on) if d.module == edge.depends_on
    )
    return document.name, document.line(("modules", number, "depends_on", index))


def _cycle_problem(loaded: LoadedCatalogue, cycle: list[Edge]) -> Problem:
    # Edges run dependency -> dependent; people read "A needs B because".
    turned = list(reversed(cycle))
    path = " -> ".join([turned[0].module, *(e.depends_on for e in turned)])
    reasons = "; ".join(
        f"{e.module} needs {e.depends_on} ({e.provenance}): {e.reason}" for e in turned
    )
    file, line = _edge_line(loaded, turned[0])
    return Problem(
        file,
        line,
        "cycle",
        f"modules need one another: {path}",
        reasons,
        "remove the edge that is a run-time call or an event rather than a read at deploy time",
        turned[0].module,
    )


def _phase_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    document = loaded.documents["sequence"]
    known, placed = loaded.catalogue.modules, {}  # type: ignore[var-annotated]
    for index, phase in enumerate(loaded.catalogue.sequence.phases):
        for module_id in named_modules(phase):
            here = ("phases", index, "id")
            if module_id not in known:
                yield document.problem(
                    here,
                    "unknown-module",
                    f"phase {phase.id} names {module_id}",
                    "no domain declares it",
                    "correct the id",
                    module_id,
                )
            if module_id in placed:
                yield document.problem(
                    here,
                    "two-phases",
                    f"{module_id} stands in phases {placed[module_id]} and {phase.id}",
                    "it goes up once",
                    "keep one of the two",
                    module_id,
                )
            placed[module_id] = phase.id
    for module_id, phase_id in default_phases(loaded.catalogue).items():
        if phase_id == 0:
            yield document.problem(
                ("phases",),
                "no-phase",
                f"{module_id} is in no phase",
                "it would never be deployed",
                "name the module or its domain in a phase",
                module_id,
            )


def _later_phase_problems(loaded: LoadedCatalogue, graph: Graph) -> Iterator[Problem]:
    catalogue = loaded.catalogue
    defaults = default_phases(catalogue)
    pinned = {m for p in catalogue.sequence.phases for m in p.pinned}
    earliest: dict[str, int] = {}
    for module_id in reversed(in_order(graph)):
        for dependent in sorted(graph.successors(module_id)):
            if module_id in pinned and earliest[dependent] < defaults[module_id]:
                edge = edge_of(graph, module_id, dependent)
                file, line = _edge_line(loaded, edge)
                yield Problem(
                    file,
                    line,
                    "later-phase",
                    f"{dependent} (phase {earliest[dependent]}) needs {module_id}, which "
                    f"sequence.yaml pins to phase {defaults[module_id]}",
                    "a pinned module is never pulled forward",
                    f"remove the edge, unpin {module_id}, or move {dependent} to a later phase",
                    dependent,
                )
        needed = [earliest[d] for d in graph.successors(module_id)]
        stays = module_id in pinned
        earliest[module_id] = defaults[module_id] if stays else min([defaults[module_id], *needed])


def _rule_problems(loaded: LoadedCatalogue, graph: Graph) -> Iterator[Problem]:
    catalogue, document = loaded.catalogue, loaded.documents["sequence"]
    place = _places(loaded, graph)
    for index, rule in enumerate(catalogue.sequence.rules):
        firsts = _members(loaded, rule.before)
        lasts = _members(loaded, rule.after) - set(rule.excluding) - firsts
        # As a rule all come before all; then the pairs need not be looked at one by one.
        latest = max((place.get(a, (0, 0)) for a in firsts), default=(0, 0))
        suspects = [b for b in lasts if latest >= place.get(b, (99, 0))]
        broken = sorted(
            (a, b)
            for b in suspects
            for a in firsts
            if place.get(a, (0, 0)) >= place.get(b, (99, 0))
        )
        if broken:
            before, after = broken[0]
            more = f" (and {len(broken) - 1} more pairs)" if len(broken) > 1 else ""
            yield document.problem(
                ("rules", index, "id"),
                "rule-broken",
                f"rule {rule.id}: {before} does not come before {after}{more}",
                rule.reason,
                "move one of them to another phase or step, or list the module in `excluding`",
                after,
            )


def _always_on_problems(loaded: LoadedCatalogue, graph: Graph) -> Iterator[Problem]:
    """Modules without a switch that a tenant could lose, since what they need has one."""
    tenancy, document = loaded.catalogue.tenancy, loaded.documents["tenancy"]
    hard = Graph(graph)
    for before, after in graph.edges:
        if (edge := edge_of(graph, before, after)).required:
            hard.add_edge(before, after, edge)
    conditional = {m for c in tenancy.conditions for m in c.modules} & set(hard)
    for index, group in enumerate(tenancy.always_on):
        for position, module_id in enumerate(group.modules):
            needed = ancestors(hard, module_id) if module_id in hard else set()
            for switched in sorted(needed & conditional):
                chain = reversed(shortest_path(hard, switched, module_id))
                yield document.problem(
                    ("always_on", index, "modules", position),
                    "always-on-dependency",
                    f"{module_id} is always on, yet needs {switched}, which has a condition: "
                    + " -> ".join(chain),
                    "a tenant that does not meet the condition would lose both",
                    f"make {switched} always on, make the edge optional, or give {module_id} "
                    "the same condition",
                    module_id,
                )


def _places(loaded: LoadedCatalogue, graph: Graph) -> dict[str, tuple[int, int]]:
    """Phase and step of each module, as the rules compare them."""
    catalogue = loaded.catalogue
    defaults = default_phases(catalogue)
    phase_of: dict[str, int] = {}
    for module_id in reversed(in_order(graph)):
        needed = [phase_of[d] for d in graph.successors(module_id)]
        phase_of[module_id] = min([defaults[module_id], *needed])
    step_of = {
        m: number
        for phase in catalogue.sequence.phases
        for number, step in enumerate(phase.steps)
        for m in step
    }
    return {m: (phase_of[m], step_of.get(m, 99)) for m in catalogue.modules}


def _members(loaded: LoadedCatalogue, names: list[str]) -> set[str]:
    catalogue = loaded.catalogue
    members: set[str] = set()
    for name in names:
        if name in catalogue.domain:
            members |= {m.id for m in catalogue.domain[name].modules}
        elif name in catalogue.modules:
            members.add(name)
    return members
