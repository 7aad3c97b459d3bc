"""The tenants' files in `stacks/`, and the list in a stack's file that decides membership."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError, shown
from totara_infra.model.stack import PROJECT, REHEARSAL_SUFFIX
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Environment

TENANT_DIRECTORY = "stacks"
MEMBERS = ("config", f"{PROJECT}:tenants")
"""Where a stack's file lists its tenants."""


def tenant_file(root: Path, client_id: str) -> Path:
    """The file of a tenant."""
    return root / TENANT_DIRECTORY / f"{client_id}.yaml"


def tenant_files(root: Path) -> list[Path]:
    """The tenants' files, by name."""
    return sorted((root / TENANT_DIRECTORY).glob("*.yaml"))


def read_tenant(path: Path, root: Path) -> tuple[Document, Tenant]:
    """Read one tenant's file.

    Raises:
        ProblemsError: every fault that shows without the catalogue.
    """
    document = read_document(path, root)
    tenant = parse(document, Tenant)
    fault = name_problem(document, tenant.client_id)
    if fault is not None:
        raise ProblemsError([fault])
    return document, tenant


def name_problem(document: Document, client_id: str) -> Problem | None:
    """What is wrong where a file's name is not the client id in it."""
    name = document.path.stem
    if client_id == name:
        return None
    return document.problem(
        ("client_id",),
        "client-id",
        f"the file is of `{client_id}`",
        f"its name says `{name}`, and stacks refer to it by name",
        "rename the file or correct `client_id`",
        client_id,
    )


def load_tenants(root: Path, client_ids: Sequence[str], stack: str | None = None) -> list[Tenant]:
    """Read the tenants of a stack, in the order in which the stack lists them.

    Args:
        root: the project's folder.
        client_ids: as in the stack's config.
        stack: name of the stack, so that errors can point into its file.

    Raises:
        ProblemsError: every fault of every file: absent, malformed, or of another client id; and
            of the list: a tenant twice, or an isolated one beside others.
    """
    listed = _StackList(root, stack)
    problems: list[Problem] = []
    tenants: dict[int, Tenant] = {}
    for index, client_id in enumerate(client_ids):
        path = tenant_file(root, client_id)
        if not path.is_file():
            problems.append(listed.absent(index, client_id))
            continue
        try:
            tenants[index] = read_tenant(path, root)[1]
        except ProblemsError as error:
            problems += error.problems
    problems += listed.twice(client_ids)
    problems += listed.isolation(tenants, client_ids)
    if problems:
        raise ProblemsError(problems)
    return list(tenants.values())


class _StackList:
    """The list of tenants in one stack's file, as a place for error messages."""

    def __init__(self, root: Path, stack: str | None) -> None:
        self._root = root
        self._stack = stack
        path = root / f"Pulumi.{stack}.yaml"
        self._document = read_document(path, root) if stack and path.is_file() else None

    def _problem(self, index: int, client_id: str, rule: str, *texts: str) -> Problem:
        what, why, fix = texts
        if self._document is not None:
            return self._document.problem((*MEMBERS, index), rule, what, why, fix, client_id)
        place = shown(tenant_file(self._root, client_id), self._root)
        return Problem(place, 0, rule, what, why, fix, client_id)

    def absent(self, index: int, client_id: str) -> Problem:
        place = shown(tenant_file(self._root, client_id), self._root)
        return self._problem(
            index,
            client_id,
            "tenant-absent",
            f"the stack lists `{client_id}`, but {place} does not exist",
            "the file says what the tenant licenses",
            f"write it with `totara tenant new --client-id {client_id}`, or remove the tenant "
            "from the list",
        )

    def twice(self, client_ids: Sequence[str]) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, client_id in enumerate(client_ids):
            if client_id in seen:
                yield self._problem(
                    index,
                    client_id,
                    "duplicate-tenant",
                    f"`{client_id}` is listed twice",
                    "a tenant belongs to a stack once",
                    "remove one from the stack's `tenants`",
                )
            seen.add(client_id)

    def isolation(self, tenants: dict[int, Tenant], client_ids: Sequence[str]) -> Iterator[Problem]:
        name = (self._stack or "").removesuffix(REHEARSAL_SUFFIX)
        shared = name in [e.value for e in Environment]
        for index, tenant in tenants.items():
            if not tenant.isolated:
                continue
            others = [c for c in client_ids if c != tenant.client_id]
            if not (others or shared):
                continue
            company = f"with {', '.join(others)}" if others else "by itself"
            where = "shared stack" if shared else "stack"
            yield self._problem(
                index,
                tenant.client_id,
                "isolated-shared",
                f"`{tenant.client_id}` is isolated, yet stands in the {where} "
                + (f"`{self._stack}` " if self._stack else "")
                + company,
                "an isolated client runs alone, in a stack `<environment>-<client id>` and an AWS "
                "account of its own",
                f"take {', '.join(others) if others and not shared else tenant.client_id} out of "
                "this stack's `tenants`, or remove `isolated` from the tenant's file",
            )
