"""What alerts, groups and routes must be, so that each fault tells somebody, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from totara_infra.model import naming
from totara_infra.model.alerts import Alert, AlertGroup, AlertPlan, MissingData, Severity
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import OtherResource, Parameter, Setting, Topic
from totara_infra.model.documents import Document, Location
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.rules.places import filled, name_of, places
from totara_infra.model.vocabulary import Source

SECONDS_A_DAY = 86_400
SECONDS_AN_HOUR = 3600
DAYS_AT_MOST = 7
"""CloudWatch looks back a day, and a week where a period is an hour or longer."""


@dataclass(frozen=True)
class _Place:
    """One alert or group and where it stands."""

    document: Document
    location: Location
    id: str

    def problem(self, field: str, rule: str, what: str, why: str, fix: str) -> Problem:
        return self.document.problem((*self.location, field), rule, what, why, fix, self.id)


def alert_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Every fault of `alerts.yaml` that relates its parts to one another or to the catalogue."""
    plan = loaded.catalogue.alerts
    if plan is None:
        return
    document = loaded.documents["alerts"]
    yield from _topic_problems(loaded.catalogue, plan, document)
    yield from _route_problems(plan, document)
    early = _before_intake(loaded.catalogue, plan)
    figures = _figures(loaded)
    for index, alert in enumerate(plan.alerts):
        place = _Place(document, ("alerts", index), alert.id)
        yield from _module_problems(loaded.catalogue, place, alert, early)
        yield from _evaluation_problems(place, alert)
        yield from _metric_problems(place, alert)
        yield from _figure_problems(place, alert, figures)
        yield from _reach_problems(place, plan, alert)
        yield from _text_problems(place, alert)
    yield from _group_problems(plan, document)
    yield from _duplicates(plan, document)


def _topic_problems(catalogue: Catalogue, plan: AlertPlan, document: Document) -> Iterator[Problem]:
    made = [
        r for m in catalogue.modules.values() for r in m.resources if r.source is Source.RESOURCE
    ]
    topics = {r.name for r in made if isinstance(r, Topic)}
    functions = {r.name for r in made if isinstance(r, OtherResource) and r.kind == "function"}
    for field, name, known, kind in (
        ("intake", plan.intake, topics, "topic"),
        ("topic", plan.topic, topics, "topic"),
        ("router", plan.router, functions, "function"),
    ):
        if name not in known:
            yield document.problem(
                (field,),
                "alert-route",
                f"{field} `{name}` is no {kind} that is made here",
                "alerts would go nowhere",
                f"declare the {kind} with `source: resource`, or correct the name",
            )


def _route_problems(plan: AlertPlan, document: Document) -> Iterator[Problem]:
    led = {s for route in plan.routes if not route.regulatory_only for s in route.severities}
    for severity in Severity:
        if severity not in led:
            yield document.problem(
                ("routes",),
                "alert-route",
                f"no route takes {severity}",
                "alerts of that severity would reach nobody",
                "add it to the `severities` of a route that is not `regulatory_only`",
            )
    for index, route in enumerate(plan.routes):
        if not naming.QUEUE_NAME.match(filled(route.queue)):
            yield document.problem(
                ("routes", index, "queue"),
                "aws-name",
                f"`{route.queue}` is no AWS name",
                "SQS takes 1-80 letters, digits, hyphens and underscores",
                "respell or shorten it",
                route.id,
            )


def _before_intake(catalogue: Catalogue, plan: AlertPlan) -> set[str]:
    """Modules that go up before, or beside, the one that owns the intake."""
    owner = _intake_owner(catalogue, plan)
    found: set[str] = set()
    for phase in catalogue.sequence.phases:
        for step in phase.steps:
            if owner in step:
                return (found | set(step)) - {owner}
            found |= set(step)
        if owner in phase.modules:
            return found
        found |= set(phase.modules)
    # Its phase takes it in as part of a domain; then only the edges order it.
    return set()


