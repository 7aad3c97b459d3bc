"""The tenants' files in `stacks/`, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from totara_infra.model.documents import parse, read_document
from totara_infra.model.problems import Problem, ProblemsError, shown
from totara_infra.model.tenancy import Tenant

TENANT_DIRECTORY = "stacks"


def tenant_files(root: Path) -> list[Path]:
    """The tenants' files, by name."""
    return sorted((root / TENANT_DIRECTORY).glob("*.yaml"))


def load_tenants(root: Path, client_ids: Sequence[str]) -> list[Tenant]:
    """Read the tenants of a stack, in the order in which the stack lists them.

    Args:
        root: the project's folder.
        client_ids: as in the stack's config.

    Raises:
        ProblemsError: every fault of every file: absent, malformed, or of another client id.
    """
    problems: list[Problem] = []
    tenants: list[Tenant] = []
    for client_id in client_ids:
        path = root / TENANT_DIRECTORY / f"{client_id}.yaml"
        try:
            document = read_document(path, root)
            tenant = parse(document, Tenant)
        except ProblemsError as error:
            problems += error.problems
            continue
        if tenant.client_id != client_id:
            problems.append(
                document.problem(
                    ("client_id",),
                    "client-id",
                    f"the file is of `{tenant.client_id}`",
                    f"its name says `{client_id}`, and stacks refer to it by name",
                    "rename the file or correct `client_id`",
                    client_id,
                )
            )
        tenants.append(tenant)
    twice = sorted({c for c in client_ids if list(client_ids).count(c) > 1})
    problems += [
        Problem(
            shown(root / TENANT_DIRECTORY, root),
            0,
            "duplicate-tenant",
            f"`{client_id}` is listed twice",
            "a tenant belongs to a stack once",
            "remove one from the stack's `tenants`",
            client_id,
        )
        for client_id in twice
    ]
    if problems:
        raise ProblemsError(problems)
    return tenants
