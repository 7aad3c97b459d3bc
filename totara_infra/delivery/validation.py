"""Everything that people write, checked together: catalogue, tenants, stacks."""

from __future__ import annotations

from pathlib import Path

from totara_infra.local.project import project_root
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.stack import REHEARSAL_SUFFIX, known_stacks, read_stack
from totara_infra.model.tenants import load_tenants, tenant_files
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import tenant_problems


def validate_all(catalogue_directory: Path) -> tuple[dict[str, int], list[Problem]]:
    """Check all files.

    Args:
        catalogue_directory: the packaged catalogue, or another one; tenants and stacks belong to
            the packaged one and are checked with it only.

    Returns:
        What was read, counted; and every problem, sorted by file and line.
    """
    root = project_root()
    problems: list[Problem] = []
    summary: dict[str, int] = {}
    catalogue = None
    try:
        catalogue = load_catalogue(catalogue_directory).catalogue
        summary |= {
            "modules": len(catalogue.modules),
            "parameters": sum(len(m.parameters) for m in catalogue.modules.values()),
            "secrets": sum(len(m.secrets) for m in catalogue.modules.values()),
            "settings": sum(len(m.settings) for m in catalogue.modules.values()),
        }
    except ProblemsError as error:
        problems += error.problems
    if catalogue_directory.resolve() != CATALOGUE_DIRECTORY:
        return summary, sorted(set(problems))
    client_ids = [path.stem for path in tenant_files(root)]
    try:
        tenants = load_tenants(root, client_ids)
        summary["tenants"] = len(tenants)
        if catalogue is not None:
            for tenant in tenants:
                problems += tenant_problems(catalogue, tenant, root)
    except ProblemsError as error:
        problems += error.problems
    stacks = [s for s in known_stacks(root) if not s.endswith(REHEARSAL_SUFFIX)]
    for stack in stacks:
        try:
            settings = read_stack(root, stack)
            load_tenants(root, settings.tenants)
        except ProblemsError as error:
            problems += error.problems
    summary["stacks"] = len(stacks)
    return summary, sorted(set(problems))
