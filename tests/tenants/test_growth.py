"""No command does more than twice the work for twice the tenants or modules, by count of its calls.

Counts say what a clock can't on a busy machine: a quadratic step shows with twenty tenants.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from tests.command import run
from tests.conftest import PROJECT
from tests.delivery.history import git
from tests.small_catalogue import module, write_small_catalogue
from tests.tenants import counted
from tests.tenants.project_copy import ProjectCopy
from totara_infra.cli.main import app
from totara_infra.model.loading import CATALOGUE_DIRECTORY

SIZES = (4, 8, 16)
"""Each twice the one before."""
SLACK = 40
"""Calls that may come on top, such as those of one more page of a table."""
COUNTED = (
    # First: it takes committed files only, and others write some.
    "release digest prod",
    "activation --env all --format json",
    "activation --format html",
    "alerts list local",
    "claims",
    "claims lock",
    "config list local",
    "coverage",
    "decommission client-1 local --dry-run",
    "docs build",
    "dr plan database-loss local",
    "fleet list",
    "fleet plan --since HEAD",
    "migrations lint migrations",
    "pipeline roles prod --repository totara-bank/totara-infra",
    "plan local",
    "plan local --since HEAD",
    "provision client-1 local --dry-run",
    "schemas schemas",
    "sequence local",
    "tenant diff client-0 client-1",
    "tenant new --client-id new --display-name New --institution-type mutual --jurisdiction NZ "
    "--env local",
    "tenant show client-1 --format json",
    "tenant validate",
    counted.PROGRAM,
    "validate",
)
_LIVE = (
    "asks AWS, from threads that the profile does not see, about what the blueprint lists; the "
    "blueprint is counted with `plan`"
)
_FILE = "reads one file that it is given, and nothing of the stack"
NOT_COUNTED = {
    **dict.fromkeys(
        (
            "alerts check", "alerts test", "config check", "config get", "dr status", "drift",
            "migrations apply", "migrations plan", "migrations undo", "secrets check",
            "secrets generate", "secrets import", "secrets list", "secrets move", "secrets put",
            "secrets rotate", "secrets schedule", "secrets seed", "sequence verify",
            "state rebuild", "state status", "tenant retention", "tenant status", "verify run",
            "backup list", "backup restore", "backup run", "pipeline bootstrap",
            "customer enrol", "customer sign-in", "customer sign-out",
        ),
        _LIVE,
    ),
    **dict.fromkeys(("backup verify", "claims check", "verify report"), _FILE),
    "backup new-key": "makes one key",
    "docs serve": "serves what `docs build` writes",
    "down": "stops one process and removes a folder",
    "dr drill": "breaks and mends one thing on a running stack",
    "migrations status": _LIVE,
    "pipeline check": "asks GitHub about one repository",
    "preview": "declares the program that `up` declares",
    "release check": "compares the digest that `release digest` makes",
    "release previous": "asks Git for its tags",
}  # fmt: skip
"""Commands that are not counted, each with the reason."""


@dataclass(frozen=True)
class Counts:
    """How often a command opened each file and called each function of the package."""

    opened: dict[str, int]
    called: dict[str, int]


def new_copy(root: Path, tenants: int, modules: int = 0) -> ProjectCopy:
    """A project with the small catalogue, that many tenants and that many further modules.

    Half of the tenants are in the stack `local`, the others have a file only.
    """
    copy = ProjectCopy.make(root)
    shutil.copy(counted.__file__, root / "counted.py")
    catalogue = root / "totara_infra" / "catalogue"
    shutil.rmtree(catalogue)
    write_small_catalogue(catalogue)
    shutil.copy(CATALOGUE_DIRECTORY / "prices.yaml", catalogue)
    path = catalogue / "domains" / "sd01.yaml"
    domain = yaml.safe_load(path.read_text())
    domain["modules"] += [module(f"MOD-{500 + n}", ["MOD-001"]) for n in range(modules)]
    path.write_text(yaml.safe_dump(domain, sort_keys=False, width=1000))
    for path in (root / "stacks").glob("*.yaml"):
        path.unlink()
    names = [f"client-{number}" for number in range(tenants)]
    for name in names:
        copy.write(
            f"stacks/{name}.yaml",
            f"client_id: {name}\ndisplay_name: {name}\nstatus: live\ninstitution_type: mutual\n"
            "jurisdictions: [NZ]\noptions: []\n",
        )
    for stack in ("dev", "uat", "prod"):
        copy.replace(
            f"Pulumi.{stack}.yaml",
            *_lists(copy, stack, names[:1]),
        )
    copy.replace("Pulumi.local.yaml", *_lists(copy, "local", names[: (tenants + 1) // 2]))
    shutil.copytree(PROJECT / "migrations" / "bank_core", root / "migrations" / "bank_core")
    # What commands write is no change: a release is made from what is committed.
    copy.write(
        ".gitignore", ".totara/\n__pycache__/\nbuild/\n*.json\n*.lock.yaml\nstacks/new.yaml\n"
    )
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return copy


def _lists(copy: ProjectCopy, stack: str, names: list[str]) -> tuple[str, str]:
    """The line of a stack's tenants as it is, and as it is to be."""
    text = (copy.root / f"Pulumi.{stack}.yaml").read_text()
    line = next(x for x in text.splitlines() if "totara-infra:tenants:" in x)
    return (
        line,
        f"  totara-infra:tenants: [{', '.join(names)}]\n  totara-infra:default-tenant: {names[0]}",
    )


