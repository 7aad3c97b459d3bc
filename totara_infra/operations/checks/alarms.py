"""Check of the alarms: there, as declared, acting, and heard by people."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.operations.alerts.wiring import links
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed

KINDS = frozenset({"alert_routing"})
"""Kinds of the functions that serve alerts."""


def check(inspection: Inspection) -> Iterator[Result]:
    """Alarms, router and routes are as declared, and each piece of the way leads to the next."""
    phases = inspection.extent.phases
    for phase in [None] if phases is None else sorted(phases):
        for link in links(inspection.live, inspection.blueprint, phase):
            if link.holds:
                yield passed("alert", link.subject)
            else:
                yield failed("alert", link.subject, link.expected, link.found, link.fix)
    yield from inspection.compared(titles.ALARMS)
    yield from inspection.compared(titles.FUNCTIONS, kinds=KINDS)
