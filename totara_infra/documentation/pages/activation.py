"""The activation matrix: which module runs for which tenant, and why."""

from __future__ import annotations

from collections.abc import Sequence as List

from totara_infra.delivery.activation_matrix import Column
from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import filtered, link, mark, table, text, unfolding
from totara_infra.documentation.pages.page import module_link
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import Decision

PATH = "operations/activation.md"
SHOWN = Environment.PROD
"""The environment of the matrix; what differs elsewhere is said in the cell."""


def write(facts: Facts) -> list[str]:
    """Tenants, licence options, conditions, and the matrix."""
    tenants = tenant_columns(facts)
    here = [own[SHOWN] for own in tenants.values()]
    lines = [
        "Which modules a client institution has follows from its file in `stacks/`: its legal "
        "form, its jurisdictions and what it licenses. Nothing is switched by hand.",
        "",
        "| State | Meaning |",
        "| --- | --- |",
        "| always on | runs and has no switch |",
        "| active | runs for the tenant |",
        "| off | not for this tenant, but for another one of the stack |",
        "| not deployed | exists nowhere in the stack |",
        "",
        "```console",
        "$ totara activation --tenant acorn --why MOD-118",
        "$ totara tenant diff acorn totara-bank",
        "```",
        "",
        f"{link('How to add a tenant', '../guides/new-tenant.md')}.",
        "",
        "## Tenants",
        *table(
            ("Tenant", "Legal form", "Jurisdictions", "Status", "Options", "Stack in prod"),
            [
                (
                    f"{text(t.display_name)} ({text(t.client_id)})",
                    t.institution_type.value,
                    t.jurisdiction,
                    t.status.value,
                    ", ".join(t.options) or "none",
                    f"none yet, shown as if in {c.placement.stack}"
                    if c.placement.note
                    else c.placement.stack,
                )
                for c in here
                for t in [c.placement.tenant]
            ],
        ),
        f"## Matrix for {SHOWN}",
        "",
        "A state unfolds to its reasons.",
    ]
    matrix = table(
        ("Module", *(text(c.client_id) for c in here)),
        [
            (
                f"{module_link(facts, m.id, PATH)} {text(m.title)}",
                *(cell(own, m.id) for own in tenants.values()),
            )
            for m in facts.catalogue.modules.values()
        ],
    )
    return [*lines, *filtered(matrix, "Module, state or word"), *_licences(facts)]


def tenant_columns(facts: Facts) -> dict[str, dict[Environment, Column]]:
    """Client id -> environment -> its column."""
    found: dict[str, dict[Environment, Column]] = {}
    for column in facts.matrix:
        found.setdefault(column.client_id, {})[column.environment] = column
    return found


def state(decision: Decision) -> str:
    """A state in words."""
    return decision.state.value.replace("_", " ")


def cell(own: dict[Environment, Column], module_id: str) -> str:
    """The state in the matrix's environment with its reasons, and where another one differs."""
    decision = own[SHOWN].decisions[module_id]
    word = state(decision)
    reasons = " ".join(text(r) for r in decision.reasons)
    others: dict[str, list[str]] = {}
    for environment, column in own.items():
        there = state(column.decisions[module_id])
        if there != word:
            others.setdefault(there, []).append(environment.value)
    differing = "".join(f"<br>{', '.join(names)}: {s}" for s, names in others.items())
    shown = f'<span class="state {decision.state.value}">{word}</span>'
    return unfolding(shown, f"{reasons} {mark(decision.provenance)}") + differing


def _licences(facts: Facts) -> list[str]:
    tenancy = facts.catalogue.tenancy
    return [
        "## Licence options",
        *table(
            ("Option", "What for", "Where", "Needs", "Provenance"),
            [
                (
                    f"{text(o.title)} (`{o.id}`)",
                    text(o.why),
                    ", ".join(o.jurisdictions),
                    ", ".join([*o.needs_options, *(["a sponsor bank"] * o.needs_sponsor_bank)]),
                    mark(o.provenance),
                )
                for o in tenancy.options
            ],
        ),
        "## Conditions",
        "",
        "A module in none of these and not always on runs for everybody. "
        + text(tenancy.unconditional_reason),
        *table(
            ("Modules", "Run for", "Reason", "Provenance"),
            [
                *(
                    (
                        _modules(facts, a.modules),
                        "everybody, without a switch",
                        text(a.reason),
                        mark(a.provenance),
                    )
                    for a in tenancy.always_on
                ),
                *(
                    (
                        _modules(facts, c.modules),
                        ", ".join(
                            [
                                *([f"jurisdiction {c.jurisdiction}"] if c.jurisdiction else []),
                                *([c.institution_type.value] if c.institution_type else []),
                                *(f"option {o}" for o in c.options),
                            ]
                        ),
                        text(c.reason),
                        mark(c.provenance),
                    )
                    for c in tenancy.conditions
                ),
            ],
        ),
    ]


def _modules(facts: Facts, module_ids: List[str]) -> str:
    return ", ".join(module_link(facts, m, PATH) for m in module_ids)