def _intake_owner(catalogue: Catalogue, plan: AlertPlan) -> str:
    return next(
        (
            m.id
            for m in catalogue.modules.values()
            if any(isinstance(r, Topic) and r.name == plan.intake for r in m.resources)
        ),
        "",
    )


def _module_problems(
    catalogue: Catalogue, place: _Place, alert: Alert, early: set[str]
) -> Iterator[Problem]:
    named = [("module", alert.module), *(("watches", m) for m in alert.watches)]
    if alert.metric.emitter != "AWS":
        named.append(("metric", alert.metric.emitter))
    for field, module_id in named:
        if module_id not in catalogue.modules:
            yield place.problem(
                field,
                "unknown-module",
                f"it names {module_id}, which does not exist",
                "nobody would own, emit or need the alarm",
                "correct the id",
            )
    if alert.module in early:
        yield place.problem(
            "module",
            "alert-owner",
            f"{alert.module} goes up before the intake on which the alarm acts",
            "the alarm would be made before its topic",
            f"write the intake's owner under `module`, and {alert.module} under `watches`",
        )


def _evaluation_problems(place: _Place, alert: Alert) -> Iterator[Problem]:
    if alert.period not in (10, 30) and (alert.period < 1 or alert.period % 60):
        yield place.problem(
            "period",
            "alert-evaluation",
            f"period {alert.period}",
            "CloudWatch takes 10, 30 or a multiple of 60 seconds",
            "write one of these",
        )
    variants = [("evaluation_periods", alert.evaluation_periods, alert.datapoints)]
    variants += [
        (
            f"environments.{environment}",
            other.evaluation_periods or alert.evaluation_periods,
            other.datapoints or alert.datapoints,
        )
        for environment, other in alert.environments.items()
    ]
    longest = DAYS_AT_MOST if alert.period >= SECONDS_AN_HOUR else 1
    for field, periods, datapoints in variants:
        if alert.period * periods > longest * SECONDS_A_DAY:
            yield place.problem(
                field.split(".")[0],
                "alert-evaluation",
                f"{periods} periods of {alert.period} s",
                "CloudWatch looks back one day, or seven where a period is an hour or longer",
                "shorten them",
            )
        if datapoints is not None and datapoints > periods:
            yield place.problem(
                "datapoints" if field == "evaluation_periods" else "environments",
                "alert-evaluation",
                f"{datapoints} datapoints of {periods} periods",
                "a period gives one datapoint, so the alarm could never go off",
                "write at most as many datapoints as `evaluation_periods`",
            )


def _metric_problems(place: _Place, alert: Alert) -> Iterator[Problem]:
    reserved, by_aws = alert.metric.namespace.startswith("AWS/"), alert.metric.emitter == "AWS"
    if reserved != by_aws:
        yield place.problem(
            "metric",
            "alert-metric",
            f"namespace `{alert.metric.namespace}` with emitter {alert.metric.emitter}",
            "namespaces that begin with AWS/ are AWS's own, and only AWS writes to them",
            "name the module that emits the metric, or the namespace of the AWS service",
        )


def _figures(loaded: LoadedCatalogue) -> dict[str, object]:
    return {
        name_of(p.declaration): p.declaration.default
        for p in places(loaded)
        if isinstance(p.declaration, Parameter | Setting)
    }


def _figure_problems(place: _Place, alert: Alert, figures: dict[str, object]) -> Iterator[Problem]:
    if alert.figure is None:
        return
    if alert.figure not in figures:
        yield place.problem(
            "figure",
            "alert-figure",
            f"`{alert.figure}` is not declared",
            "the threshold can't be held against it",
            "write `parameter:PATH` or `setting:KEY` of a declaration, or remove `figure`",
        )
    elif figures[alert.figure] != alert.threshold:
        yield place.problem(
            "threshold",
            "alert-figure",
            f"threshold {alert.threshold:g}, but `{alert.figure}` is {figures[alert.figure]}",
            "two numbers for one limit, and people would trust either",
            "write the same number in both places",
        )


