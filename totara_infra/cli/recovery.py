"""`totara dr`: disaster recovery: the runbook, the indicators, and drills on an emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table
from totara_infra.cli.recovery_plan import plan_data, print_plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from totara_infra.delivery.runbooks import Finding
    from totara_infra.model.recovery import RecoveryStep, Scenario
    from totara_infra.recovery.drill import Ended
    from totara_infra.recovery.signs import Sign

app = typer.Typer(
    name="dr",
    help="Disaster recovery: the way back from five scenarios, what shows them, and drills.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _scenarios() -> list[str]:
    from totara_infra.recovery.scenarios import read_scenarios
    from totara_infra.resolver import load_catalogue

    return list(read_scenarios(load_catalogue().catalogue).by_id)


ScenarioArgument = Annotated[
    str,
    typer.Argument(
        metavar="SCENARIO",
        help="lambda-failure, database-loss, region-loss, credential-compromise or state-loss.",
        autocompletion=_scenarios,
    ),
]


@app.command("plan")
def plan(
    scenario: ScenarioArgument,
    environment: EnvironmentArgument,
    form: FormatOption = Format.TABLE,
) -> None:
    """Print the runbook of a scenario, and hold its time against the recovery times.

    Exit 1 when a tier would be back too late.
    """
    from totara_infra.recovery.plan import plan_of
    from totara_infra.recovery.record import newest
    from totara_infra.recovery.scenarios import read_scenarios, scenario_named

    context = load(environment)
    recovery = read_scenarios(context.catalogue)
    chosen = scenario_named(recovery, scenario)
    deployed = {m.id for m in context.sequence().modules}
    found = plan_of(context.catalogue, recovery, chosen, deployed, newest(chosen.id))
    if form is Format.JSON:
        print_json(plan_data(recovery, found, environment))
    else:
        print_plan(recovery, found, environment)
    if found.missed:
        raise typer.Exit(1)


@app.command("status")
def status(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[SCENARIO] ENV", help="All scenarios unless one is named."),
    ],
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Read the indicators now, and say which scenario they point to. Changes nothing that stays.

    With a scenario, each step too: whether its proof holds. Exit 1 when an indicator is raised or
    one of its scenario could not be read.
    """
    from totara_infra.model.problems import UsageError
    from totara_infra.recovery import indicators
    from totara_infra.recovery.scenarios import read_scenarios, scenario_named
    from totara_infra.recovery.scene import Scene
    from totara_infra.recovery.status import pointed_to, proofs_now

    if len(words) > 2:
        raise UsageError("Write `totara dr status [SCENARIO] ENV`.")
    scene = Scene.open(words[-1], rehearse)
    recovery = read_scenarios(scene.blueprint.scope.catalogue)
    named = scenario_named(recovery, words[0]) if len(words) == 2 else None
    chosen = [named] if named else recovery.scenarios
    signs = indicators.read(scene, chosen)
    proofs = proofs_now(scene, named) if named else []
    suspects = pointed_to(chosen, signs)
    if form is Format.JSON:
        print_json(_status_data(scene.words, chosen, signs, suspects, proofs))
    else:
        _print_status(scene.words, chosen, signs, suspects, proofs)
    if any(s.raised for s in signs.values()):
        raise typer.Exit(1)


def _print_status(
    words: str,
    scenarios: Sequence[Scenario],
    signs: Mapping[str, Sign],
    suspects: Sequence[tuple[Scenario, int]],
    proofs: Sequence[tuple[RecoveryStep, Finding]],
) -> None:
    print_table(
        ("scenario", "indicator", "", "found"),
        [
            (s.id, i.title, signs[i.probe].word, signs[i.probe].found)
            for s in scenarios
            for i in s.indicators
        ],
    )
    typer.echo()
    if proofs:
        print_table(
            ("step", "proof", "found"),
            [(p.id, "holds" if f.holds else "does not hold", f.found) for p, f in proofs],
        )
        typer.echo()
    if not suspects:
        typer.echo(f"{words}: no indicator is raised.")
    name = words.split(maxsplit=1)[0]
    for scenario, number in suspects:
        typer.echo(
            f"{words}: {number} of {len(scenario.indicators)} indicators point to "
            f"{scenario.id}. The way back: totara dr plan {scenario.id} {name}"
        )


