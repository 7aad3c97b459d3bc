"""Runbooks: ordered steps that people and the program take, each with a signal that it is done.

The provisioning playbook and the recovery scenarios are runbooks. A step is never ticked: its proof
asks the live environment whether the step is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, Location
from totara_infra.model.evidence import Caller, Digest, Revision
from totara_infra.model.graph import Graph, longest_path
from totara_infra.model.naming import placeholders
from totara_infra.model.problems import Problem
from totara_infra.model.vocabulary import Environment, Phrase, Provenance, Sentence, Slug

PLACEHOLDERS = ("env", "tenant", "recovery", "since")
"""What a command or an instruction may hold: the stack as `totara` takes it, the client id, the
stack that stands in for the first in the other region, and the moment of the declaration."""


class Performer(StrEnum):
    """Who takes a step."""

    PROGRAM = "program"
    """The command is run for you."""
    PLATFORM_ENGINEER = "platform engineer"
    """On call for the platform; the technical lead of an incident."""
    INCIDENT_COMMANDER = "incident commander"
    """Decides; declares the incident and its end."""
    COMMUNICATIONS_LEAD = "communications lead"
    """Speaks to clients and regulators."""
    HEAD_OF_TECHNOLOGY = "Head of Technology"
    CHIEF_COMPLIANCE_OFFICER = "Chief Compliance Officer"
    CLIENT = "client institution"
    """The licensed institution itself."""
    THIRD_PARTY = "third party"
    """A supplier, sponsor bank or scheme."""


class Step(Model):
    """One step of a runbook."""

    id: Slug
    title: Phrase
    performer: Performer
    needs: list[Slug] = Field(default_factory=list)
    """Steps that must be done before."""
    minutes: float = Field(gt=0)
    """How long it usually takes, waiting for others included."""
    command: str | None = None
    """What the program runs, beginning with `totara`."""
    instructions: list[Sentence] = Field(default_factory=list)
    """What people do, in order."""
    signal: Phrase
    """How one sees that it is done."""
    proof: Slug
    """The check behind the signal."""
    why: Sentence
    assumed_with: Slug | None = None
    """A step whose absence leaves this one nothing to work on: where that one is only assumed, this
    one is not taken and counts as assumed for the same reason."""
    provenance: Provenance = Provenance.ASSUMED

    @property
    def by_people(self) -> bool:
        """Whether only people can take it."""
        return self.performer is not Performer.PROGRAM


def step_problems(
    document: Document, location: Location, steps: Sequence[Step], proofs: Collection[str]
) -> Iterator[Problem]:
    """What is wrong with the steps of a runbook.

    Args:
        document: the file that has them.
        location: of the list in the file.
        steps: as they stand there.
        proofs: names of the proofs that there are.
    """
    earlier: set[str] = set()
    for index, step in enumerate(steps):
        here = (*location, index)
        if step.id in earlier:
            yield document.problem(
                (*here, "id"),
                "step-twice",
                f"two steps are called `{step.id}`",
                "the record of a run names steps by their id",
                "give one of them another id",
            )
        for number, needed in enumerate(step.needs):
            if needed not in earlier:
                yield document.problem(
                    (*here, "needs", number),
                    "step-order",
                    f"step `{step.id}` needs `{needed}`, which does not stand before it",
                    "people read a runbook from top to bottom",
                    "correct the id, or move the step down",
                )
        if step.assumed_with is not None and step.assumed_with not in earlier:
            yield document.problem(
                (*here, "assumed_with"),
                "step-order",
                f"step `{step.id}` is assumed with `{step.assumed_with}`, which does not stand "
                "before it",
                "what became of that step is not known yet",
                "correct the id, or move the step down",
            )
        if (step.command is None) is not step.by_people:
            yield document.problem(
                here,
                "step-command",
                f"step `{step.id}` is for the {step.performer}"
                + (" and has a command" if step.by_people else " and has no command"),
                "the program runs commands, people follow instructions",
                "set `performer: program` with a command, or somebody else with instructions",
            )
        if step.by_people and not step.instructions:
            yield document.problem(
                here,
                "step-instructions",
                f"step `{step.id}` does not say what the {step.performer} does",
                "nobody can follow it",
                "add `instructions:`",
            )
        if step.command is not None and not step.command.startswith("totara "):
            yield document.problem(
                (*here, "command"),
                "step-command",
                f"the command of `{step.id}` is `{step.command}`",
                "a runbook runs commands of this project only",
                "begin it with `totara `, or make the step one for people",
            )
        for text in [step.command or "", *step.instructions]:
            for name in placeholders(text):
                if name not in PLACEHOLDERS:
                    yield document.problem(
                        here,
                        "step-placeholder",
                        f"step `{step.id}` has the placeholder {{{name}}}",
                        "nothing fills it in",
                        f"use one of {', '.join(PLACEHOLDERS)}",
                    )
        if step.proof not in proofs:
            yield document.problem(
                (*here, "proof"),
                "step-proof",
                f"step `{step.id}` has the proof `{step.proof}`",
                "there is no such check, so nobody could tell when it is done",
                f"write one of {', '.join(sorted(proofs))}",
            )
        earlier.add(step.id)


def critical_path(steps: Sequence[Step]) -> list[Step]:
    """The chain of steps that takes longest: no number of people makes the runbook shorter.

    Args:
        steps: of a runbook.

    Returns:
        The steps of the chain in order; the sum of their minutes is the least time.
    """
    by_id = {step.id: step for step in steps}
    graph: Graph[None] = Graph(by_id)
    for step in steps:
        for needed in step.needs:
            graph.add_edge(needed, step.id)
    return [by_id[name] for name in longest_path(graph, {s.id: s.minutes for s in steps})]


class StepOutcome(StrEnum):
    """What became of a step."""

    THERE = "there"
    """Its proof held before anything was done."""
    DONE = "done"
    """It was taken, and its proof holds."""
    ASSUMED = "assumed"
    """Its proof does not hold; somebody has taken responsibility for going on without."""
    PLAYED = "played"
    """In a drill, the part of people: a stand-in brought the proof about, or nobody took it and
    its stated minutes are counted."""
    WAITING = "waiting"
    """People have to take it."""
    FAILED = "failed"
    """It was taken, and its proof does not hold."""
    NOT_REACHED = "not reached"
    """A step that it needs is not done."""

    @property
    def lets_on(self) -> bool:
        """Whether steps that need this one may begin."""
        return self in (
            StepOutcome.THERE,
            StepOutcome.DONE,
            StepOutcome.ASSUMED,
            StepOutcome.PLAYED,
        )


class StepRecord(Model):
    """A step that was tried, as the record of a run keeps it."""

    step: Slug
    outcome: StepOutcome
    started: datetime
    """UTC."""
    finished: datetime
    """UTC."""
    found: str
    """What the proof found; why, where it was not asked."""
    assumption: str = ""
    """Of an assumed step: the reason that was given."""

    @property
    def minutes(self) -> float:
        """How long it took."""
        return (self.finished - self.started).total_seconds() / 60


class RunbookRecord(Model):
    """The evidence of a run of a runbook."""

    kind: Literal["totara-runbook", "totara-drill"] = "totara-runbook"
    schema_version: Literal[1] = 1
    runbook: str
    """Which, such as `provision acorn` or `recover region-loss`."""
    environment: Environment
    stack: str
    emulated: bool
    """Whether it ran against an emulator on one machine: then it says nothing of AWS."""
    account_id: str = Field(pattern=r"^\d{12}$")
    region: str
    caller: Caller
    revision: Revision
    started: datetime
    """UTC; of the first step that was ever tried, in whichever run."""
    finished: datetime
    """UTC."""
    steps: list[StepRecord]
    """Everything that was tried, in order; a step that was tried again stands there again."""
    outcome: Literal["complete", "incomplete"]
    digest: Digest
    """Over everything else, see `totara_infra.model.evidence.digest_of`."""
