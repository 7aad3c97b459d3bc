"""A new tenant's file, and the stack's file of an isolated one: composed, checked, then written."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from totara_infra.delivery.tenant_text import NewTenant, stack_text, tenant_text
from totara_infra.delivery.validation import client_ids, stack_problems
from totara_infra.local.project import project_root
from totara_infra.model.documents import Document, read_document
from totara_infra.model.problems import Problem, ProblemsError, UsageError, shown
from totara_infra.model.stack import PROJECT
from totara_infra.model.tenants import MEMBERS, tenant_file
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import document_problems


@dataclass(frozen=True)
class Written:
    """What was written, and what is left to do by hand.

    Attributes:
        files: relative to the project.
        next_steps: sentences for people.
    """

    files: list[str]
    next_steps: list[str]


_FLAGS = {
    ("client_id",): "--client-id",
    ("display_name",): "--display-name",
    ("institution_type",): "--institution-type",
    ("jurisdictions",): "--jurisdiction",
    ("options",): "--option",
    ("sponsor_banks",): "--sponsor",
    ("status",): "--status",
    ("config", f"{PROJECT}:account-id"): "--account-id",
    ("config", f"{PROJECT}:tenants"): "--client-id",
    ("config", f"{PROJECT}:bucket-suffix"): "--client-id",
}
"""Where a value came from: nobody has seen the file that it would stand in."""


def write_tenant(wanted: NewTenant) -> Written:
    """Write a tenant's file, and for an isolated tenant the file of its stack.

    Both are composed and pass every check before the first is written, and either both are there
    afterwards or neither.

    Raises:
        ProblemsError: everything that the checks have against it, and files that exist already.
        UsageError: the environment has no isolated stacks, or the folder can't be written.
    """
    root = project_root()
    catalogue = load_catalogue().catalogue
    if wanted.isolated and wanted.environment is Environment.LOCAL:
        raise UsageError(
            "`local` is one emulator on this machine, so no client is isolated there. Write "
            "--env dev, uat or prod, and try the tenant in `local` without --isolated."
        )
    path = tenant_file(root, wanted.client_id)
    document = _document(path, root, tenant_text(catalogue, wanted))
    problems = [_at_flag(document, p) for p in document_problems(catalogue, document)]
    texts = {path: document.text}
    taken = list(_taken(root, wanted))
    # A client id that can't be one may not even be a name that a file could have.
    nameable = not any(p.file.endswith("--client-id") for p in problems)
    if nameable and not taken and path.exists():
        problems.append(_exists(path, root))
    if wanted.isolated:
        stack_path = root / f"Pulumi.{wanted.stack}.yaml"
        stack = _document(stack_path, root, stack_text(root, wanted))
        texts[stack_path] = stack.text
        if nameable and stack_path.exists():
            problems.append(_exists(stack_path, root))
        else:
            problems += [
                _at_flag(stack, p) for p in stack_problems(root, stack) if p.file == stack.name
            ]
    problems += taken
    if problems:
        raise ProblemsError(problems)
    next_steps = list(_next_steps(root, wanted))
    _write_all(texts, root)
    return Written([shown(p, root) for p in texts], next_steps)


def _document(path: Path, root: Path, text: str) -> Document:
    return Document.of(path, root, text)


def _at_flag(document: Document, problem: Problem) -> Problem:
    """The problem at the flag that gave the value, instead of in a file that does not exist."""
    starts = {document.line(key): flag for key, flag in _FLAGS.items() if _holds(document, key)}
    before = [line for line in starts if line <= problem.line]
    place = f"totara tenant new {starts[max(before)]}" if before else document.name
    return dataclasses.replace(problem, file=place, line=0)


def _holds(document: Document, location: tuple[str, ...]) -> bool:
    data: Any = document.data
    for part in location:
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def _taken(root: Path, wanted: NewTenant) -> Iterator[Problem]:
    owner = client_ids(root).get(wanted.client_id)
    if owner is not None:
        yield Problem(
            "totara tenant new --client-id",
            0,
            "duplicate-client-id",
            f"client id `{wanted.client_id}` is taken by {owner.name}",
            "two institutions of one client id would share data and sign-in; nothing is "
            "overwritten",
            f"choose another client id, or edit {owner.name}",
            wanted.client_id,
        )


def _exists(path: Path, root: Path) -> Problem:
    return Problem(
        shown(path, root),
        0,
        "file-exists",
        "the file exists already",
        "nothing is overwritten",
        "edit it, or remove it first",
    )


def _write_all(texts: Mapping[Path, str], root: Path) -> None:
    """Write all files or none; a file that appeared meanwhile is kept, and is an error."""
    written: list[Path] = []
    try:
        for path, text in texts.items():
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=".tmp")
            temporary = Path(name)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    stream.write(text)
                temporary.chmod(0o644)
                # A link fails where the name is taken, and shows the file only when it is whole.
                os.link(temporary, path)
            finally:
                temporary.unlink()
            written.append(path)
    except OSError as error:
        for path in written:
            path.unlink()
        target = next(p for p in texts if p not in written)
        if isinstance(error, FileExistsError):
            raise ProblemsError([_exists(target, root)]) from None
        raise UsageError(
            f"{shown(target, root)} can't be written: {error.strerror}. Nothing was written."
        ) from None


def membership(document: Document, client_id: str) -> str:
    """Where the file of a stack lists its tenants, and how the line reads with one more."""
    listed = document.data[MEMBERS[0]][MEMBERS[1]]
    members = [*(listed if isinstance(listed, list) else []), client_id]
    line = document.line(MEMBERS)
    return f"{document.name}:{line}: {MEMBERS[1]}: [{', '.join(members)}]"


def _next_steps(root: Path, wanted: NewTenant) -> Iterator[str]:
    if wanted.isolated:
        yield (
            f"Its stack is `{wanted.stack}`. Look through Pulumi.{wanted.stack}.yaml, then: totara "
            f"plan {wanted.stack}; pulumi preview -s {wanted.stack}."
        )
    else:
        yield "A stack's list of tenants decides membership. Add it to those that shall serve it:"
        for environment in Environment:
            path = root / f"Pulumi.{environment}.yaml"
            document = read_document(path, root) if path.is_file() else None
            if document is None or not _holds(document, MEMBERS):
                continue
            yield f"  {membership(document, wanted.client_id)}"
    yield f"What it gets, and from where: totara tenant show {wanted.client_id}."
