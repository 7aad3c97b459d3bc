"""Drift: what differs between live AWS and the blueprint, without state or engine.

One file a service, one reader a resource type; `table` lists them, `detection` compares.
"""

from totara_infra.operations.drift.detection import find_drift
from totara_infra.operations.drift.meaning import Difference
from totara_infra.operations.drift.report import Drift, Kind, LastWrite, NotRead, Report

__all__ = ["Difference", "Drift", "Kind", "LastWrite", "NotRead", "Report", "find_drift"]
