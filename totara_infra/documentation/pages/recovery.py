"""Disaster recovery: tiers, roles, and the runbook of each scenario."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, link, mark, table, text
from totara_infra.documentation.pages.backup import PATH as BACKUP_PATH
from totara_infra.documentation.pages.page import domain_path, module_link, relative
from totara_infra.model.recovery import RecoveryPlan, RecoveryStep, Scenario, tiers
from totara_infra.model.stores import lost_in_words
from totara_infra.recovery.plan import Plan, plan_of
from totara_infra.recovery.scenarios import read_scenarios

PATH = "operations/disaster-recovery.md"
_FEW = 8
"""Modules that a cell names; more are named by their domains."""


def write(facts: Facts) -> list[str]:
    """Tiers, roles, contacts, and each scenario."""
    plan = read_scenarios(facts.catalogue)
    lines = [
        f"{len(plan.scenarios)} scenarios, each with what shows it, what is decided, the steps "
        "back, and a drill that proves them on an emulator. "
        f"{link('How to use them', '../guides/disaster-recovery.md')}.",
        "",
        "```console",
        "$ totara dr status prod                      # which scenario the indicators point to",
        "$ totara dr plan region-loss prod            # the runbook, held against the tiers",
        "$ totara dr drill lambda-failure local       # break it, take the steps, prove the end",
        "```",
        "",
        f"Each scenario is drilled every {plan.drill_months} months, on a rehearsal.",
        "",
        "## Tiers",
        *table(
            ("Tier", "Recovery time", "Recovery point", "Modules", "Provenance"),
            _tiers(facts, plan),
        ),
        *(text(t.why) for t in plan.module_tiers),
        "",
        "## Roles",
        *table(
            ("Role", "Duties", "Provenance"),
            [
                (text(r.performer.value), text(" ".join(r.duties)), mark(r.provenance))
                for r in plan.roles
            ],
        ),
        "## To be told",
        *table(
            ("Who", "When", "By", "Provenance"),
            [
                (text(c.name), text(c.when), text(c.performer.value), mark(c.provenance))
                for c in plan.contacts
            ],
        ),
    ]
    for scenario in plan.scenarios:
        lines += _scenario(facts, plan, scenario)
    return lines


def _tiers(facts: Facts, plan: RecoveryPlan) -> Iterator[tuple[str, ...]]:
    for tier in tiers(facts.catalogue, plan, facts.catalogue.modules.keys()):
        target = tier.target
        yield (
            text(target.tier),
            f"{target.recovery_time_hours} h",
            f"{target.recovery_point_hours} h",
            _modules(facts, tier.modules),
            mark(target.provenance),
        )


def _modules(facts: Facts, modules: tuple[str, ...]) -> str:
    """All modules of a domain as that domain; the rest by name."""
    shown, left = [], set(modules)
    for domain in facts.catalogue.domains:
        own = {m.id for m in domain.modules}
        inside = own & left
        if inside == own:
            shown.append(link(f"{domain.id}, all of it", relative(domain_path(domain.id), PATH)))
        elif len(inside) <= _FEW:
            shown += [module_link(facts, m, PATH) for m in sorted(inside)]
        else:
            target = relative(domain_path(domain.id), PATH)
            shown.append(link(f"{domain.id}, {len(inside)} of {len(own)}", target))
    return ", ".join(shown)


def _scenario(facts: Facts, plan: RecoveryPlan, scenario: Scenario) -> list[str]:
    timed = plan_of(facts.catalogue, plan, scenario, facts.catalogue.modules.keys(), None)
    affected = (
        "every domain"
        if scenario.affects == "all"
        else ", ".join(link(d, relative(domain_path(d), PATH)) for d in scenario.affects)
    )
    longest = max(t.hours for t in timed.tiers)
    shortest = min(t.tier.target.recovery_time_hours for t in timed.tiers)
    return [
        f"## {text(scenario.title)}",
        "",
        f"{code(scenario.id)} {mark(scenario.provenance)} {text(scenario.what)} It concerns "
        f"{affected}. One after the other the steps take {longest:.2f} h as stated; the shortest "
        f"recovery time is {shortest} h, the critical path {timed.path_hours:.2f} h.",
        "",
        "### What shows it",
        *table(
            ("Indicator", "Why", "Drilled", "Provenance"),
            [
                (text(i.title), text(i.why), text(i.not_drilled or "yes"), mark(i.provenance))
                for i in scenario.indicators
            ],
        ),
        "### To be decided",
        *table(
            ("Question", "Who, by when", "Options"),
            [
                (
                    f"{text(d.question)} {mark(d.provenance)}",
                    f"{text(d.decides.value)}, {d.minutes} min",
                    "<br>".join(f"**{text(o.choice)}**: {text(o.consequence)}" for o in d.options),
                )
                for d in scenario.decisions
            ],
        ),
        "### Steps",
        *table(
            ("", "Step", "Who", "Minutes", "What", "Done when", "Provenance"),
            [_step(number, step) for number, step in enumerate(scenario.steps, start=1)],
        ),
        *_losses(timed),
        "### The record of the incident holds",
        "",
        *(f"* {text(e.title)} {mark(e.provenance)}" for e in scenario.evidence),
        "",
        "### What a drill does not prove",
        "",
        *(f"* {text(t)}" for t in scenario.drill.not_proved),
        "",
    ]


def _losses(timed: Plan) -> list[str]:
    if not timed.losses:
        return []
    return [
        "### Recovery points that are not kept",
        "",
        f"{len(timed.losses)} stores lose more than the domain which they serve may; "
        f"{link('why', relative(BACKUP_PATH, PATH))}.",
        *table(
            ("Store", "Loses at most", "May lose"),
            [
                (
                    text(loss.store.title),
                    lost_in_words(loss.minutes),
                    lost_in_words(loss.allowed_minutes),
                )
                for loss in timed.losses
            ],
        ),
    ]


def _step(number: int, step: RecoveryStep) -> tuple[str, ...]:
    what = code(step.command) if step.command else "<br>".join(text(t) for t in step.instructions)
    after = f" (after {', '.join(code(n) for n in step.needs)})" if step.needs else ""
    return (
        str(number),
        f"{text(step.title)} {code(step.id)}{after}",
        text(step.performer.value),
        f"{step.minutes:g}",
        f"{what}<br>{text(step.why)}",
        text(step.signal),
        mark(step.provenance),
    )