def _reach_problems(place: _Place, plan: AlertPlan, alert: Alert) -> Iterator[Problem]:
    severities = {alert.severity, *(o.severity for o in alert.environments.values() if o.severity)}
    told = {s for route in plan.routes if route.regulatory_only for s in route.severities}
    if alert.regulatory and alert.severity not in told:
        yield place.problem(
            "regulatory",
            "alert-regulatory",
            f"[REG] with severity {', '.join(sorted(severities))}",
            "no route takes such an alert to those who answer to the regulator",
            "make it P1, remove `regulatory`, or add a `regulatory_only` route for it",
        )


def _text_problems(place: _Place, alert: Alert) -> Iterator[Problem]:
    if "." in alert.title:
        yield place.problem(
            "title",
            "alert-text",
            "its title has a full stop",
            "the alarm's description is title, full stop, reason, and is read back like that",
            "say it without one",
        )
    # Severity, mark, id, punctuation and the runbook's address come on top.
    length = len(alert.title) + len(alert.why) + len(alert.id) + len(alert.runbook) + 80
    if length > naming.ALARM_DESCRIPTION_MAXIMUM_LENGTH:
        yield place.problem(
            "why",
            "alert-text",
            f"its description would have {length} characters",
            f"CloudWatch takes {naming.ALARM_DESCRIPTION_MAXIMUM_LENGTH}",
            "say it in one sentence",
        )


def _group_problems(plan: AlertPlan, document: Document) -> Iterator[Problem]:
    alerts = {a.id: a for a in plan.alerts}
    members = Counter(i for group in plan.groups for i in set(group.any_of))
    for index, group in enumerate(plan.groups):
        place = _Place(document, ("groups", index), group.id)
        yield from _member_problems(place, group, alerts, members)
        if len(group.any_of) == 1 and not group.unless:
            yield place.problem(
                "any_of",
                "alert-group",
                "it has one member and is never silent",
                "the member could page by itself",
                "remove the group, or add what it is for",
            )


def _member_problems(
    place: _Place, group: AlertGroup, alerts: dict[str, Alert], members: Counter[str]
) -> Iterator[Problem]:
    for field, named in (("any_of", group.any_of), ("unless", group.unless)):
        for alert_id in named:
            alert = alerts.get(alert_id)
            if alert is None:
                yield place.problem(
                    field,
                    "alert-group",
                    f"it names {alert_id}, which does not exist",
                    "the composite alarm can't be made",
                    "correct the id",
                )
            elif alert.module != group.module:
                yield place.problem(
                    field,
                    "alert-group",
                    f"{alert_id} belongs to {alert.module}, the group to {group.module}",
                    "a composite alarm is made after all its members, in their step",
                    "give all of them the same `module`, and the others under `watches`",
                )
            elif field == "any_of" and alert.missing_data is MissingData.FAULT:
                yield place.problem(
                    field,
                    "alert-group",
                    f"silence of {alert_id} is a fault, and a group does not see it",
                    "a composite alarm looks at alarms, not at missing data",
                    "take it out of the group, or split the silence off as an alert of its own",
                )
            if field == "any_of" and members[alert_id] > 1:
                yield place.problem(
                    field,
                    "alert-group",
                    f"{alert_id} stands in more than one group",
                    "one fault would page twice",
                    "leave it in one group",
                )
            if field == "unless" and members[alert_id]:
                yield place.problem(
                    field,
                    "alert-group",
                    f"{alert_id} silences this group, but does not page itself",
                    "the fault would page nobody",
                    "name an alert under `unless` that is in no group",
                )


def _duplicates(plan: AlertPlan, document: Document) -> Iterator[Problem]:
    seen: dict[str, Location] = {}
    entries = [
        *((("alerts", i), a.id) for i, a in enumerate(plan.alerts)),
        *((("groups", i), g.id) for i, g in enumerate(plan.groups)),
    ]
    for location, alert_id in entries:
        first = seen.setdefault(alert_id, location)
        if first != location:
            yield document.problem(
                (*location, "id"),
                "duplicate-name",
                f"{alert_id} is declared twice",
                f"it stands at {document.name}:{document.line((*first, 'id'))} already",
                "choose another number",
                alert_id,
            )
