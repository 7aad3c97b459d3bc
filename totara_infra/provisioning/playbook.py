"""The playbook for one client in one stack: what it consists of, how long it takes, taking it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from totara_infra.delivery.runbooks import Finding, Journal, Runbook, Say
from totara_infra.delivery.stacks import stack_settings
from totara_infra.delivery.update import run_folder
from totara_infra.model.problems import UsageError
from totara_infra.model.provisioning import (
    Deployment,
    Part,
    ProvisioningStep,
    read_provisioning,
    timed,
)
from totara_infra.model.runbook import StepOutcome, StepRecord, critical_path
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.live import Live
from totara_infra.provisioning.proofs import ready
from totara_infra.provisioning.proofs.asking import Asking
from totara_infra.provisioning.situation import LeftOut, Situation, applicable, situation_of
from totara_infra.resolver import load_catalogue

MINUTES_AN_HOUR = 60


class Way(StrEnum):
    """Which of the two runbooks of a client."""

    PROVISION = "provision"
    """From nothing to a client that is live."""
    DECOMMISSION = "decommission"
    """From there to a client that is closed, with what must be kept."""


@dataclass(frozen=True)
class Playbook:
    """The steps for one client in one stack.

    Attributes:
        way: in or out.
        situation: client and stack.
        steps: those that apply, in an order in which they can be taken.
        left_out: the others, with the reason.
        published_hours: least and most hours of work that clients are told; None on the way out,
            of which nothing is published.
        runbook: takes the steps.
    """

    way: Way
    situation: Situation
    steps: Sequence[ProvisioningStep]
    left_out: Sequence[LeftOut]
    published_hours: tuple[float, float] | None
    runbook: Runbook

    @classmethod
    def open(
        cls,
        way: Way,
        client_id: str,
        name: str,
        rehearse: bool,
        deployment: Deployment | None = None,
    ) -> Playbook:
        """Find out which steps apply.

        Args:
            way: in or out.
            client_id: of an institution that has a file.
            name: of the stack, as people write it.
            rehearse: on an emulator of its own.
            deployment: the stack's first or a later one; found out where it is left out.

        Raises:
            UsageError: no such stack, or no file of that client.
            ProblemsError: what is wrong in the files.
        """
        catalogue = load_catalogue().catalogue
        content = read_provisioning(catalogue)
        situation = situation_of(client_id, name, rehearse, deployment)
        steps_of_way = content.provision if way is Way.PROVISION else content.decommission
        chosen, left = applicable(steps_of_way, situation)
        journal = Journal(run_folder(situation.stack) / f"{way}-{client_id}.jsonl")
        steps, proofs = ready(Asking(situation, catalogue, content, journal), chosen)
        runbook = Runbook(
            name=f"{way} {client_id}",
            stack=situation.stack,
            steps=steps,
            proofs=proofs,
            values={"env": situation.words, "tenant": client_id},
            journal=journal,
        )
        told = content.published_hours(situation.deployment) if way is Way.PROVISION else None
        return cls(way, situation, chosen, left, told, runbook)

    @property
    def longest(self) -> list[ProvisioningStep]:
        """The chain of steps that takes longest, prerequisites aside."""
        by_id = {step.id: step for step in self.steps}
        return [by_id[step.id] for step in critical_path(timed(self.steps))]

    @property
    def hours(self) -> float:
        """Hours of work that the longest chain takes: no number of people makes it shorter."""
        return sum(step.minutes for step in self.longest) / MINUTES_AN_HOUR

    @property
    def hands_on_hours(self) -> float:
        """Hours that people are at it in all, prerequisites included."""
        return sum(step.hands_on_minutes for step in self.steps) / MINUTES_AN_HOUR

    @property
    def lead_hours(self) -> float:
        """Hours that the slowest prerequisites take before the days begin to count."""
        early = [step for step in self.steps if step.part is Part.PREREQUISITE]
        return sum(step.minutes for step in critical_path(early)) / MINUTES_AN_HOUR if early else 0

    def state(self) -> list[Finding]:
        """What each proof finds now, in the order of the steps."""
        with ThreadPoolExecutor(4) as executor:
            return list(executor.map(self.runbook.ask, self.runbook.steps))

    def assumptions(self, single: Mapping[str, str], people: str | None) -> dict[str, str]:
        """Step -> reason for which the run goes on without its proof.

        Args:
            single: as given for single steps.
            people: reason for every step that people take; None where nobody said so.

        Raises:
            UsageError: a step that there is not or that is always proved, or all of people's steps
                in an environment that is not throwaway.
        """
        by_id = {step.id: step for step in self.steps}
        known = ", ".join(s.id for s in self.steps if s.may_be_assumed)
        for step_id in single:
            if step_id not in by_id:
                raise UsageError(
                    f"--assume {step_id}: there is no such step for {self.situation.title}. "
                    f"It could be one of {known}."
                )
            if not by_id[step_id].may_be_assumed:
                raise UsageError(
                    f"--assume {step_id}: that step is always proved, as all that follows rests on "
                    f"it. What may be assumed: {known}."
                )
        if people is not None and not self.situation.throwaway:
            raise UsageError(
                f"--assume-people is for `local` and rehearsals: {self.situation.name} is not "
                "throwaway. Assume single steps with --assume STEP=REASON."
            )
        found: dict[str, str] = {}
        for step in self.steps:
            if not (step.by_people and step.may_be_assumed):
                continue
            if people is not None:
                found[step.id] = people
            elif self.situation.environment is Environment.LOCAL and step.in_local:
                found[step.id] = step.in_local
        return {**found, **single}

    def take(self, assumed: Mapping[str, str], say: Say) -> list[StepRecord]:
        """Take every step that can be taken; what holds already is left alone."""
        return self.runbook.take(assumed, say)

    def evidence(self) -> dict[str, Any]:
        """The record of everything that was tried.

        Raises:
            UsageError: the emulator is not running.
            AwsRefusedError: STS does not say who the caller is.
        """
        return self.runbook.record(
            Live(stack_settings(self.situation.name, self.situation.rehearse))
        )

    def as_data(self, state: Sequence[Finding]) -> dict[str, Any]:
        """The plan as JSON can hold it.

        Args:
            state: what each proof finds now.
        """
        situation = self.situation
        return {
            "way": self.way.value,
            "tenant": situation.tenant.client_id,
            "stack": situation.stack,
            "environment": situation.environment.value,
            "deployment": situation.deployment.value,
            "steps": [
                {
                    "id": step.id,
                    "title": step.title,
                    "part": step.part.value,
                    "performer": step.performer.value,
                    "needs": step.needs,
                    "minutes": step.minutes,
                    "hands_on_minutes": step.hands_on_minutes,
                    "command": self.runbook.command(step) or None,
                    "instructions": self.runbook.instructions(step),
                    "signal": step.signal,
                    "why": step.why,
                    "provenance": step.provenance.value,
                    "may_be_assumed": step.may_be_assumed,
                    "holds": finding.holds,
                    "found": finding.found,
                }
                for step, finding in zip(self.steps, state, strict=True)
            ],
            "left_out": [{"id": e.step.id, "reason": e.reason} for e in self.left_out],
            "critical_path": [step.id for step in self.longest],
            "critical_path_hours": round(self.hours, 2),
            "published_hours": list(self.published_hours) if self.published_hours else None,
            "lead_hours": round(self.lead_hours, 2),
            "hands_on_hours": round(self.hands_on_hours, 2),
        }


def unfinished(records: Sequence[StepRecord]) -> list[StepRecord]:
    """Steps of a run that people or a mended fault have to get on with."""
    return [r for r in records if r.outcome in (StepOutcome.WAITING, StepOutcome.FAILED)]
