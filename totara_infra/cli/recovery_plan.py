"""How `totara dr plan` shows a runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from totara_infra.cli.output import print_table

if TYPE_CHECKING:
    from totara_infra.model.recovery import RecoveryPlan
    from totara_infra.recovery.plan import Plan


def _filled(text: str, environment: str) -> str:
    from totara_infra.model.naming import fill

    return fill(text, {"env": environment, "recovery": f"{environment}-recovery", "since": "TIME"})


def print_plan(recovery: RecoveryPlan, plan: Plan, environment: str) -> None:
    """Print a runbook for people."""
    scenario = plan.scenario
    typer.echo(f"{scenario.title}: {scenario.what}\n")
    print_table(
        ("who", "does what"),
        [(r.performer.value, " ".join(r.duties)) for r in recovery.roles],
        "Roles",
    )
    typer.echo()
    print_table(
        ("indicator", "why", "provenance"),
        [(i.title, i.why, i.provenance.value) for i in scenario.indicators],
        "What shows it",
    )
    typer.echo("\nTo be decided")
    for decision in scenario.decisions:
        typer.echo(
            f"  {decision.question} {decision.decides.value}, within {decision.minutes} min "
            f"({decision.provenance.value})"
        )
        for option in decision.options:
            typer.echo(f"    {option.choice}. {option.consequence}")
    typer.echo("\nSteps")
    for number, timed in enumerate(plan.steps, start=1):
        step = timed.step
        source = "measured in the last drill" if timed.measured else step.provenance.value
        after = f", after {', '.join(step.needs)}" if step.needs else ""
        typer.echo(
            f"  {number}. {step.title} [{step.id}]: {step.performer.value}, "
            f"{timed.minutes:.3g} min ({source}){after}"
        )
        if step.command:
            typer.echo(f"       $ {_filled(step.command, environment)}")
        for text in step.instructions:
            typer.echo(f"       - {_filled(text, environment)}")
        typer.echo(f"       done when: {step.signal}")
    typer.echo("\nThe record of the incident holds")
    for item in scenario.evidence:
        typer.echo(f"  - {item.title} ({item.provenance.value})")
    typer.echo("\nTo be told")
    for contact in recovery.contacts:
        typer.echo(
            f"  - {contact.name}, by the {contact.performer.value}. {contact.when} "
            f"({contact.provenance.value})"
        )
    typer.echo()
    _print_times(recovery, plan)


def _print_times(recovery: RecoveryPlan, plan: Plan) -> None:
    from totara_infra.model.stores import lost_in_words

    drill = plan.drill
    if drill is None:
        typer.echo("No drill has measured the steps: all times are as stated.")
    else:
        where = "an emulator, which is quicker than AWS" if drill.emulated else "AWS"
        typer.echo(
            f"Measured in the drill of {drill.finished:%F %T} UTC on {drill.stack}: {where}."
        )
    typer.echo(f"A drill is due every {recovery.drill_months} months.")
    typer.echo(
        f"Critical path {plan.path_hours:.2f} h: {' > '.join(plan.path)}\n"
        f"One after the other {plan.sum_hours:.2f} h; as stated, without measured times, "
        f"{plan.stated_hours:.2f} h. The longer one counts.\n"
    )
    print_table(
        ("tier", "modules", "recovery time", "back after", "", "recovery point", "provenance"),
        [
            (
                t.tier.target.tier,
                len(t.tier.modules),
                f"{t.tier.target.recovery_time_hours} h",
                f"{t.hours:.2f} h",
                "MISSED" if t.missed else "kept",
                f"{t.tier.target.recovery_point_hours} h",
                t.tier.target.provenance.value,
            )
            for t in plan.tiers
        ],
    )
    if plan.losses:
        typer.echo()
        print_table(
            ("store", "loses at most", "may lose"),
            [
                (loss.store.title, lost_in_words(loss.minutes), lost_in_words(loss.allowed_minutes))
                for loss in plan.losses
            ],
            "Recovery points that are not kept",
        )


def plan_data(recovery: RecoveryPlan, plan: Plan, environment: str) -> dict[str, Any]:
    """A runbook as JSON can hold it."""
    scenario = plan.scenario.model_dump(mode="json")
    return {
        **scenario,
        "environment": environment,
        "roles": [r.model_dump(mode="json") for r in recovery.roles],
        "contacts": [c.model_dump(mode="json") for c in recovery.contacts],
        "steps": [
            {
                **s.step.model_dump(mode="json"),
                "command": _filled(s.step.command, environment) if s.step.command else None,
                "instructions": [_filled(t, environment) for t in s.step.instructions],
                "expected_minutes": s.minutes,
                "measured": s.measured,
            }
            for s in plan.steps
        ],
        "critical_path": list(plan.path),
        "critical_path_hours": plan.path_hours,
        "sum_hours": plan.sum_hours,
        "stated_hours": plan.stated_hours,
        "measured_by": plan.drill.digest if plan.drill else None,
        "tiers": [
            {
                **t.tier.target.model_dump(mode="json"),
                "modules": list(t.tier.modules),
                "hours": t.hours,
                "missed": t.missed,
            }
            for t in plan.tiers
        ],
        "losses": [
            {
                "store": loss.store.id,
                "title": loss.store.title,
                "minutes": loss.minutes,
                "allowed_minutes": loss.allowed_minutes,
            }
            for loss in plan.losses
        ],
    }
