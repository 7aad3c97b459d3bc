"""Everything that people write, checked together: catalogue, tenants, stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from totara_infra.local.project import project_root
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.databases import read_databases
from totara_infra.model.documents import Document, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.provisioning import read_provisioning
from totara_infra.model.stack import (
    PROJECT,
    StackSettings,
    known_stacks,
    parse_stack,
    read_stack,
)
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import (
    MEMBERS,
    TENANT_DIRECTORY,
    load_tenants,
    name_problem,
    read_tenant,
    tenant_files,
)
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import document_problems

Further = Callable[[Catalogue, Path], Mapping[str, int]]
"""Reads a further file of a catalogue's folder; counts what is in it, or raises its problems."""


def validate_all(
    catalogue_directory: Path, further: Sequence[Further] = ()
) -> tuple[dict[str, int], list[Problem]]:
    """Check all files.

    Args:
        catalogue_directory: the packaged catalogue, or another one; tenants and stacks belong to
            the packaged one and are checked with it only.
        further: what reads the files of packages that this one does not know.

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
        databases = read_databases(catalogue, catalogue_directory).databases
        summary["tables"] = sum(len(d.tables) for d in databases)
        read_provisioning(catalogue, catalogue_directory)
    except ProblemsError as error:
        problems += error.problems
    for read in further:
        if catalogue is None:
            break
        try:
            summary |= read(catalogue, catalogue_directory)
        except ProblemsError as error:
            problems += error.problems
    if catalogue_directory.resolve() != CATALOGUE_DIRECTORY:
        return summary, sorted(set(problems))
    files = tenant_files(root)
    problems += tenant_file_problems(catalogue, files, root)
    problems += stack_problems(root)
    summary |= {"tenants": len(files), "stacks": len(known_stacks(root))}
    return summary, sorted(set(problems))


def validate_tenants(files: Sequence[Path]) -> tuple[int, list[Problem]]:
    """Check tenants' files, alone and against one another and the stacks that list them.

    Args:
        files: the files; all of `stacks/` where none is given.

    Returns:
        How many files were read; and every problem, sorted by file and line.

    Raises:
        ProblemsError: the catalogue itself has problems.
    """
    root = project_root()
    catalogue = load_catalogue().catalogue
    chosen = [f.absolute() for f in files] or tenant_files(root)
    problems = tenant_file_problems(catalogue, chosen, root)
    about = {path.stem for path in chosen}
    # A stack that lists somebody else wrongly is no fault of the files that were asked for.
    problems += [p for p in stack_problems(root) if not files or p.module in about]
    return len(chosen), sorted(set(problems))


def tenant_file_problems(
    catalogue: Catalogue | None, files: Sequence[Path], root: Path
) -> list[Problem]:
    """Everything wrong with tenants' files, without regard to stacks.

    Args:
        catalogue: validated; None where it has problems of its own, which leaves out the rules
            that need it.
        files: the files.
        root: the project's folder.
    """
    problems: list[Problem] = []
    documents: list[Document] = []
    for path in files:
        try:
            document = read_document(path, root)
        except ProblemsError as error:
            problems += error.problems
            continue
        documents.append(document)
        if catalogue is not None:
            problems += document_problems(catalogue, document)
        else:
            try:
                read_tenant(path, root)
            except ProblemsError as error:
                problems += error.problems
    problems += _identity_problems(documents, root)
    problems += _ending_problems(root)
    return problems


def client_id_of(document: Document) -> str | None:
    """The client id in a file, however malformed the rest of it is."""
    found = document.data.get("client_id") if isinstance(document.data, dict) else None
    return found if isinstance(found, str) else None


def client_ids(root: Path) -> dict[str, Document]:
    """Client id -> the file in `stacks/` that has it; the file of that name goes first."""
    found: dict[str, Document] = {}
    for path in tenant_files(root):
        try:
            document = read_document(path, root)
        except ProblemsError:
            # Reported where the files are checked; an unreadable one has no client id.
            continue
        client_id = client_id_of(document)
        if client_id is not None and (client_id not in found or path.stem == client_id):
            found[client_id] = document
    return found


def _identity_problems(documents: Sequence[Document], root: Path) -> Iterator[Problem]:
    owners = client_ids(root)
    for document in documents:
        client_id = client_id_of(document)
        if client_id is None:
            continue
        owner = owners.get(client_id)
        if owner is not None and owner.path.resolve() != document.path.resolve():
            yield document.problem(
                ("client_id",),
                "duplicate-client-id",
                f"client id `{client_id}` is taken by {owner.name}",
                "two institutions of one client id would share data and sign-in",
                "choose another client id, or remove one of the two files",
                client_id,
            )
        elif client_id != document.path.stem:
            problem = name_problem(document, client_id)
            if problem is not None:
                yield problem


def _ending_problems(root: Path) -> Iterator[Problem]:
    for path in sorted((root / TENANT_DIRECTORY).glob("*.yml")):
        yield Problem(
            f"{TENANT_DIRECTORY}/{path.name}",
            0,
            "file-ending",
            "a tenant's file that ends in .yml",
            "only files that end in .yaml are read",
            f"rename it to {path.stem}.yaml",
            path.stem,
        )


@dataclass(frozen=True)
class _Stack:
    """A stack with its file."""

    name: str
    document: Document
    settings: StackSettings

    def problem(self, key: str, rule: str, *texts: str, client_id: str = "") -> Problem:
        what, why, fix = texts
        location = ("config", f"{PROJECT}:{key}")
        return self.document.problem(location, rule, what, why, fix, client_id)


def stack_problems(root: Path, planned: Document | None = None) -> list[Problem]:
    """Everything wrong with the stacks' files, their lists of tenants, and stacks side by side.

    Args:
        root: the project's folder.
        planned: a stack's file that is going to be written; its tenants need no file yet.
    """
    problems: list[Problem] = []
    stacks: list[_Stack] = []
    for name in known_stacks(root):
        try:
            settings = read_stack(root, name)
        except ProblemsError as error:
            problems += error.problems
            continue
        stacks.append(_Stack(name, read_document(root / f"Pulumi.{name}.yaml", root), settings))
        try:
            tenants = load_tenants(root, settings.tenants, name)
        except ProblemsError as error:
            problems += error.problems
        else:
            problems += _name_problems(stacks[-1], tenants)
    # The isolated clients' come after the shared ones, and what is new comes last: it is at fault.
    stacks.sort(key=lambda s: (s.name != s.settings.environment, s.name))
    if planned is not None:
        name = planned.path.name.removeprefix("Pulumi.").removesuffix(".yaml")
        try:
            stacks.append(_Stack(name, planned, parse_stack(planned)))
        except ProblemsError as error:
            problems += error.problems
    problems += _side_by_side(stacks)
    return problems


def _name_problems(stack: _Stack, tenants: Sequence[Tenant]) -> Iterator[Problem]:
    for tenant in tenants:
        wanted = f"{stack.settings.environment}-{tenant.client_id}"
        if tenant.isolated and stack.name != wanted:
            yield stack.document.problem(
                MEMBERS,
                "isolated-name",
                f"the stack of `{tenant.client_id}` alone is called `{stack.name}`",
                "an isolated client's stack is called after its environment and client id",
                f"rename the file to Pulumi.{wanted}.yaml",
                tenant.client_id,
            )


def _side_by_side(stacks: Sequence[_Stack]) -> Iterator[Problem]:
    """Stacks that would get in each other's way; the later one of two is reported."""
    for index, stack in enumerate(stacks):
        for other in stacks[:index]:
            if stack.settings.account_id == other.settings.account_id:
                yield stack.problem(
                    "account-id",
                    "stack-account",
                    f"stacks `{stack.name}` and `{other.name}` have one AWS account",
                    "names of roles, buses and topics are the same in every stack",
                    "give the stack an AWS account of its own",
                )
            if stack.settings.environment is not other.settings.environment:
                continue
            if stack.settings.bucket_suffix == other.settings.bucket_suffix:
                yield stack.problem(
                    "bucket-suffix",
                    "stack-suffix",
                    f"stacks `{stack.name}` and `{other.name}` have one bucket suffix",
                    "bucket names are global in AWS, across accounts",
                    "give the stack a suffix of its own, such as its client's id",
                )
            for client_id in sorted(set(stack.settings.tenants) & set(other.settings.tenants)):
                yield stack.problem(
                    "tenants",
                    "tenant-in-two-stacks",
                    f"`{client_id}` is in the stacks `{stack.name}` and `{other.name}`",
                    f"both are of {stack.settings.environment}, and its customers have one home",
                    "remove it from one of the two lists",
                    client_id=client_id,
                )
