"""The page of the deployment sequence, as text; `picture` draws it."""

from __future__ import annotations

from collections.abc import Sequence as List

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import filtered, link, mark, table, text
from totara_infra.documentation.pages.page import domain_path, module_link, relative
from totara_infra.resolver.sequence import PlacedModule, ResolvedPhase

PATH = "operations/sequence.md"


def write(facts: Facts) -> list[str]:
    """Phases, the handbook's rules, and every module with what it waits for."""
    sequence = facts.sequence
    edges = [e for m in sequence.modules for e in m.depends_on]
    hard = sum(e.required for e in edges)
    lines = [
        f"{len(sequence.modules)} modules go up in {len(sequence.phases)} phases. Between them "
        f"stand {hard} hard edges and {len(edges) - hard} optional ones, each with a reason. "
        f"{link('The picture', 'picture.md')} shows the same and lets you pick a module.",
        "",
        "A module waits until each module that it needs has written its marker, and until the "
        "gate of the phase before has passed. Modules of one wave go up side by side. A gate "
        "runs its checks against the live environment; if one fails, the update stops there and "
        "the next one goes on from there.",
        "",
        "```console",
        "$ totara sequence local                    # this page, for one environment",
        "$ totara sequence local --why MOD-119      # every chain of reasons to a module",
        "$ totara sequence local --needed-by MOD-020",
        "$ totara sequence verify local             # the proof from CloudTrail",
        "```",
        "",
        "## Phases",
    ]
    provenance = {p.id: p.provenance for p in facts.catalogue.sequence.phases}
    lines += table(
        ("Phase", "Modules", "Why it stands there", "Provenance"),
        [
            (
                link(f"{p.id} {text(p.title)}", f"#phase-{p.id}"),
                str(len(p.modules)),
                text(p.why),
                mark(provenance[p.id]),
            )
            for p in sequence.phases
        ],
    )
    lines += ["## Rules", "", "Orders between groups. The phases keep them; they make no edges."]
    lines += table(
        ("First", "Then", "Except", "Reason", "Provenance"),
        [
            (
                _members(facts, rule.before),
                _members(facts, rule.after),
                _members(facts, rule.excluding),
                text(rule.reason),
                mark(rule.provenance),
            )
            for rule in facts.catalogue.sequence.rules
        ],
    )
    lines += ["## Modules in order", ""]
    order: list[str] = []
    for phase in sequence.phases:
        order += _phase(facts, phase)
    return [*lines, *filtered(order, "Module, domain or word")]


def _members(facts: Facts, members: List[str]) -> str:
    if {d.id for d in facts.catalogue.domains} <= set(members):
        return "every domain"
    return ", ".join(
        module_link(facts, m, PATH)
        if m in facts.catalogue.modules
        else link(m, relative(domain_path(m), PATH))
        for m in members
    )


def _phase(facts: Facts, phase: ResolvedPhase) -> list[str]:
    rows = []
    for module_id in phase.modules:
        module = facts.sequence.module[module_id]
        waits = [w for w in module.waits_for if not w.startswith("app-config:")]
        rows.append(
            (
                str(module.wave),
                f"{module_link(facts, module_id, PATH)} {text(module.title)}",
                module.domain,
                ", ".join(_step(facts, w) for w in waits) or "nothing",
                _note(facts, module),
            )
        )
    return [
        f"### Phase {phase.id}: {text(phase.title)} {{#phase-{phase.id}}}",
        *table(("Wave", "Module", "Domain", "Waits for", "Note"), rows),
    ]


def _step(facts: Facts, step: str) -> str:
    if step in facts.sequence.module:
        return module_link(facts, step, PATH)
    if step.startswith("gate:"):
        return f"gate of phase {step.removeprefix('gate:')}"
    return {"secrets": "containers of all secrets", "identity": "user pools"}.get(step, text(step))


def _note(facts: Facts, module: PlacedModule) -> str:
    notes = []
    if module.pulled_by:
        pullers = ", ".join(module_link(facts, m, PATH) for m in module.pulled_by)
        notes.append(f"pulled forward by {pullers}")
    missing = facts.missing_in(facts.catalogue.modules[module.id])
    if missing:
        notes.append(f"not in {', '.join(missing)}")
    return "; ".join(notes)
