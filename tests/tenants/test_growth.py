"""No command does more than twice the work for twice the tenants or modules, by count of its calls.

Counts say what a clock can't on a busy machine: a quadratic step shows with twenty tenants.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.command import run
from tests.small_catalogue import module, write_small_catalogue
from tests.tenants import counted
from tests.tenants.project_copy import ProjectCopy
from totara_infra.model.loading import CATALOGUE_DIRECTORY

SIZES = (6, 12, 24)
"""Each twice the one before."""
SLACK = 40
"""Calls that may come on top, such as those of one more page of a table."""
COMMANDS = (
    "validate",
    "plan local",
    "sequence local",
    "claims",
    "activation --format json",
    "activation --env all --format json",
    "activation --format html",
    "tenant validate",
    "tenant show client-1 --format json",
    "tenant diff client-1 client-2",
    "config list local",
    "alerts list local",
)


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
def by_tenants(tmp_path_factory) -> list[dict[str, Counts]]:
    folder = tmp_path_factory.mktemp("tenants")
    return [counts(new_copy(folder / str(size), tenants=size), COMMANDS) for size in SIZES]


@pytest.fixture(scope="module")
def by_modules(tmp_path_factory) -> list[dict[str, Counts]]:
    folder = tmp_path_factory.mktemp("modules")
    return [
        counts(new_copy(folder / str(size), tenants=4, modules=size), COMMANDS) for size in SIZES
    ]


def growing(found: list[dict[str, int]]) -> dict[str, list[int]]:
    """What grows faster than linearly, with its counts."""
    small, middle, large = found
    names = set(small) | set(middle) | set(large)
    numbers = {n: [c.get(n, 0) for c in (small, middle, large)] for n in names}
    # From the second to the third size twice as many tenants come on top as before.
    return {n: c for n, c in numbers.items() if c[2] - c[1] > 2.2 * (c[1] - c[0]) + SLACK}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("what", ["by_tenants", "by_modules"])
def test_work_grows_with_the_number_at_most(request, what: str, command: str) -> None:
    found = [counts[command] for counts in request.getfixturevalue(what)]
    assert len(found[0].called) > 50
    assert growing([c.called for c in found]) == {}
    most = [max(c.opened.values()) for c in found]
    assert most[2] <= most[0], {n: c for n, c in found[2].opened.items() if c > most[0]}


def test_what_grows_faster_is_found() -> None:
    counted_ = [{"even": n, "square": n * n, "for ever": 7} for n in SIZES]
    assert growing(counted_) == {"square": [n * n for n in SIZES]}
