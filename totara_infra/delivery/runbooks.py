"""Taking the steps of a runbook: what is done is proved, what is not is taken or waited for.

A run can be interrupted anywhere. The next one asks every proof again and goes on from what does
not hold; the journal keeps what was tried and how long it took.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from totara_infra.delivery.revision import checked_out
from totara_infra.delivery.state.status import state_status
from totara_infra.delivery.update import run_folder
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.interruption import InterruptedRunError, passed_on
from totara_infra.local.progress import step as progress
from totara_infra.local.project import project_root
from totara_infra.model.evidence import digest_of
from totara_infra.model.naming import fill
from totara_infra.model.problems import TotaraError
from totara_infra.model.redaction import redacted_data
from totara_infra.model.runbook import (
    RunbookRecord,
    Step,
    StepOutcome,
    StepRecord,
    critical_path,
)
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained

__all__ = ["Finding", "Journal", "Proof", "Runbook", "Say", "critical_path"]
_LAST_LINES = 20


@dataclass(frozen=True)
class Finding:
    """What a proof found.

    Attributes:
        holds: the step is done.
        found: what was found, as a sentence for people.
    """

    holds: bool
    found: str


Proof = Callable[[], Finding]
"""Asks the live environment whether a step is done; changes nothing."""


def asked(proof: Proof) -> Finding:
    """Ask a proof. One that gets no answer does not hold."""
    try:
        return proof()
    except (TotaraError, LocalEnvironmentError, BotoCoreError, ClientError) as error:
        return Finding(False, str(error))


def caller_of(live: Live) -> dict[str, str]:
    """Who takes the steps, as AWS says.

    Raises:
        AwsRefusedError: STS does not say who the caller is.
    """
    with explained("asking who takes the steps"):
        identity = live.client("sts").get_caller_identity()
    return {
        "arn": identity["Arn"],
        "account": identity["Account"],
        "user_id": identity["UserId"],
    }


StandIn = Callable[[], None]
"""Plays the part of people in a drill."""
Say = Callable[[str], None]
"""Takes a line for people."""


class Journal:
    """What was tried, in a file that only grows: a line of JSON for each step."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> list[StepRecord]:
        """Everything that was tried, in order. A line that an interruption cut off is left out."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(StepRecord.model_validate_json(line))
            except ValidationError:
                continue
        return found

    def add(self, record: StepRecord) -> None:
        """Keep a record; it is on the disk when this returns.

        Raises:
            TotaraError: the file can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self.path.open("a+", encoding="utf-8") as stream:
                # What an interruption cut off must not swallow this line.
                stream.seek(0)
                whole = stream.read()
                start = "" if not whole or whole.endswith("\n") else "\n"
                stream.write(
                    f"{start}{json.dumps(redacted_data(record.model_dump(mode='json')))}\n"
                )
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise TotaraError(f"`{self.path}` can't be written: {error.strerror}.") from None


