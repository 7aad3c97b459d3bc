"""A sequence as data, as a Mermaid diagram and as a Graphviz graph."""

from __future__ import annotations

from typing import Any

from totara_infra.model.graph import reduction
from totara_infra.resolver.edges import edge_of
from totara_infra.resolver.sequence import PlacedModule, Sequence


def as_data(sequence: Sequence) -> dict[str, Any]:
    """The sequence as JSON shows it; every module of the environment stands in it once."""
    return {
        "environment": sequence.environment.value,
        "phases": [
            {"id": p.id, "title": p.title, "waves": [list(w) for w in p.waves]}
            for p in sequence.phases
        ],
        "modules": [_module(m) for m in sequence.modules],
    }


def _module(module: PlacedModule) -> dict[str, Any]:
    return {
        "id": module.id,
        "title": module.title,
        "domain": module.domain,
        "phase": module.phase,
        "wave": module.wave,
        "depends_on": [
            {
                "id": edge.depends_on,
                "required": edge.required,
                "provenance": edge.provenance.value,
                "reason": edge.reason,
            }
            for edge in module.depends_on
        ],
        "pulled_by": list(module.pulled_by),
    }


def as_destroy_data(sequence: Sequence) -> dict[str, Any]:
    """The reverse order: phases and waves from the last to the first."""
    return {
        "environment": sequence.environment.value,
        "phases": [
            {"id": p.id, "title": p.title, "waves": [list(w) for w in reversed(p.waves)]}
            for p in reversed(sequence.phases)
        ],
    }


def _drawn(sequence: Sequence) -> list[tuple[str, str, bool]]:
    """The edges of a picture: those that no longer path implies, with whether they are hard."""
    reduced = reduction(sequence.graph)
    return [
        (before, after, edge_of(sequence.graph, before, after).required)
        for before, after in sorted(reduced.edges)
    ]


def as_mermaid(sequence: Sequence) -> str:
    """A Mermaid flowchart: a subgraph for each phase, dotted arrows for optional edges."""
    lines = ["flowchart LR"]
    for phase in sequence.phases:
        lines.append(f'  subgraph phase{phase.id}["{phase.id} {phase.title}"]')
        lines += [
            f'    {module_id}["{module_id}<br/>{_text(sequence.module[module_id].title)}"]'
            for module_id in phase.modules
        ]
        lines.append("  end")
    lines += [
        f"  {before} {'-->' if hard else '-.->'} {after}"
        for before, after, hard in _drawn(sequence)
    ]
    return "\n".join(lines)


def _text(title: str) -> str:
    return title.replace('"', "#quot;")


def as_dot(sequence: Sequence) -> str:
    """A Graphviz digraph: a cluster for each phase, dashed arrows for optional edges."""
    lines = ["digraph sequence {", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for phase in sequence.phases:
        lines.append(f"  subgraph cluster_{phase.id} {{")
        lines.append(f'    label="{phase.id} {phase.title}";')
        lines += [f"    {_node(sequence, m)}" for m in phase.modules]
        lines.append("  }")
    lines += [
        f'  "{before}" -> "{after}"{"" if hard else " [style=dashed]"};'
        for before, after, hard in _drawn(sequence)
    ]
    return "\n".join([*lines, "}"])


def _node(sequence: Sequence, module_id: str) -> str:
    title = sequence.module[module_id].title.replace('"', '\\"')
    return f'"{module_id}" [label="{module_id}\\n{title}"];'