def _status_data(
    words: str,
    scenarios: Sequence[Scenario],
    signs: Mapping[str, Sign],
    suspects: Sequence[tuple[Scenario, int]],
    proofs: Sequence[tuple[RecoveryStep, Finding]],
) -> dict[str, Any]:
    return {
        "environment": words,
        "indicators": [
            {
                "scenario": s.id,
                "indicator": i.id,
                "probe": i.probe,
                "raised": signs[i.probe].raised,
                "found": signs[i.probe].found,
            }
            for s in scenarios
            for i in s.indicators
        ],
        "points_to": [s.id for s, _ in suspects],
        "steps": [{"step": p.id, "holds": f.holds, "found": f.found} for p, f in proofs],
    }


@app.command("drill")
def drill(
    scenario: ScenarioArgument,
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    evidence: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="Write a record for the regulator: a new file."
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Break `local` or a rehearsal on purpose, take the steps, time them, and see that all is back.

    Run again after an interruption, or when a step failed, it goes on: nothing is broken a second
    time. Exit 1 when the drill did not show that the way back works.
    """
    from totara_infra.delivery.stacks import engine_stack
    from totara_infra.delivery.verification import require_new_file, write_record
    from totara_infra.local.interruption import told
    from totara_infra.recovery.drill import require_emulated, run
    from totara_infra.recovery.scenarios import read_scenarios, scenario_named
    from totara_infra.resolver import load_catalogue

    if evidence is not None:
        require_new_file(evidence)
    require_emulated(environment, rehearse)
    chosen = scenario_named(read_scenarios(load_catalogue().catalogue), scenario)
    words = f"{environment}{' --rehearse' if rehearse else ''}"
    with told(
        "What the drill has broken is still broken, and is kept in its journal. Run `totara dr "
        f"drill {scenario} {words}` again: it goes on, and breaks nothing a second time."
    ):
        ended = run(chosen, environment, rehearse, lambda line: typer.echo(line, err=True))
    if evidence is not None:
        write_record(ended.record, evidence)
    if form is Format.JSON:
        print_json(ended.record)
    else:
        _print_drill(chosen, ended)
        _print_what_stays(engine_stack(environment, rehearse))
    if evidence is not None:
        typer.echo(f"Evidence: {evidence}, {ended.record['digest']}", err=form is Format.JSON)
    if not ended.passed:
        raise typer.Exit(1)


def _print_what_stays(stack: str) -> None:
    from totara_infra.local.emulator import running
    from totara_infra.model.stack import command_words, recovery_of

    recovery = recovery_of(stack)
    if running(recovery) is not None:
        words = command_words(recovery)
        typer.echo(f"{words} stays up, to be looked at. To end it: totara down {words}")


def _print_drill(scenario: Scenario, ended: Ended) -> None:
    from totara_infra.model.runbook import StepRecord

    records = [StepRecord.model_validate(s) for s in ended.record["steps"]]
    titles = {s.id: s.title for s in scenario.steps}
    print_table(
        ("step", "outcome", "seconds", "found"),
        [
            (titles.get(r.step, r.step), r.outcome.value, f"{r.minutes * 60:.1f}", r.found)
            for r in records
        ],
    )
    print_table(
        ("must hold at the end", "", "found"),
        [(n, "holds" if f.holds else "FAILED", f.found) for n, f in ended.accepted.items()],
    )
    typer.echo("\nNot proved by a drill on an emulator:")
    for text in scenario.drill.not_proved:
        typer.echo(f"  - {text}")
    typer.echo()
    for name in ended.quiet:
        typer.echo(f"The indicator {name} did not show the fault.")
    for name in ended.idle:
        typer.echo(f"The step {name} had nothing to do: its proof held with the fault there.")
    for name in ended.left:
        typer.echo(f"The step {name} is not taken.")
    if ended.passed:
        typer.echo(f"{scenario.id}: the way back works.")
    elif ended.kept is not None:
        typer.echo(f"{scenario.id}: all is back, but the drill has failed.")
    else:
        typer.echo(
            f"{scenario.id}: NOT RECOVERED. Mend what is said above and run the drill again: it "
            "goes on, and breaks nothing a second time."
        )