@dataclass(frozen=True)
class Runbook:
    """A runbook for one environment, ready to be taken.

    Attributes:
        name: such as `provision acorn`.
        stack: the engine's name of the stack.
        steps: in an order in which they can be taken.
        proofs: name of the proof -> asks it.
        values: what stands for the placeholders of commands and instructions.
        journal: keeps what was tried.
    """

    name: str
    stack: str
    steps: Sequence[Step]
    proofs: Mapping[str, Proof]
    values: Mapping[str, str]
    journal: Journal
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables of the commands."""
    stand_ins: Mapping[str, StandIn] | None = None
    """In a drill: step -> what plays the part of people there; None where it is no drill."""

    def command(self, step: Step) -> str:
        """The command of a step, filled in; empty where people take it."""
        return fill(step.command or "", dict(self.values))

    def instructions(self, step: Step) -> list[str]:
        """What people do for a step, filled in."""
        return [fill(text, dict(self.values)) for text in step.instructions]

    def ask(self, step: Step) -> Finding:
        """Ask the proof of a step. One that gets no answer does not hold."""
        return asked(self.proofs[step.proof])

    def state(self) -> list[tuple[Step, Finding]]:
        """Every step with what its proof finds now. Changes nothing."""
        return [(step, self.ask(step)) for step in self.steps]

    def take(self, assumed: Mapping[str, str], say: Say) -> list[StepRecord]:
        """Take every step that can be taken; one that fails or waits holds up only what needs it.

        Args:
            assumed: step -> reason why the run may go on although its proof does not hold.
            say: takes what happens, as it happens.

        Returns:
            What became of each step, in order.
        """
        known: dict[str, StepRecord] = {}
        for step in self.steps:
            try:
                record = self._take(step, known, assumed, say)
            except KeyboardInterrupt:
                raise InterruptedRunError(self._interrupted(step, known)) from None
            known[step.id] = record
            self.journal.add(record)
            say(f"{record.outcome}: {step.title}. {record.found}")
        return list(known.values())

    def _take(
        self,
        step: Step,
        known: Mapping[str, StepRecord],
        assumed: Mapping[str, str],
        say: Say,
    ) -> StepRecord:
        started = datetime.now(UTC)

        def ended(outcome: StepOutcome, found: str, assumption: str = "") -> StepRecord:
            return StepRecord(
                step=step.id,
                outcome=outcome,
                started=started,
                finished=datetime.now(UTC),
                found=found,
                assumption=assumption,
            )

        missing = [needed for needed in step.needs if not known[needed].outcome.lets_on]
        if missing:
            return ended(StepOutcome.NOT_REACHED, f"It needs {', '.join(missing)} first.")
        before = self.ask(step)
        if before.holds:
            return ended(StepOutcome.THERE, before.found)
        reason = assumed.get(step.id) or _inherited(step, known)
        if reason:
            return ended(StepOutcome.ASSUMED, before.found, reason)
        if step.by_people:
            return ended(*self._left_to_people(step, before, say))
        refused = self._run(step)
        after = self.ask(step)
        if after.holds:
            # The proof decides: a first update stops at a gate and has done its part all the same.
            return ended(StepOutcome.DONE, after.found)
        return ended(StepOutcome.FAILED, refused or after.found)

    def _interrupted(self, step: Step, known: Mapping[str, StepRecord]) -> str:
        """What an interruption in the middle of a step has left, in one line."""
        done = sum(record.outcome.lets_on for record in known.values())
        return (
            f"Interrupted in the step {step.id}. {done} of {len(self.steps)} steps of {self.name} "
            f"stand and are in the journal; {_state_of(self.stack)} Run the same command again: "
            "it proves what is there and goes on."
        )

    def _left_to_people(self, step: Step, before: Finding, say: Say) -> tuple[StepOutcome, str]:
        if self.stand_ins is not None:
            return self._play(step, self.stand_ins)
        for number, text in enumerate(self.instructions(step), start=1):
            say(f"  {number}. {text}")
        return StepOutcome.WAITING, before.found

    def _play(self, step: Step, stand_ins: Mapping[str, StandIn]) -> tuple[StepOutcome, str]:
        if step.id not in stand_ins:
            return StepOutcome.PLAYED, f"Nobody took it; its {step.minutes:g} minutes are counted."
        try:
            stand_ins[step.id]()
        except (TotaraError, LocalEnvironmentError, BotoCoreError, ClientError) as error:
            return StepOutcome.FAILED, str(error)
        after = self.ask(step)
        return StepOutcome.PLAYED if after.holds else StepOutcome.FAILED, after.found

    def _run(self, step: Step) -> str | None:
        """Run the command of a step; why it failed, or None."""
        command = self.command(step)
        log = run_folder(self.stack) / f"step-{step.id}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        words = shlex.split(command)[1:]
        with (
            progress(step.title, f"{step.minutes:g} min"),
            log.open("wb") as output,
            passed_on() as child,
        ):
            done = child.start(
                [sys.executable, "-m", "totara_infra.cli", *words],
                cwd=project_root(),
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            done.wait()
        if child.interrupted:
            # The command has ended what it had begun; its last line is in the log.
            raise KeyboardInterrupt
        if done.returncode == 0:
            return None
        text = log.read_text(encoding="utf-8", errors="replace").strip()
        last = "\n".join(f"    {line}" for line in text.splitlines()[-_LAST_LINES:])
        return f"`{command}` ended with exit code {done.returncode}; all of it is in {log}:\n{last}"

    def record(
        self,
        live: Live,
        model: type[RunbookRecord] = RunbookRecord,
        caller: dict[str, str] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """The evidence: everything that was tried, who tried it, and with which files.

        Args:
            live: the environment.
            model: of the record, where one holds more.
            caller: who takes the steps, where that was asked before; else it is asked now.
            more: what it holds more; `outcome`, where more than the steps decides on it.

        Raises:
            AwsRefusedError: STS does not say who the caller is.
            LookupError: nothing was tried yet.
        """
        records = self.journal.records()
        if not records:
            raise LookupError(f"{self.name}: nothing was tried yet")
        latest = {record.step: record.outcome for record in records}
        complete = all(latest.get(step.id, StepOutcome.NOT_REACHED).lets_on for step in self.steps)
        whole = model.model_validate(
            {
                "runbook": self.name,
                "environment": live.settings.environment,
                "stack": self.stack,
                "emulated": live.settings.emulated,
                "account_id": live.settings.account_id,
                "region": live.settings.region,
                "caller": caller or caller_of(live),
                "revision": checked_out().model_dump(),
                "started": records[0].started,
                "finished": records[-1].finished,
                "steps": [record.model_dump() for record in records],
                "outcome": "complete" if complete else "incomplete",
                "digest": f"sha256:{'0' * 64}",
                **more,
            }
        )
        written = redacted_data(whole.model_dump(mode="json", exclude={"digest"}))
        return {**written, "digest": digest_of(written)}


def _state_of(stack: str) -> str:
    """Whether an update may run on a stack's state, for the line about an interruption."""
    try:
        status = state_status(stack)
    except TotaraError:
        return "the state of the stack can't be asked for."
    if status.sound:
        return "the state of the stack is sound."
    return f"the state of the stack needs mending: `totara state status {status.words}` says how."


def _inherited(step: Step, known: Mapping[str, StepRecord]) -> str:
    """The reason for which the step was assumed without which this one has nothing to work on."""
    base = known.get(step.assumed_with or "")
    return base.assumption if base is not None else ""
