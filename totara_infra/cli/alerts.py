"""`totara alerts`: what is watched, whether it is wired, and whether it arrives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from totara_infra.cli.context import EnvironmentArgument, load
from totara_infra.cli.deploy import RehearseOption
from totara_infra.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from totara_infra.blueprint import Scope
    from totara_infra.blueprint.alerts import Watch, WatchGroup

app = typer.Typer(no_args_is_help=True, help="What is watched, and who is told.")


@app.command("list")
def list_alerts(
    environment: EnvironmentArgument,
    domain: Annotated[
        str | None, typer.Option(metavar="SDNN", help="Alerts about modules of this domain.")
    ] = None,
    module: Annotated[
        str | None, typer.Option(metavar="MOD-NNN", help="Alerts about this module.")
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List every alert of an environment: condition, severity, who is told. Asks nothing of AWS."""
    from totara_infra.blueprint.alerts import watch_groups, watches
    from totara_infra.model.problems import UsageError

    scope = load(environment).blueprint().scope
    if domain is not None and domain not in scope.catalogue.domain:
        raise UsageError(f"There is no domain `{domain}`. Write SD01 to SD08.")
    if module is not None and module not in scope.catalogue.modules:
        raise UsageError(f"There is no module `{module}`. Module ids are MOD-NNN.")
    groups = watch_groups(scope)
    chosen = [
        w
        for w in watches(scope).values()
        if module in (None, *w.alert.subjects)
        and domain in (None, *(scope.catalogue.domain_of[m].id for m in w.alert.subjects))
    ]
    rows = [_entry(scope, w, groups) for w in chosen]
    if form is Format.JSON:
        print_json(rows)
        return
    columns = ("id", "severity", "modules", "title", "condition", "pages as", "routes", "figures")
    print_table(
        columns,
        [
            (
                r["id"],
                r["severity"] + (" [REG]" if r["regulatory"] else ""),
                ", ".join(r["modules"]),
                r["title"],
                r["condition"],
                r["pager"],
                ", ".join(r["routes"]) or "topic only",
                r["provenance"],
            )
            for r in rows
        ],
        f"{environment}: {len(rows)} alerts",
    )


def _entry(scope: Scope, watch: Watch, groups: dict[str, WatchGroup]) -> dict[str, Any]:
    from totara_infra.blueprint.alert_routing import route_takes, routes_here
    from totara_infra.blueprint.alerts import RUNBOOKS

    alert, metric = watch.alert, watch.alert.metric
    pager = watch if watch.group is None else groups[watch.group]
    periods = f"{watch.datapoints} of {watch.evaluation_periods} periods of {alert.period} s"
    condition = f"{alert.statistic} {metric.name} {alert.comparison} {watch.threshold:g}"
    return {
        "id": watch.id,
        "title": alert.title,
        "modules": alert.subjects,
        "owner": alert.module,
        "severity": watch.severity.value,
        "regulatory": watch.regulatory,
        "alarm": watch.alarm,
        "pager": pager.id,
        "pager_severity": pager.severity.value,
        "unless": [m.id for m in groups[watch.group].unless] if watch.group else [],
        "routes": [
            r.id for r in routes_here(scope) if route_takes(r, pager.severity, pager.regulatory)
        ],
        "namespace": metric.namespace,
        "metric": metric.name,
        "dimensions": watch.dimensions,
        "emitter": metric.emitter,
        "unit": metric.unit,
        "statistic": alert.statistic,
        "comparison": alert.comparison.value,
        "threshold": watch.threshold,
        "period": alert.period,
        "evaluation_periods": watch.evaluation_periods,
        "datapoints": watch.datapoints,
        "missing_data": alert.missing_data.value,
        "condition": f"{condition} ({periods})",
        "why": alert.why,
        "runbook": f"{RUNBOOKS}#{alert.runbook}",
        "overridden": scope.settings.environment in alert.environments,
        "provenance": alert.provenance.value,
        "severity_provenance": alert.severity_provenance.value,
    }


