"""A drill: prepare, break, look, recover, accept. It goes on after an interruption."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from totara_infra.delivery.runbooks import Finding, Journal, Runbook, asked, caller_of
from totara_infra.delivery.stacks import engine_stack
from totara_infra.local.progress import step as progress
from totara_infra.local.project import runs_locally
from totara_infra.model.problems import UsageError
from totara_infra.model.recovery import Indicator, Scenario
from totara_infra.model.stack import command_words, recovery_of
from totara_infra.operations.secrets.answers import explained
from totara_infra.recovery import exports, indicators
from totara_infra.recovery.acceptance import ACCEPTANCES, PREPARATIONS, verified
from totara_infra.recovery.drill_state import (
    DrillState,
    claimed,
    clear,
    environment_of,
    read_state,
    require_no_other,
    write_state,
)
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.faults import FAULTS
from totara_infra.recovery.proofs import PROOFS
from totara_infra.recovery.record import DrillRecord, drills_folder, keep
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign
from totara_infra.recovery.stand_ins import STAND_INS

Say = Callable[[str], None]
_SHOW_SECONDS = 15.0
"""How long indicators may take to show a fault: an alarm takes three seconds."""
_ASK_EVERY_SECONDS = 1.0
QUIET = "indicators-quiet"
VERIFIED = "verified"


@dataclass(frozen=True)
class Ended:
    """A run of a drill.

    Attributes:
        record: the evidence.
        kept: where it is kept; None while the drill goes on.
        accepted: name -> whether it holds at the end.
        quiet: indicators that did not show the fault.
        idle: steps that had nothing to do.
        left: steps that are not taken.
    """

    record: dict[str, Any]
    kept: Path | None
    accepted: dict[str, Finding]
    quiet: list[str]
    idle: list[str]
    left: list[str]

    @property
    def passed(self) -> bool:
        """Whether everything was as it must be."""
        return bool(self.record["outcome"] == "complete")


def require_emulated(name: str, rehearse: bool) -> str:
    """See that nothing real would be broken; the engine's name of the stack.

    Raises:
        UsageError: it would.
    """
    stack = engine_stack(name, rehearse)
    if not runs_locally(stack):
        raise UsageError(
            f"A drill breaks things on purpose, and `{name}` is real. Rehearse it: "
            f"totara up {name} --rehearse, then the drill with --rehearse."
        )
    return stack


def run(scenario: Scenario, name: str, rehearse: bool, say: Say) -> Ended:
    """Drill a scenario, or go on with a drill that was interrupted or has failed.

    Args:
        scenario: which.
        name: of the environment, which must be up and well.
        rehearse: its rehearsal.
        say: takes what happens, as it happens.

    Raises:
        UsageError: a real environment, or one that is not up.
        DrillError: nothing was broken: the runbook lacks steps, the environment is not well, or
            another drill of it is running.
    """
    stack = require_emulated(name, rehearse)
    _require_evidence(scenario)
    folder = drills_folder() / stack / scenario.id
    with claimed(folder):
        require_no_other(folder, stack)
        state = read_state(folder, stack)
        scene = Scene.open(name, rehearse)
        scene.folder = folder
        if state is None:
            clear(folder)
            say(f"{scene.words}: preparing.")
            scene.since = datetime.now(UTC)
            state = _prepared(scenario, scene)
        else:
            state.runs += 1
            scene.facts = state.facts
            say(f"{scene.words}: going on with the drill of {state.started:%F %T} UTC.")
        scene.since = state.injected
        if not state.broken:
            _break(scenario, scene, state, say)
        write_state(folder, state)
        return _recovered(scenario, scene, state, say)


def _require_evidence(scenario: Scenario) -> None:
    proofs = {step.proof for step in scenario.steps}
    missing = [item for item in scenario.evidence if item.shown_by not in proofs]
    if missing:
        lines = "\n".join(f"  - {i.title}: no step has the proof {i.shown_by}" for i in missing)
        raise DrillError(
            f"The runbook of {scenario.id} leaves evidence out, and nothing was broken:\n{lines}\n"
            "    fix: add the steps to recovery.yaml that bring it"
        )


def _prepared(scenario: Scenario, scene: Scene) -> DrillState:
    signs = _signs(scenario, scene)
    drilled = _drilled(scenario, {i.id: signs[i.probe] for i in scenario.indicators})
    bad = [i for i in drilled if signs[i.probe].raised is not False]
    if bad:
        lines = "\n".join(f"  - {i.title}: {signs[i.probe].found}" for i in bad)
        raise DrillError(
            f"{scene.words} is not well, so a drill would show nothing; nothing was broken:\n"
            f"{lines}\n    fix: totara up {scene.words} --refresh, then "
            f"totara dr status {scene.words}"
        )
    for name in scenario.drill.prepare:
        with explained(f"preparing {name}"):
            PREPARATIONS[name].make(scene)
    now = datetime.now(UTC)
    return DrillState(
        emulator=environment_of(scene.stack),
        started=now,
        injected=now,
        caller=caller_of(scene.live),
        facts=scene.facts,
    )


def _break(scenario: Scenario, scene: Scene, state: DrillState, say: Say) -> None:
    assert scene.folder is not None
    # Written before the fault is there: an interruption in between repeats it, which does no harm.
    write_state(scene.folder, state)
    for name in scenario.drill.faults:
        with explained(f"injecting {name}"):
            FAULTS[name].inject(scene)
        say(f"injected: {name}")
    state.signs = _shown(scenario, scene)
    book = _runbook(scenario, scene)
    provable = [s for s in scenario.steps if not s.by_people or s.stand_in is not None]
    state.idle = [s.id for s in provable if book.ask(s).holds]
    state.broken = True
    for indicator in scenario.indicators:
        sign = state.signs[indicator.id]
        say(f"{sign.word}: {indicator.title}. {sign.found}")


def _shown(scenario: Scenario, scene: Scene) -> dict[str, Sign]:
    """Indicator -> what it shows, waiting for those that should be raised."""
    deadline = time.monotonic() + _SHOW_SECONDS
    while True:
        read = _signs(scenario, scene)
        signs = {i.id: read[i.probe] for i in scenario.indicators}
        shown = all(signs[i.id].raised for i in _drilled(scenario, signs))
        if shown or time.monotonic() > deadline:
            return signs
        time.sleep(_ASK_EVERY_SECONDS)


def _drilled(scenario: Scenario, signs: dict[str, Sign]) -> list[Indicator]:
    """Indicators that a drill in this environment can show."""
    return [i for i in scenario.indicators if not i.not_drilled and signs[i.id].applies]


def _signs(scenario: Scenario, scene: Scene) -> dict[str, Sign]:
    with progress("Reading the indicators", "a few seconds"):
        return indicators.read(scene, [scenario])


def _runbook(scenario: Scenario, scene: Scene) -> Runbook:
    assert scene.folder is not None
    return Runbook(
        f"recover {scenario.id}",
        scene.stack,
        scenario.steps,
        {name: partial(proof, scene) for name, proof in PROOFS.items()},
        {
            "env": scene.words,
            "recovery": command_words(recovery_of(scene.stack)),
            "since": scene.since.isoformat(),
        },
        Journal(scene.folder / "journal.jsonl"),
        exports.variables(scene),
        stand_ins={
            s.id: partial(STAND_INS[s.stand_in], scene)
            for s in scenario.steps
            if s.stand_in is not None
        },
    )


def _recovered(scenario: Scenario, scene: Scene, state: DrillState, say: Say) -> Ended:
    assert scene.folder is not None
    book = _runbook(scenario, scene)
    records = book.take({}, say)
    left = [r.step for r in records if not r.outcome.lets_on]
    signs = _signs(scenario, scene)
    accepted = _accepted(scenario, scene, signs, say)
    quiet = [i.id for i in _drilled(scenario, state.signs) if not state.signs[i.id].raised]
    recovered = not left and all(f.holds for f in accepted.values())
    complete = recovered and not quiet and not state.idle
    record = book.record(
        scene.live,
        DrillRecord,
        state.caller,
        outcome="complete" if complete else "incomplete",
        kind="totara-drill",
        scenario=scenario.id,
        faults=scenario.drill.faults,
        injected=state.injected,
        runs=state.runs,
        indicators=[
            {
                "indicator": i.id,
                "after_fault": None if i.not_drilled else state.signs[i.id].raised,
                "found": i.not_drilled or state.signs[i.id].found,
                "at_end": signs[i.probe].raised,
            }
            for i in scenario.indicators
        ],
        idle=state.idle,
        acceptance=[
            {"name": name, "holds": f.holds, "found": f.found} for name, f in accepted.items()
        ],
        not_proved=scenario.drill.not_proved,
    )
    kept = None
    if recovered:
        for name in scenario.drill.faults:
            FAULTS[name].lift(scene)
        for name in scenario.drill.prepare:
            with explained(f"removing {name}"):
                PREPARATIONS[name].remove(scene)
        kept = keep(record)
        clear(scene.folder)
    return Ended(record, kept, accepted, quiet, list(state.idle), left)


def _ends_on(scenario: Scenario, scene: Scene) -> Scene:
    return scene.recovery if scenario.drill.ends_on == "recovery" else scene


def _accepted(
    scenario: Scenario, scene: Scene, signs: dict[str, Sign], say: Say
) -> dict[str, Finding]:
    ending = {i.id: signs[i.probe] for i in scenario.indicators}
    still = [
        i for i in _drilled(scenario, ending) if not i.stays and ending[i.id].raised is not False
    ]
    found = {
        QUIET: Finding(
            not still,
            " ".join(f"{i.title}: {signs[i.probe].found}" for i in still)
            or "All indicators are quiet again.",
        )
    }
    for name in scenario.drill.accept:
        found[name] = asked(partial(ACCEPTANCES[name], scene))
    # It takes longest, and can't pass where the others do not.
    if all(f.holds for f in found.values()):
        with progress("Running the post-deployment checklist", "under half a minute"):
            found[VERIFIED] = verified(_ends_on(scenario, scene))
    for name, finding in found.items():
        say(f"{'accepted' if finding.holds else 'NOT ACCEPTED'}: {name}. {finding.found}")
    return found
