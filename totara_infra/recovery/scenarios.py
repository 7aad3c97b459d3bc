"""The scenarios as the catalogue has them, held against what there is code for."""

from __future__ import annotations

from pathlib import Path

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import ProblemsError, UsageError
from totara_infra.model.recovery import FILE, RecoveryPlan, Scenario
from totara_infra.model.rules.recovery import recovery_problems
from totara_infra.recovery.names import NAMES


def read_scenarios(catalogue: Catalogue, directory: Path = CATALOGUE_DIRECTORY) -> RecoveryPlan:
    """Read `recovery.yaml`.

    Raises:
        ProblemsError: every fault at once.
    """
    document = read_document(directory / FILE, directory.resolve().parent.parent)
    plan = parse(document, RecoveryPlan)
    problems = recovery_problems(catalogue, NAMES, document, plan)
    if problems:
        raise ProblemsError(problems)
    return plan


def counted(catalogue: Catalogue, directory: Path) -> dict[str, int]:
    """Read `recovery.yaml` for a validation, and count what is in it.

    Raises:
        ProblemsError: every fault at once.
    """
    return {"scenarios": len(read_scenarios(catalogue, directory).scenarios)}


def scenario_named(plan: RecoveryPlan, name: str) -> Scenario:
    """The scenario of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in plan.by_id:
        raise UsageError(f"There is no scenario `{name}`. Write one of {', '.join(plan.by_id)}.")
    return plan.by_id[name]
