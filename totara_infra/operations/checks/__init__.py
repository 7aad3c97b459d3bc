"""Checks of a live environment: one list, for the gates and for `totara verify`.

A subject has a file of its own; `registry` lists the checks, `inspection` is what they share.
"""

from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks.result import Result, failed, passed, skipped

__all__ = ["Outcome", "Result", "failed", "passed", "skipped"]
