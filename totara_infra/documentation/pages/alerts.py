"""The alert thresholds: what is watched, from when somebody must act, and who is told."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, filtered, link, mark, table, text
from totara_infra.documentation.pages.page import module_link, relative
from totara_infra.model.alerts import Alert, AlertPlan, MissingData, Severity

PATH = "operations/alerts.md"
RUNBOOKS = "guides/alert-runbooks.md"
_BREAK = "<br>"
_SILENCE = {
    MissingData.NOT_BREACHING: "all is well",
    MissingData.IGNORE: "nothing new",
    MissingData.FAULT: "a fault",
}


def write(facts: Facts) -> list[str]:
    """Severities and routes, the alerts by severity, and the groups that page once."""
    plan = facts.catalogue.alerts
    if plan is None:
        return ["The catalogue has no alerts: nothing is watched."]
    regulatory = sum(a.regulatory for a in plan.alerts)
    lines = [
        f"{len(plan.alerts)} alerts, {regulatory} of them marked [REG]: a regulator may have to "
        f"hear of it. {len(plan.groups)} groups gather the symptoms of one fault, so that it pages "
        f"once. {link('How an alert reaches people', '../guides/alerts.md')}.",
        "",
        "```console",
        "$ totara alerts list prod                  # with the thresholds of one environment",
        "$ totara alerts check prod                 # the live alarms, held against this page",
        "$ totara alerts test local ALERT-LATENCY-001",
        "```",
        "",
        "## Who is told",
        *table(
            ("Route", "Recipients", "Severities", "Reacts within", "Why", "Provenance"),
            [
                (
                    text(r.id),
                    text(r.recipients),
                    ", ".join(r.severities) + (" with [REG]" if r.regulatory_only else ""),
                    f"{r.response_minutes} minutes" if r.response_minutes else "a business day",
                    text(r.why),
                    mark(r.provenance),
                )
                for r in plan.routes
            ],
        ),
        f"In {', '.join(plan.routes_in)} these routes lead on to people; elsewhere alerts end at "
        f"the topic {code(plan.topic)}.",
        "",
    ]
    tables: list[str] = []
    for severity in Severity:
        chosen = [a for a in plan.alerts if a.severity is severity]
        if chosen:
            tables += [
                f"## {severity}",
                *alert_table(facts, chosen, PATH),
            ]
    return [*lines, *filtered(tables, "Alert, module or word"), *_groups(plan)]


def alert_table(facts: Facts, alerts: list[Alert], start: str) -> list[str]:
    """Alerts, a row each."""
    return table(
        ("Alert", "When", "Silence means", "About", "Why somebody must act"),
        [_row(facts, a, start) for a in alerts],
    )


def _row(facts: Facts, alert: Alert, start: str) -> tuple[str, ...]:
    mark_of_severity = (
        ""
        if alert.provenance is alert.severity_provenance
        else (f" (severity {mark(alert.severity_provenance)})")
    )
    grade = f"{alert.severity}{' [REG]' if alert.regulatory else ''}"
    runbook = link("runbook", f"{relative(RUNBOOKS, start)}#{alert.runbook}")
    return (
        f"{code(alert.id)}{_BREAK}{text(alert.title)}{_BREAK}{grade}, {runbook} "
        f"{mark(alert.provenance)}{mark_of_severity}",
        _condition(alert),
        _SILENCE[alert.missing_data],
        ", ".join(module_link(facts, m, start) for m in alert.subjects),
        text(alert.why),
    )


def _condition(alert: Alert) -> str:
    metric = alert.metric
    breaching = alert.datapoints or alert.evaluation_periods
    span = _duration(alert.period)
    lasting = (
        f"in {breaching} of {alert.evaluation_periods} periods of {span}"
        if alert.evaluation_periods > 1
        else f"over {span}"
    )
    lines = [
        f"{alert.statistic} of {code(f'{metric.namespace}/{metric.name}')} "
        f"{text(alert.comparison)} **{alert.threshold:g}** {text(metric.unit)} {lasting}"
    ]
    for environment, override in alert.environments.items():
        if not override.enabled:
            lines.append(f"{environment}: none. {text(override.why)}")
            continue
        changed = []
        if override.threshold is not None:
            changed.append(f"**{override.threshold:g}**")
        if override.evaluation_periods is not None:
            changed.append(f"{override.evaluation_periods} periods")
        if override.severity is not None:
            changed.append(override.severity.value)
        lines.append(f"{environment}: {', '.join(changed)}. {text(override.why)}")
    return _BREAK.join(lines)


def _duration(seconds: int) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _groups(plan: AlertPlan) -> list[str]:
    if not plan.groups:
        return []
    return [
        "## Groups",
        "",
        "A group pages when one of its members is in alarm; its members alone do not page.",
        *table(
            ("Group", "Members", "Silent while", "Why", "Provenance"),
            [
                (
                    f"{code(g.id)}{_BREAK}{text(g.title)}",
                    ", ".join(code(a) for a in g.any_of),
                    ", ".join(code(a) for a in g.unless),
                    text(g.why),
                    mark(g.provenance),
                )
                for g in plan.groups
            ],
        ),
    ]
