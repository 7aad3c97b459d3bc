"""One small copy of the project, provisioned once with a kill in the middle, for all tests here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.engine.checkout import Checkout, Outcome
from tests.engine.conftest import make_small
from totara_infra.local.project import state_directory
from totara_infra.local.setup import ensure_ready

OWN_SECRET = """
    - path: /bank/{env}/payments/{client_id}-sponsor
      content: credential of one client alone
      readers: [SD04]
      why: Each client has its own.
"""


class Provisioned(NamedTuple):
    """A run from nothing to a customer: what it printed, and its evidence."""

    text: str
    evidence: Path


def journal(
    checkout: Checkout, stack: str = "local", way: str = "provision"
) -> list[dict[str, str]]:
    """What the runs on acorn have tried so far."""
    path = checkout.state / "runs" / stack / f"{way}-acorn.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def outcomes(checkout: Checkout, stack: str = "local", way: str = "provision") -> dict[str, str]:
    """Step -> what became of it last."""
    return {r["step"]: r["outcome"] for r in journal(checkout, stack, way)}


@pytest.fixture(scope="session")
def checkout(tmp_path_factory) -> Iterator[Checkout]:
    """Nothing runs on it yet; each client has a secret of its own."""
    engine = ensure_ready().path
    emulator = (state_directory() / "emulator").resolve()
    made = Checkout(tmp_path_factory.mktemp("checkout"), engine, emulator)
    make_small(made)
    made.edit(
        "totara_infra/catalogue/domains/sd04.yaml",
        "- id: MOD-020\n",
        "- id: MOD-020\n  secrets:" + OWN_SECRET,
    )
    yield made
    made.close()


def killed_after(checkout: Checkout, step: str) -> None:
    """Run the playbook and kill it, with all that it has started, once a step is in the journal."""
    process = subprocess.Popen(
        checkout.command("totara", "provision", "acorn", "local"),
        cwd=checkout.root, env=checkout.environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while step not in [record["step"] for record in journal(checkout)]:
        assert process.poll() is None, "it has ended before"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="session")
def provisioned(checkout, tmp_path_factory) -> Provisioned:
    """From nothing to a customer, with a kill in the middle."""
    killed_after(checkout, "containers")
    evidence = tmp_path_factory.mktemp("evidence") / "provision.json"
    done = checkout.totara("provision", "acorn", "local", "--evidence", str(evidence))
    return Provisioned(done.out, evidence)


@pytest.fixture(scope="session")
def rehearsed(checkout) -> Iterator[tuple[Outcome, Outcome]]:
    """Two runs on a rehearsal of prod: without assumptions, then with one for all people."""
    words = ["provision", "acorn", "prod", "--rehearse", "--first"]
    waiting = checkout.totara(*words, code=1)
    yield waiting, checkout.totara(*words, "--assume-people", "nobody is here", code=1)
    checkout.totara("down", "prod", "--rehearse")
