"""Which stacks a change affects, and why: the matrix over which a pipeline fans out."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint import plan
from totara_infra.blueprint.comparison import compare
from totara_infra.delivery.release import plan_digest
from totara_infra.delivery.revision import blueprint_at
from totara_infra.local.project import LOCAL_STACK, project_root
from totara_infra.model.problems import ProblemsError, UsageError
from totara_infra.model.stack import known_stacks, read_stack
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import load_catalogue
from totara_infra.resolver.licences import checked_tenants

PROGRAM = (
    "__main__.py",
    "Pulumi.yaml",
    "requirements/project.lock",
    *(
        f"totara_infra/{name}"
        for name in (
            "blueprint", "components", "configuration.py", "domains", "model", "platform.py",
            "resolver", "router", "trigger",
        )
    ),
)  # fmt: skip
"""What a stack is made with, beside its own files: a change of it reaches every stack."""


@dataclass(frozen=True)
class Affected:
    """A stack that a change affects.

    Attributes:
        stack: its name.
        environment: of the stack.
        reasons: why, in words, the strongest first.
        digest: of the plan that would be released, where it was asked for.
    """

    stack: str
    environment: Environment
    reasons: tuple[str, ...]
    digest: str | None = None

    @property
    def matrix_entry(self) -> dict[str, str]:
        """As a job of a workflow takes it."""
        digest = {"digest": self.digest} if self.digest is not None else {}
        return {"stack": self.stack, "environment": self.environment.value, **digest}

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {**self.matrix_entry, "reasons": list(self.reasons)}


def fleet() -> list[tuple[str, Environment]]:
    """Every stack on AWS with its environment: the shared ones and the isolated clients'.

    Raises:
        ProblemsError: what is wrong in their files.
    """
    root = project_root()
    names = [name for name in known_stacks(root) if name != LOCAL_STACK]
    return [(name, read_stack(root, name).environment) for name in names]


def affected_stacks(
    since: str | None, environments: Sequence[Environment], *, digests: bool = False
) -> list[Affected]:
    """The stacks that differ from what a revision gives, `local` left out.

    Args:
        since: a git revision; None where there is nothing to compare with, so all are new.
        environments: only theirs; all where it is empty.
        digests: make the digest of each plan, too.

    Raises:
        UsageError: git does not know the revision.
        UncommittedError: digests are wanted of files that are not those of a commit.
        ProblemsError: what is wrong in the files of today.
    """
    root = project_root()
    catalogue = load_catalogue().catalogue
    changed, there = [], set()
    if since is not None:
        changed = _git("diff", "--name-only", since, "--", *PROGRAM).splitlines()
        there = set(_git("ls-tree", "--name-only", since).splitlines())
    program = [f"The program or what it runs with has changed: {_few(changed)}."] if changed else []
    found = []
    for name, environment in fleet():
        if environments and environment not in environments:
            continue
        settings = read_stack(root, name)
        after = plan(catalogue, settings, checked_tenants(catalogue, root, settings.tenants, name))
        if since is None or f"Pulumi.{name}.yaml" not in there:
            reasons = ["The stack is new."]
        else:
            try:
                differences = compare(blueprint_at(since, name), after)
            except ProblemsError as error:
                first = str(error.problems[0]).splitlines()[0]
                reasons = [f"The files of {since} don't pass today's rules: {first}"]
            else:
                counted = Counter(f"{d.step}: {d.reason}" for d in differences)
                reasons = [
                    f"{text} ({count} resources)" if count > 1 else text
                    for text, count in counted.most_common()
                ]
        if program or reasons:
            digest = plan_digest(after) if digests else None
            found.append(Affected(name, environment, (*program, *reasons), digest))
    return found


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(project_root()), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise UsageError(
            f"git can't read that revision: {lines[0] if lines else 'it failed'}. Give a branch, "
            "tag or commit, and fetch the whole history (`git fetch --unshallow`)."
        )
    return done.stdout
