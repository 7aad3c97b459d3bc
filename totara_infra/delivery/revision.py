"""The project's files at another git revision, to plan what a change does."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from totara_infra.blueprint import Blueprint, plan
from totara_infra.local.project import project_root
from totara_infra.model.evidence import Revision
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.resolver import load_catalogue

_PATHS = ("Pulumi.yaml", "stacks", "totara_infra/catalogue")


def checked_out() -> Revision:
    """The commit of this checkout, and whether its files are as committed."""

    def git(*arguments: str) -> str | None:
        try:
            answer = subprocess.run(
                ["git", "-C", str(project_root()), *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    commit = git("rev-parse", "--verify", "HEAD")
    changes = git("status", "--porcelain")
    return Revision(commit=commit, clean=None if changes is None else not changes)


@contextmanager
def files_at(reference: str, environment: str) -> Iterator[Path]:
    """A temporary folder with the catalogue, tenants and stack file of a revision.

    Raises:
        UsageError: git does not know the revision, or it has no such files.
    """
    root = project_root()
    paths = [*_PATHS, f"Pulumi.{environment}.yaml"]
    result = subprocess.run(
        ["git", "-C", str(root), "archive", "--format=tar", reference, "--", *paths],
        capture_output=True,
        check=False,
    )
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip().splitlines()
        raise UsageError(
            f"Can't read revision `{reference}`: {reason[0] if reason else 'git failed'}. "
            "Give a branch, tag or commit that has the catalogue."
        )
    with tempfile.TemporaryDirectory(prefix="totara-") as temporary:
        with tarfile.open(fileobj=io.BytesIO(result.stdout)) as archive:
            archive.extractall(temporary, filter="data")
        yield Path(temporary)


def blueprint_at(reference: str, environment: str) -> Blueprint:
    """The blueprint that a revision's files give with today's program.

    Raises:
        UsageError: git does not know the revision.
        ProblemsError: its files do not pass today's rules.
    """
    with files_at(reference, environment) as root:
        settings = read_stack(root, environment)
        catalogue = load_catalogue(root / "totara_infra" / "catalogue").catalogue
        return plan(catalogue, settings, load_tenants(root, settings.tenants))
