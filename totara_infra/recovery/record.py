"""What a drill leaves: evidence, and the times with which the recovery times are compared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from totara_infra.local.project import state_directory
from totara_infra.model.declarations import Model
from totara_infra.model.evidence import digest_of
from totara_infra.model.json_text import read_json
from totara_infra.model.redaction import write_redacted_json
from totara_infra.model.runbook import RunbookRecord, StepOutcome
from totara_infra.model.vocabulary import Slug


class SignRecord(Model):
    """An indicator after the fault and at the end."""

    indicator: Slug
    after_fault: bool | None
    """Whether it was raised; null where it could not be asked, or no drill can show it."""
    found: str
    """What it found after the fault."""
    at_end: bool | None
    """Whether it was still raised at the end."""


class AcceptanceRecord(Model):
    """One thing that must hold at the end."""

    name: str
    holds: bool
    found: str


class DrillRecord(RunbookRecord):
    """The evidence of a drill."""

    kind: Literal["totara-drill"] = "totara-drill"
    scenario: Slug
    faults: list[str]
    injected: datetime
    """UTC."""
    runs: int = Field(ge=1)
    """How often the drill was begun or gone on with."""
    indicators: list[SignRecord]
    idle: list[Slug]
    """Steps that had nothing to do: their proof held although the fault was there."""
    acceptance: list[AcceptanceRecord]
    not_proved: list[str]


def drills_folder() -> Path:
    """Where drills that go on and the records of those that have ended are kept."""
    return state_directory() / "drills"


def keep(record: Mapping[str, Any]) -> Path:
    """Keep the record of a drill that has ended; the newest gives the times of the plan."""
    folder = drills_folder() / "records"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    finished = datetime.fromisoformat(record["finished"])
    path = folder / f"{record['scenario']}-{finished:%Y%m%dT%H%M%S%f}.json"
    with path.open("w", encoding="utf-8") as stream:
        write_redacted_json(record, stream)
    return path


def newest(scenario: str) -> DrillRecord | None:
    """The record of the newest drill that was complete, of whichever environment.

    One that was altered since does not count.
    """
    for path in sorted((drills_folder() / "records").glob(f"{scenario}-*.json"), reverse=True):
        try:
            content = read_json(path.read_text(encoding="utf-8"))
            record = DrillRecord.model_validate(content)
        except (ValueError, ValidationError):
            continue
        if record.outcome == "complete" and digest_of(content) == record.digest:
            return record
    return None


def measured(record: DrillRecord | None) -> dict[str, float]:
    """Step -> minutes that the program took for it in a drill."""
    steps = record.steps if record is not None else []
    return {s.step: s.minutes for s in steps if s.outcome is StepOutcome.DONE}
