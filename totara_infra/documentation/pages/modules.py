"""The pages of the modules, of the domains, and the list of all modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import (
    code,
    filtered,
    front_matter,
    link,
    mark,
    table,
    text,
)
from totara_infra.documentation.pages import (
    activation,
    alerts,
    configuration,
    picture,
    secrets,
    sequence,
)
from totara_infra.documentation.pages.declarations import short_secret_table, value_table
from totara_infra.documentation.pages.page import (
    domain_path,
    module_link,
    module_path,
    reader_links,
    relative,
)
from totara_infra.model.catalogue import Domain, Module
from totara_infra.resolver import Edge

INDEX = "modules/index.md"

Section = Callable[[Facts, Module, str], list[str]]


def write_index(facts: Facts) -> list[str]:
    """Every module by domain."""
    lines = [
        f"All {len(facts.catalogue.modules)} modules. A module's page says what it needs and why, "
        "what needs it, and which values, secrets and resources belong to it.",
        "",
    ]
    lists: list[str] = []
    for domain in facts.catalogue.domains:
        title = link(f"{domain.id} {text(domain.title)}", relative(domain_path(domain.id), INDEX))
        lists += [f"## {title}", *_module_list(facts, domain.modules, INDEX)]
    return [*lines, *filtered(lists, "Module, title or purpose")]


def _module_list(facts: Facts, modules: Iterable[Module], start: str) -> list[str]:
    ordered = sorted(modules, key=lambda m: m.id)
    return table(
        ("Module", "Purpose", "Phase"),
        [
            (
                f"{module_link(facts, m.id, start)} {text(m.title)}",
                text(m.purpose),
                str(facts.sequence.module[m.id].phase),
            )
            for m in ordered
        ],
    )


def write_domain(facts: Facts, domain: Domain) -> list[str]:
    """What a domain is, what binds it, and its modules."""
    start = domain_path(domain.id)
    recovery = domain.recovery
    lines = [
        f"# {domain.id} {text(domain.title)}",
        "",
        *_definition(
            [
                ("Repository and AppConfig application", code(domain.repository)),
                ("Database", code(domain.database)),
                ("Event bus", code(domain.event_bus)),
                ("Owner", text(domain.owner or "not stated")),
                (
                    "Recovery",
                    f"{text(recovery.tier)}: back within {recovery.recovery_time_hours} h, losing "
                    f"at most {recovery.recovery_point_hours} h {mark(recovery.provenance)}",
                ),
            ]
        ),
    ]
    if domain.constraints:
        lines += ["", "What binds it:", "", *(f"* {text(c)}" for c in domain.constraints)]
    lines += ["", "## Modules", *_module_list(facts, domain.modules, start)]
    if domain.claims:
        lines += [
            "## Claims in sign-in tokens",
            *table(
                ("Claim", "Tokens of", "Relied on by", "Why", "Provenance"),
                [
                    (
                        code(c.name),
                        ", ".join(c.pools),
                        reader_links(facts, list(c.relied_on_by), start),
                        text(c.why),
                        mark(c.provenance),
                    )
                    for c in domain.claims
                ],
            ),
        ]
    return lines


def write_module(facts: Facts, module: Module) -> list[str]:
    """Everything about one module."""
    start = module_path(module.id)
    return [
        *front_matter(title=f'"{module.id} {module.title}"'),
        f"# {module.id} {text(module.title)}",
        "",
        text(module.purpose),
        "",
        *_place(facts, module, start),
        *(line for section in SECTIONS for line in section(facts, module, start)),
    ]


def _definition(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [*(f"* **{name}:** {value}" for name, value in rows), ""]


def _place(facts: Facts, module: Module, start: str) -> list[str]:
    placed = facts.sequence.module[module.id]
    phase = next(p for p in facts.sequence.phases if p.id == placed.phase)
    domain = facts.catalogue.domain_of[module.id]
    in_order = link(
        f"phase {phase.id} {text(phase.title)}",
        f"{relative(sequence.PATH, start)}#phase-{phase.id}",
    )
    goes_up = f"in {in_order}, wave {placed.wave}"
    if placed.pulled_by:
        pullers = ", ".join(module_link(facts, m, start) for m in placed.pulled_by)
        goes_up += f", pulled forward by {pullers}"
    rows = [
        (
            "Domain",
            link(f"{domain.id} {text(domain.title)}", relative(domain_path(domain.id), start)),
        ),
        ("Goes up", f"{goes_up} ({picture.shown(module.id, start)})"),
        ("Exists in", _environments(facts, module)),
        ("Service name in paths", code(module.service)),
    ]
    if module.assumed:
        rows.append(
            ("Chosen by us", f"{', '.join(text(f) for f in module.assumed)} {mark('assumed')}")
        )
    return _definition(rows)


def _environments(facts: Facts, module: Module) -> str:
    missing = facts.missing_in(module)
    there = ", ".join(module.environments)
    return f"{there} (not in {', '.join(missing)})" if missing else there


def _needs(facts: Facts, module: Module, start: str) -> list[str]:
    edges = facts.sequence.module[module.id].depends_on
    lines = ["", "## What it needs", ""]
    if edges:
        lines += [
            "Each of these must be up before it. Optional ones count only where they are active."
            if any(not e.required for e in edges)
            else "Each of these must be up before it.",
            *table(
                ("Module", "Why it waits", "Edge", "Provenance"),
                [(_titled(facts, e.depends_on, start), *_edge(e)) for e in edges],
            ),
        ]
    else:
        lines += ["No other module.", ""]
    if module.dependency_note:
        lines += [text(module.dependency_note), ""]
    return [*lines, *_console(f"totara sequence local --why {module.id}")]


def _console(command: str) -> list[str]:
    return ["```console", f"$ {command}", "```", ""]


def _titled(facts: Facts, module_id: str, start: str) -> str:
    return (
        f"{module_link(facts, module_id, start)} {text(facts.catalogue.modules[module_id].title)}"
    )


def _edge(edge: Edge) -> tuple[str, str, str]:
    return text(edge.reason), "hard" if edge.required else "optional", mark(edge.provenance)


def _needed_by(facts: Facts, module: Module, start: str) -> list[str]:
    edges = facts.needed_by[module.id]
    lines = ["## What needs it", ""]
    if not edges:
        return [*lines, "No other module.", ""]
    return [
        *lines,
        f"{len(edges)} modules wait for it." if len(edges) > 1 else "One module waits for it.",
        *table(
            ("Module", "Why it waits", "Edge", "Provenance"),
            [(_titled(facts, e.module, start), *_edge(e)) for e in edges],
        ),
    ]


def _secrets(facts: Facts, module: Module, start: str) -> list[str]:
    read = list(facts.secrets_read(module.id))
    kept = [(module, s) for s in module.secrets if (module, s) not in read]
    manifest = link("secrets manifest", relative(secrets.PATH, start))
    lines = ["## Secrets it reads", ""]
    if read:
        lines += [
            f"From the {manifest}; a value is never shown.",
            *short_secret_table(facts, read, start),
        ]
    else:
        lines += [f"None of the {manifest}.", ""]
    if kept:
        lines += [
            "## Secrets it declares for others",
            *short_secret_table(facts, kept, start),
        ]
    return lines


def _parameters(facts: Facts, module: Module, start: str) -> list[str]:
    manifest = link("configuration manifest", relative(configuration.PATH, start))
    lines = ["## Parameters", ""]
    if module.parameters:
        declared = [(module, p) for p in module.parameters]
        lines += [f"Its part of the {manifest}.", *value_table(facts, declared, start)]
    else:
        lines += ["It declares none.", ""]
    return lines


def _settings(facts: Facts, module: Module, start: str) -> list[str]:
    lines = ["## AppConfig keys", ""]
    if module.settings:
        return [*lines, *value_table(facts, [(module, s) for s in module.settings], start)]
    return [*lines, "It declares none.", ""]


def _values_read(facts: Facts, module: Module, start: str) -> list[str]:
    read = list(facts.values_read(module.id))
    if not read:
        return []
    return [
        "## Values of other modules that it reads",
        "",
        "Those that name it among their readers.",
        *value_table(facts, read, start),
    ]


def _alerts(facts: Facts, module: Module, start: str) -> list[str]:
    plan = facts.catalogue.alerts
    about = [a for a in plan.alerts if module.id in a.subjects] if plan else []
    if not about:
        return []
    page = link("alert thresholds", relative(alerts.PATH, start))
    return [
        "## Alarms",
        "",
        f"Those of the {page} that are about it.",
        *alerts.alert_table(facts, about, start),
    ]


def _resources(_facts: Facts, module: Module, _start: str) -> list[str]:
    if not module.resources:
        return []
    return [
        "## Resources",
        *table(
            ("Kind", "Name", "Made by", "Why", "Provenance"),
            [
                (
                    r.kind.replace("_", " "),
                    code(r.name),
                    "its own deployment" if r.source.value == "deployment" else "this program",
                    text(r.why),
                    mark(r.provenance),
                )
                for r in module.resources
            ],
        ),
    ]


def _tenants(facts: Facts, module: Module, start: str) -> list[str]:
    tenants = activation.tenant_columns(facts)
    environments = list(next(iter(tenants.values()), {}))
    rows = []
    for client_id, own in tenants.items():
        decisions = {e: own[e].decisions[module.id] for e in environments}
        reasons = dict.fromkeys(r for d in decisions.values() for r in d.reasons)
        said = dict.fromkeys(mark(d.provenance) for d in decisions.values())
        rows.append(
            (
                text(client_id),
                *(activation.state(d) for d in decisions.values()),
                f"{' '.join(text(r) for r in reasons)} {' '.join(said)}",
            )
        )
    matrix = link("activation matrix", relative(activation.PATH, start))
    return [
        "## Tenants",
        "",
        f"Its row of the {matrix}.",
        *table(("Tenant", *environments, "Reasons"), rows),
        *_console(f"totara activation --env all --why {module.id}"),
    ]


SECTIONS: tuple[Section, ...] = (
    _needs,
    _needed_by,
    _secrets,
    _parameters,
    _settings,
    _values_read,
    _alerts,
    _resources,
    _tenants,
)
"""A module's page, section by section; a section without content may leave itself out."""
