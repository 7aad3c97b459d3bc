"""Drills on a small copy of the project, with steps left out of its runbooks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.command import TOTARA
from tests.engine.checkout import Checkout, Outcome

FILE = "totara_infra/catalogue/recovery.yaml"


class Drills:
    """Drills of one scenario on the stack `local` of a copy."""

    def __init__(self, checkout: Checkout, scenario: str) -> None:
        self.checkout = checkout
        self.scenario = scenario
        self._file = checkout.root / FILE
        self._whole = self._file.read_text(encoding="utf-8")

    @property
    def plan(self) -> Any:
        return yaml.safe_load(self._whole)

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.chosen(self.plan)["steps"]

    def chosen(self, plan: Any) -> Any:
        return next(s for s in plan["scenarios"] if s["id"] == self.scenario)

    def run(self, code: int = 0) -> tuple[Any, Outcome]:
        """Drill; the record and how the command ended."""
        done = self.checkout.totara(
            "dr", "drill", self.scenario, "local", "--format", "json", code=code
        )
        assert done.out, done.err
        return json.loads(done.out), done

    @contextmanager
    def edited(self, plan: Any) -> Iterator[None]:
        self._file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        try:
            yield
        finally:
            self._file.write_text(self._whole, encoding="utf-8")

    def proof(self, step: str) -> str:
        return str(next(s["proof"] for s in self.steps if s["id"] == step))

    def _lacking(self, step: str) -> Any:
        plan = self.plan
        chosen = self.chosen(plan)
        before = len(chosen["steps"])
        chosen["steps"] = [s for s in chosen["steps"] if s["id"] != step]
        assert len(chosen["steps"]) == before - 1
        for other in chosen["steps"]:
            other["needs"] = [n for n in other.get("needs", []) if n != step]
        return plan

    def without(self, step: str) -> tuple[Any, Outcome]:
        """Drill with a runbook that lacks a step, which must fail; the record."""
        with self.edited(self._lacking(step)):
            return self.run(code=1)

    def refused_without(self, steps: Sequence[str]) -> dict[str, tuple[int, str]]:
        """Drill without each of the steps, for runbooks that are refused before anything breaks."""
        found = {}
        for step in steps:
            with self.edited(self._lacking(step)):
                done = self.checkout.run(TOTARA, "dr", "drill", self.scenario, "local")
                found[step] = (done.code, done.err)
        return found

    def killed_after(self, line: str) -> list[str]:
        """Start a drill and kill it, with all that it has started, when it has said something."""
        process = subprocess.Popen(
            self.checkout.command("totara", "dr", "drill", self.scenario, "local"),
            cwd=self.checkout.root, env=self.checkout.environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        said = []
        deadline = time.monotonic() + 120
        for text in process.stderr:
            said.append(text)
            if text.startswith(line):
                break
            assert time.monotonic() < deadline, said
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert said[-1].startswith(line), "".join(said)
        return said

    @property
    def folder(self) -> Path:
        return self.checkout.state / "drills" / "local" / self.scenario

    def status(self, code: int) -> Any:
        done = self.checkout.totara(
            "dr", "status", self.scenario, "local", "--format", "json", code=code
        )
        return json.loads(done.out)


def outcomes(record: Any) -> dict[str, str]:
    """Step -> its last outcome."""
    return {s["step"]: s["outcome"] for s in record["steps"]}


def refused(record: Any) -> set[str]:
    """Names of what does not hold at the end."""
    return {a["name"] for a in record["acceptance"] if not a["holds"]}
