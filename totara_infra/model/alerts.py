"""Alerts: what is watched, from when somebody has to act, and who is told.

An alert becomes one CloudWatch alarm. Alerts that are symptoms of one fault form a group, which
becomes a composite alarm: its members change colour, and the group alone tells people.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from totara_infra.model.declarations import Model
from totara_infra.model.vocabulary import Environment, ModuleId, Phrase, Provenance, Sentence


class Severity(StrEnum):
    """How fast somebody must act, gravest first."""

    P1 = "P1"
    """On call and Head of Technology, within 15 minutes."""
    P2 = "P2"
    """On call, within an hour."""
    P3 = "P3"
    """Engineering, on the next business day."""


class Comparison(StrEnum):
    """When a value is on the wrong side of the threshold."""

    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LESS = "<"
    LESS_OR_EQUAL = "<="


class MissingData(StrEnum):
    """What a period without a datapoint means."""

    NOT_BREACHING = "not-breaching"
    """All is well: the metric counts faults, and there were none."""
    IGNORE = "ignore"
    """The alarm keeps its state: the metric comes rarely."""
    FAULT = "fault"
    """A fault, once the metric has come at all: what should report has fallen silent. Before its
    emitter is deployed nobody is told."""


ALERT_ID_PATTERN = r"^ALERT(-[A-Z][A-Z0-9]*)+-\d{3}$"
AlertId = Annotated[str, StringConstraints(pattern=ALERT_ID_PATTERN, max_length=64)]
"""`ALERT-`, the subject in capitals, and three digits."""
Statistic = Annotated[
    str,
    StringConstraints(
        pattern=r"^(Average|Maximum|Minimum|SampleCount|Sum|p(100|\d{1,2}(\.\d{1,2})?))$"
    ),
]
"""A statistic of CloudWatch, or a percentile such as `p99`."""
RouteId = Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=32)]
Runbook = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""Anchor of a heading in `docs/guides/alert-runbooks.md`."""


class Metric(Model):
    """A metric of CloudWatch."""

    namespace: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=255)
    dimensions: dict[str, str] = Field(default_factory=dict)
    """Name -> value; values may hold `{env}`."""
    emitter: Literal["AWS"] | ModuleId
    """Who writes it: the AWS service itself, or the module whose functions do."""
    unit: Phrase
    """What one of it is, for people: `messages`, `milliseconds`, `percent`, …"""


class AlertOverride(Model):
    """What differs in one environment."""

    enabled: bool = True
    """Without it there is no alarm here."""
    threshold: float | None = None
    evaluation_periods: int | None = Field(default=None, ge=1)
    datapoints: int | None = Field(default=None, ge=1)
    severity: Severity | None = None
    why: Sentence


class Alert(Model):
    """One thing that is watched: one CloudWatch alarm."""

    id: AlertId
    module: ModuleId
    """In whose step the alarm goes up; it must not come before the owner of the intake."""
    watches: list[ModuleId] = Field(default_factory=list)
    """Whom it is about: the alarm exists while one of them is deployed. `module` if left out."""
    title: Phrase
    """What has happened, as the page says it."""
    metric: Metric
    statistic: Statistic
    comparison: Comparison
    threshold: float
    figure: str | None = None
    """`parameter:PATH` or `setting:KEY` that carries the same number, held against it."""
    period: int
    """Seconds of one datapoint: 10, 30, or a multiple of 60."""
    evaluation_periods: int = Field(default=1, ge=1)
    datapoints: int | None = Field(default=None, ge=1)
    """How many of those periods must breach; all if left out."""
    missing_data: MissingData
    severity: Severity
    regulatory: bool = False
    """[REG]: the Chief Compliance Officer is told too, and the regulator if it lasts."""
    why: Sentence
    """Why somebody must act on it."""
    runbook: Runbook
    environments: dict[Environment, AlertOverride] = Field(default_factory=dict)
    provenance: Provenance = Provenance.ASSUMED
    """Who gives the condition and its threshold."""
    severity_provenance: Provenance = Provenance.ASSUMED
    """Who gives severity and [REG] mark."""

    @property
    def subjects(self) -> list[str]:
        """Ids of the modules that it is about."""
        return self.watches or [self.module]


class AlertGroup(Model):
    """Symptoms of one fault, which page once: one composite alarm."""

    id: AlertId
    module: ModuleId
    """In whose step it goes up: that of all its members."""
    title: Phrase
    any_of: list[AlertId] = Field(min_length=1)
    """Members: one in alarm is enough."""
    unless: list[AlertId] = Field(default_factory=list)
    """Alerts that page for the same fault already; while one of them does, this is silent."""
    why: Sentence
    runbook: Runbook
    provenance: Provenance = Provenance.ASSUMED


class AlertRoute(Model):
    """Where alerts of some kind end: a filtered subscription of the topic, with its queue."""

    id: RouteId
    recipients: Phrase
    severities: list[Severity] = Field(min_length=1)
    regulatory_only: bool = False
    queue: str
    """Name of the queue from which MOD-076 takes them to people; `{env}` allowed."""
    response_minutes: int | None = Field(default=None, ge=1)
    """Time in which somebody must react; none where the next business day is enough."""
    why: Sentence
    provenance: Provenance = Provenance.ASSUMED


class AlertPlan(Model):
    """Content of `alerts.yaml`."""

    intake: str
    """Topic on which all alarms act."""
    topic: str
    """Topic from which people are told."""
    router: str
    """Function that takes alarms from the intake to the topic and names their severity."""
    routes_in: list[Environment]
    """Environments in which the topic's routes lead on to people."""
    routes: list[AlertRoute]
    alerts: list[Alert]
    groups: list[AlertGroup] = Field(default_factory=list)

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Id of an alert -> id of the group that pages for it."""
        return {member: group.id for group in self.groups for member in group.any_of}

    @model_validator(mode="after")
    def _routes_are_apart(self) -> Self:
        ids = [route.id for route in self.routes]
        if len(ids) != len(set(ids)):
            raise ValueError("two routes have one id")
        return self
