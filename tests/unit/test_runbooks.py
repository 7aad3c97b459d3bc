"""Runbooks: what is done is proved, what is not is taken, waited for or assumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from totara_infra.delivery.runbooks import Finding, Journal, Runbook, critical_path
from totara_infra.model.documents import Document
from totara_infra.model.problems import TotaraError
from totara_infra.model.runbook import Performer, Step, StepOutcome, step_problems


def step(name: str, *needs: str, **changes: Any) -> Step:
    given = {
        "id": name,
        "title": f"The step {name}",
        "performer": Performer.PROGRAM,
        "needs": list(needs),
        "minutes": 5,
        "command": "totara schemas --help",
        "signal": "the proof holds",
        "proof": name,
        "why": "The test needs it.",
    }
    return Step.model_validate(given | changes)


def by_people(name: str, *needs: str, **changes: Any) -> Step:
    return step(
        name,
        *needs,
        performer=Performer.THIRD_PARTY,
        command=None,
        instructions=["Ask {tenant} for it."],
        **changes,
    )


@dataclass
class World:
    """What the proofs ask: which steps are done, and how often each was asked."""

    done: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def proof(self, name: str, *, after_asking: int | None = None):
        def ask() -> Finding:
            self.asked.append(name)
            if after_asking is not None and self.asked.count(name) > after_asking:
                self.done.add(name)
            return Finding(name in self.done, "found" if name in self.done else "not there")

        return ask


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def runbook(tmp_path, monkeypatch):
    monkeypatch.setenv("TOTARA_STATE_DIRECTORY", str(tmp_path / "state"))

    def make(steps: list[Step], proofs: dict[str, Any]) -> Runbook:
        journal = Journal(tmp_path / "journal.jsonl")
        values = {"env": "local", "tenant": "acorn"}
        return Runbook("test", "local", steps, proofs, values, journal)

    return make


def outcomes(records) -> dict[str, StepOutcome]:
    return {r.step: r.outcome for r in records}


def test_what_holds_is_not_taken_and_what_people_take_holds_up_only_what_needs_it(
    runbook, world
) -> None:
    world.done.add("there")
    steps = [step("there", command="totara no-such-command"), by_people("approval"), step("last")]
    steps += [step("after", "approval")]
    proofs = {s.id: world.proof(s.id) for s in steps} | {
        "last": world.proof("last", after_asking=1)
    }
    said: list[str] = []
    book = runbook(steps, proofs)
    assert outcomes(book.take({}, said.append)) == {
        "there": StepOutcome.THERE,
        "approval": StepOutcome.WAITING,
        "last": StepOutcome.DONE,
        "after": StepOutcome.NOT_REACHED,
    }
    assert "  1. Ask acorn for it." in said
    assert world.asked.count("after") == 0


def test_a_command_that_succeeds_and_changes_nothing_has_failed(runbook, world) -> None:
    book = runbook([step("empty")], {"empty": world.proof("empty")})
    (record,) = book.take({}, lambda _: None)
    assert (record.outcome, record.found) == (StepOutcome.FAILED, "not there")


def test_a_command_that_fails_says_what_it_printed(runbook, world) -> None:
    wrong = step("wrong", command="totara activation --tenant nobody")
    (record,) = runbook([wrong], {"wrong": world.proof("wrong")}).take({}, lambda _: None)
    assert record.outcome is StepOutcome.FAILED
    assert "exit code 2" in record.found
    assert "nobody" in record.found.split("all of it is in")[1]


def test_a_proof_without_an_answer_does_not_hold(runbook) -> None:
    def silent() -> Finding:
        raise TotaraError("no answer")

    (record,) = runbook([by_people("silent")], {"silent": silent}).take({}, lambda _: None)
    assert (record.outcome, record.found) == (StepOutcome.WAITING, "no answer")


def test_an_assumption_is_kept_with_its_reason_and_lets_on_what_needs_it(runbook, world) -> None:
    steps = [by_people("approval"), step("after", "approval"), by_people("other")]
    proofs = {s.id: world.proof(s.id) for s in steps}
    first, second, third = runbook(steps, proofs).take({"approval": "throwaway"}, lambda _: None)
    assert (first.outcome, first.assumption) == (StepOutcome.ASSUMED, "throwaway")
    assert second.outcome is StepOutcome.FAILED
    assert (third.outcome, third.assumption) == (StepOutcome.WAITING, "")


def test_a_journal_that_was_cut_off_keeps_the_rest(runbook, world) -> None:
    book = runbook([by_people("approval")], {"approval": world.proof("approval")})
    book.take({}, lambda _: None)
    with book.journal.path.open("a") as stream:
        stream.write('{"step": "approval", "outc')
    world.done.add("approval")
    book.take({}, lambda _: None)
    found = [r.outcome for r in book.journal.records()]
    assert found == [StepOutcome.WAITING, StepOutcome.THERE]


def test_the_critical_path_is_the_longest_chain() -> None:
    steps = [
        by_people("long", minutes=90),
        by_people("short", minutes=10),
        by_people("chained", "short", minutes=70),
        by_people("end", "short", "chained", minutes=20),
    ]
    assert [s.id for s in critical_path(steps)] == ["short", "chained", "end"]
    assert [s.id for s in critical_path(steps[:3])] == ["long"]


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        (step("second", "third"), "step-order"),
        (step("first"), "step-twice"),
        (step("second", command=None), "step-command"),
        (step("second", command="rm -r /"), "step-command"),
        (step("second", command="totara up {region}"), "step-placeholder"),
        (step("second", proof="guess"), "step-proof"),
        (by_people("second").model_copy(update={"instructions": []}), "step-instructions"),
        (by_people("second").model_copy(update={"command": "totara up"}), "step-command"),
    ],
)
def test_each_rule_finds_its_fault(changed: Step, rule: str) -> None:
    document = Document(Path("runbook.yaml"), Path(), "", {})
    right = [step("first"), by_people("second", "first"), step("third", "second")]
    proofs = {"first", "second", "third"}
    assert list(step_problems(document, ("steps",), right, proofs)) == []
    found = {p.rule for p in step_problems(document, ("steps",), [right[0], changed], proofs)}
    assert found == {rule}
