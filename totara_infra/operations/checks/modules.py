"""Checks of what modules publish: parameters, their markers, and the gates of their phases."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result


def parameters(inspection: Inspection) -> Iterator[Result]:
    """Parameters have their values."""
    return inspection.compared(titles.PARAMETERS, kinds=frozenset({"parameters"}))


def markers(inspection: Inspection) -> Iterator[Result]:
    """Every module's last resource holds the digest of its content."""
    return inspection.compared({PARAMETER: "module marker"}, kinds=frozenset({"marker"}))


def gates(inspection: Inspection) -> Iterator[Result]:
    """Every phase passed its gate with this content."""
    if not inspection.extent.gates:
        return iter(())
    return inspection.compared({PARAMETER: "phase gate"}, kinds=frozenset({"gate"}))