def counts(copy: ProjectCopy, commands: Sequence[str]) -> dict[str, Counts]:
    """The counts of each command, all run in one process."""
    file = copy.root / "counts.json"
    variables = copy.environment() | {counted.COUNTS: str(file)}
    done = run("counted", *commands, cwd=copy.root, env=variables, seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(file.read_text())
    assert {command: c["said"] for command, c in found.items() if c["said"]} == {}
    return {command: Counts(c["opened"], c["called"]) for command, c in found.items()}


@pytest.fixture(scope="module")
def grown(tmp_path_factory) -> dict[str, list[dict[str, Counts]]]:
    """What grows -> the counts at each size. The smallest project is the same one for both."""
    small, *larger = SIZES

    def at(tenants: int, modules: int) -> dict[str, Counts]:
        folder = tmp_path_factory.mktemp("copy")
        return counts(new_copy(folder, tenants, modules), COUNTED)

    smallest = at(small, small)
    return {
        "tenants": [smallest, *(at(size, small) for size in larger)],
        "modules": [smallest, *(at(small, size) for size in larger)],
    }


def growing(found: list[dict[str, int]]) -> dict[str, list[int]]:
    """What grows faster than linearly, with its counts."""
    small, middle, large = found
    names = set(small) | set(middle) | set(large)
    numbers = {n: [c.get(n, 0) for c in (small, middle, large)] for n in names}
    # From the second to the third size twice as many tenants come on top as before.
    return {n: c for n, c in numbers.items() if c[2] - c[1] > 2.2 * (c[1] - c[0]) + SLACK}


@pytest.mark.parametrize("command", COUNTED)
@pytest.mark.parametrize("what", ["tenants", "modules"])
def test_work_grows_with_the_number_at_most(grown, what: str, command: str) -> None:
    found = [counts[command] for counts in grown[what]]
    assert found[0].called
    faster = growing([c.called for c in found])
    assert {n: c for n, c in faster.items() if (command, n) not in INHERENT} == {}
    most = [max(c.opened.values(), default=0) for c in found]
    assert most[2] <= most[0], {n: c for n, c in found[2].opened.items() if c > most[0]}


def test_every_command_is_counted_or_has_a_reason_not_to_be() -> None:
    every = set(leaves(get_command(app), ()))
    named = {name for name in every if any(f"{c} ".startswith(f"{name} ") for c in COUNTED)}
    named |= {name for name in every if DEFAULTS.get(name) in {c.split()[0] for c in COUNTED}}
    assert named | set(NOT_COUNTED) == every
    assert named & set(NOT_COUNTED) == set()


INHERENT = {
    ("docs build", "documentation/links.py:_target"): "every page has the navigation, and each of "
    "its links is checked",
}
DEFAULTS = {"claims show": "claims", "sequence show": "sequence"}
"""Commands that stand for their group when none is named."""


def leaves(command: Any, words: tuple[str, ...]) -> Iterator[str]:
    """The commands that do something, by their words."""
    if not hasattr(command, "commands"):
        yield " ".join(words)
        return
    for name in command.commands:
        yield from leaves(command.commands[name], (*words, name))


def test_what_grows_faster_is_found() -> None:
    counted_ = [{"even": n, "square": n * n, "for ever": 7} for n in SIZES]
    assert growing(counted_) == {"square": [n * n for n in SIZES]}
