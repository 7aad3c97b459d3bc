"""Live alarms, router and routes held against the catalogue."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.alert_routing import SUBSCRIPTION
from totara_infra.blueprint.alerts import COMPOSITE_ALARM, METRIC_ALARM
from totara_infra.operations.alerts.wiring import links
from totara_infra.operations.drift.detection import compare, reading_of
from totara_infra.operations.drift.report import Kind, short
from totara_infra.operations.live import Live

COMPARED = frozenset({METRIC_ALARM, COMPOSITE_ALARM, SUBSCRIPTION})


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        subject: alarm, router, route or subscription, and which of its properties.
    """

    subject: str
    expected: str
    found: str
    fix: str

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def check_alerts(live: Live, blueprint: Blueprint, stack: str) -> tuple[list[Finding], int]:
    """What is wrong, and how many things were looked at.

    Args:
        live: the environment.
        blueprint: what must be there.
        stack: the engine's name of it, for the way back.

    Raises:
        ClientError: AWS refuses to be read.
    """
    way = list(links(live, blueprint))
    found = [Finding(w.subject, w.expected, w.found, w.fix) for w in way if not w.holds]
    known = {finding.subject for finding in found}
    with reading_of(live, blueprint) as reading:
        drifts, not_read, compared = compare(reading, stack, COMPARED)
    for drift in drifts:
        # A missing alarm breaks its link as well: said once.
        if drift.key in known:
            continue
        if drift.kind is Kind.CHANGED:
            found += [
                Finding(f"{drift.key} {d.path}", short(d.expected), short(d.found), drift.way_back)
                for d in drift.differences
            ]
        elif drift.kind is Kind.MISSING:
            found.append(Finding(drift.key, "to be there", "nothing", drift.way_back))
        else:
            found.append(Finding(drift.key, "nothing", drift.reason, drift.way_back))
    found += [
        Finding(entry.subject, "an answer", entry.reason, "Check rights and network.")
        for entry in not_read
    ]
    routes = sum(not link.subject.startswith("bank-") for link in way)
    return found, compared + routes