@app.command("check")
def check(
    environment: EnvironmentArgument,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Hold live alarms, router and routes against the catalogue. Changes nothing.

    Exit 1 when an alarm is missing, differs, is unexpected, or its way to people is broken.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.operations.alerts.check import check_alerts

    blueprint, live = live_context(environment, rehearse)
    stack = live.settings.stack
    findings, counted = check_alerts(live, blueprint, stack)
    if form is Format.JSON:
        print_json(
            {
                "environment": stack,
                "checked": counted,
                "failures": len(findings),
                "findings": [f.as_data() for f in findings],
            }
        )
    else:
        if findings:
            print_table(
                ("subject", "expected", "found"),
                [(f.subject, f.expected, f.found) for f in findings],
            )
        for fix in dict.fromkeys(f.fix for f in findings):
            typer.echo(f"fix: {fix}")
        typer.echo(f"{stack}: {counted} alarms and routes checked, {len(findings)} failures.")
    if findings:
        raise typer.Exit(1)


@app.command("test")
def test(
    environment: EnvironmentArgument,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Alerts, such as ALERT-LATENCY-001."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every alert. Implied on an emulator.")
    ] = False,
    page_people: Annotated[
        bool,
        typer.Option("--page-people", help="In prod: yes, tell those who are on call."),
    ] = False,
    wait: Annotated[
        int | None,
        typer.Option(min=1, metavar="SECONDS", help="How long a message may take."),
    ] = None,
    rehearse: RehearseOption = False,
    form: FormatOption = Format.TABLE,
) -> None:
    """Set alerts off with a synthetic datapoint and prove that the message arrives.

    Whoever is told of alerts here is told of these too, so prod needs --page-people. Where only
    AWS may write a metric, or one datapoint would not decide, the alarm's state is set instead.
    Exit 1 when a message did not arrive where it should, or arrived where it should not.
    """
    from totara_infra.delivery.stacks import live_context
    from totara_infra.model.problems import UsageError
    from totara_infra.model.vocabulary import Environment
    from totara_infra.operations.alerts.proof import prove
    from totara_infra.operations.checks import Outcome

    # An isolated client's stack pages the same people.
    is_prod = load(environment).settings.environment is Environment.PROD
    if is_prod and not rehearse and not page_people:
        raise UsageError(
            "A test in prod tells people who are on call, and the Chief Compliance Officer for "
            "[REG]. Warn them, then add --page-people; or try it in a rehearsal: --rehearse."
        )
    blueprint, live = live_context(environment, rehearse)
    chosen = _chosen(blueprint.scope, ids or [], everything)
    show = sys.stderr.isatty()
    proofs = prove(
        live,
        blueprint,
        chosen,
        lambda text: typer.echo(f"{text} …", err=True) if show else None,
        wait,
    )
    stack = live.settings.stack
    failures = [p for p in proofs if p.outcome is Outcome.FAILED]
    if form is Format.JSON:
        print_json(
            {
                "environment": stack,
                "failures": len(failures),
                "alerts": [p.as_data() for p in proofs],
            }
        )
    else:
        print_table(
            ("alert", "pages as", "severity", "set off by", "arrived at", "seconds", "result"),
            [
                (
                    p.id,
                    p.pager,
                    p.severity.value + (" [REG]" if p.regulatory else ""),
                    p.by.value if p.by else "",
                    ", ".join(p.ends) if p.outcome is Outcome.PASSED else "",
                    f"{p.seconds:.1f}" if p.seconds is not None else "",
                    p.outcome.value,
                )
                for p in proofs
            ],
        )
        for proof in proofs:
            if proof.reason:
                typer.echo(f"{proof.id}: {proof.reason}")
        passed = sum(p.outcome is Outcome.PASSED for p in proofs)
        typer.echo(f"{stack}: {passed} of {len(proofs)} alerts arrived.")
    if failures:
        raise typer.Exit(1)


def _chosen(scope: Scope, ids: list[str], everything: bool) -> list[str]:
    """Ids of alerts; that of a group stands for its members."""
    from difflib import get_close_matches

    from totara_infra.blueprint.alerts import watch_groups, watches
    from totara_infra.model.problems import UsageError

    known = {alert_id: [alert_id] for alert_id in watches(scope)}
    if not ids:
        if everything or scope.settings.emulated:
            return list(known)
        raise UsageError("Name the alerts to test, or add --all, which tells people of each.")
    known |= {i: [m.id for m in g.members] for i, g in watch_groups(scope).items()}
    faults = []
    for alert_id in ids:
        if alert_id not in known:
            near = get_close_matches(alert_id, known, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            where = f"See `totara alerts list {scope.env}`."
            faults.append(f"{scope.env} has no alert `{alert_id}`.{hint} {where}")
    if faults:
        raise UsageError("\n".join(faults))
    return [member for alert_id in ids for member in known[alert_id]]
