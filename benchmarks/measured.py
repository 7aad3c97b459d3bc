"""The benchmarks by name. Each measures on its own and returns the lines of the table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.commands import measure as command_times
from benchmarks.engine import PARALLEL, Proxy, Run, empty_stack, workplace
from benchmarks.figure import Figure, exponent, median_seconds
from benchmarks.makespan import measure
from benchmarks.state import measure_state
from benchmarks.synthetic import tenants as synthetic_tenants
from benchmarks.trigger import measure as trigger_times
from totara_infra import load_catalogue, load_tenants, plan, read_stack, resolve
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, project_root
from totara_infra.model.naming import APPCONFIG_MAXIMUM_CONTENT_BYTES
from totara_infra.model.stack import StackSettings
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.drift import find_drift
from totara_infra.operations.live import Live

_ENGINE_ROUNDS = 3
_SEQUENCED, _FLAT = "sequenced", "flat"
_MODULES = (149, 600, 1500)
_PLANNED_TENANTS = (1, 10, 100, 500)
_UP_TENANTS = (1, 10, 100, 500)
_LATENCY_SECONDS = 0.05
_MEGABYTE = 1_000_000


def _settings() -> StackSettings:
    return read_stack(project_root(), "local")


def _worker(*arguments: str) -> dict[str, Any]:
    """Measure in a Python process of its own, so that nothing before it has an effect."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", *arguments],
        cwd=project_root(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def catalogue() -> list[Figure]:
    """Load, validate and resolve the catalogue."""

    def work() -> None:
        resolve(load_catalogue().catalogue, Environment.LOCAL)

    # Without a working folder nothing is kept, so each round reads the files.
    nowhere = str(Path(os.devnull) / "none")
    with patch.dict(os.environ, {STATE_DIRECTORY_VARIABLE: nowhere}):
        work()
        median = median_seconds(work, 15)
    return [
        Figure(
            "catalogue",
            "load, validate and resolve the catalogue",
            median * 1000,
            "ms",
            300,
            "in process, median of 15 after the first",
        )
    ]


def mocked() -> list[Figure]:
    """The Pulumi program under mocks, without an engine."""
    found = _worker("modules", "0")
    detail = (
        f"wall time; {found['mocked']:.1f} s of the processor; {found['resources']} resources, "
        f"{found['modules']} modules; imports not counted"
    )
    return [Figure("mocked", "the program under mocks", found["mocked_wall"], "s", None, detail)]


@cache
def _turns() -> Mapping[str, tuple[list[Run], list[Run]]]:
    """Updates from empty and unchanged previews of both programs, in turn."""
    runs: dict[str, tuple[list[Run], list[Run]]] = {_FLAT: ([], []), _SEQUENCED: ([], [])}
    with workplace() as folder:
        for number in range(_ENGINE_ROUNDS):
            # Who goes first changes, so that neither always finds the warmer machine.
            for program in sorted(runs, reverse=bool(number % 2)):
                with empty_stack(folder, program, _settings()) as stack:
                    runs[program][0].append(stack.up())
                    runs[program][1].append(stack.preview())
    return runs


def engine() -> list[Figure]:
    """`up` from empty and unchanged `preview`, against a flat program with the same resources."""
    runs = _turns()
    figures = []
    for index, what in enumerate(("pulumi up from empty", "pulumi preview, nothing changed")):
        ours, flat = (
            [run.seconds for run in runs[program][index]] for program in (_SEQUENCED, _FLAT)
        )
        # Each round by itself: what else the machine does changes from round to round.
        ratio = statistics.median(a / b for a, b in zip(ours, flat, strict=True))
        detail = (
            f"median of {_ENGINE_ROUNDS} rounds in turn; seconds of ours {_listed(ours)}, "
            f"of flat {_listed(flat)}"
        )
        figures.append(Figure("engine", f"{what}: to flat", ratio, "ratio", 1.0, detail))
    return figures


def _listed(times: Sequence[float]) -> str:
    return " ".join(f"{time:.1f}" for time in times)


def memory() -> list[Figure]:
    """Peak memory of engine, language host and provider during `up`."""
    run = max(_turns()[_SEQUENCED][0], key=lambda run: run.peak_bytes)
    parts = ", ".join(f"{name} {size / _MEGABYTE:.0f} MB" for name, size in run.peak_parts.items())
    detail = f"sum of resident memory, shared pages counted more than once: {parts}"
    return [
        Figure("memory", "peak memory of pulumi up", run.peak_bytes / _MEGABYTE, "MB", None, detail)
    ]


def makespan() -> list[Figure]:
    """`up` with 50 ms of latency a call, against the lower bound of its own order."""
    settings = _settings()
    blueprint = plan(
        load_catalogue().catalogue, settings, load_tenants(project_root(), settings.tenants)
    )
    proxy = Proxy(_LATENCY_SECONDS)
    with workplace() as folder, empty_stack(folder, _SEQUENCED, settings, proxy) as stack:
        run = stack.up(with_events=True)
    found = measure(run.events, blueprint)
    bound = found.bound(PARALLEL)
    detail = (
        f"{found.total:.1f} s from first to last operation ({run.seconds:.1f} s with start and "
        f"end) to {bound:.1f} s: critical path of {len(found.chain)} resources "
        f"{found.critical_path:.1f} s, work / {PARALLEL} = {found.work / PARALLEL:.1f} s"
    )
    return [
        Figure(
            "makespan",
            "up with 50 ms a call: makespan to lower bound",
            found.total / bound,
            "ratio",
            1.15,
            detail,
        )
    ]


def drift() -> list[Figure]:
    """The whole live environment held against the blueprint."""
    with workplace() as folder, empty_stack(folder, _SEQUENCED, _settings()) as stack:
        stack.up()
        settings = _settings().model_copy(update={"endpoint": stack.endpoint})
        blueprint = plan(
            load_catalogue().catalogue, settings, load_tenants(project_root(), settings.tenants)
        )
        reports = [find_drift(Live(settings), blueprint, stack.name) for _ in range(3)]
    drifted = [each for report in reports for each in report.drifts]
    if drifted:
        raise ValueError(f"a fresh environment has drifted: {drifted[:3]}")
    median = statistics.median(report.seconds for report in reports)
    detail = f"median of 3, clients made anew; {reports[0].resources} resources compared"
    return [Figure("drift", "totara drift, whole environment", median, "s", 10, detail)]


def state() -> list[Figure]:
    """`up` of 300 parameters, state in a file or a bucket, written after every step or once."""
    return measure_state(_settings())


def modules() -> list[Figure]:
    """Growth with the number of modules: 149, 600, 1,500."""
    found = [_worker("modules", str(count)) for count in _MODULES]
    figures = []
    for key, what in (
        ("load", "load, validate, resolve"),
        ("plan", "blueprint"),
        ("mocked", "program under mocks"),
    ):
        times = [entry[key] for entry in found]
        each = ", ".join(
            f"{m}: {t:.2f} s ({1000 * t / m:.1f} ms a module)"
            for m, t in zip(_MODULES, times, strict=True)
        )
        figures.append(
            Figure(
                "modules",
                f"{what}: growth over {_MODULES[0]} to {_MODULES[-1]:,} modules",
                exponent(_MODULES, times),
                "exponent",
                1.2,
                f"processor time, {each}",
            )
        )
    return figures


def tenants() -> list[Figure]:
    """Growth with the number of tenants in one stack: 1, 10, 100, 500."""
    found = [_worker("tenants", str(count)) for count in _PLANNED_TENANTS]
    # The first tenants differ in which modules they bring along; later ones are all alike.
    (_, _, fewer, more) = found
    a_tenant = (more["resources"] - fewer["resources"]) / (more["tenants"] - fewer["tenants"])
    before = (fewer["resources"] - found[1]["resources"]) / (fewer["tenants"] - found[1]["tenants"])
    a_tenant_bytes = (more["content"] - fewer["content"]) / (more["tenants"] - fewer["tenants"])
    too_many = int(APPCONFIG_MAXIMUM_CONTENT_BYTES / a_tenant_bytes) + 50
    refusal = _worker("tenants", str(too_many)).get("refused")
    if refusal is None:
        raise ValueError(f"{too_many} tenants passed a limit of AppConfig without an error")
    ups = _tenant_ups()
    counts = ", ".join(f"{e['tenants']}: {e['resources']:,}" for e in found)
    sizes = ", ".join(f"{e['tenants']}: {e['content']:,}" for e in found)
    plans = ", ".join(f"{e['tenants']}: {e['plan']:.2f} s" for e in found)
    up_times = ", ".join(f"{c}: {t:.1f} s" for c, t in ups.items())
    extra = [e["plan"] - found[0]["plan"] for e in found[1:]]
    return [
        Figure(
            "tenants",
            "resources that one more tenant brings, at 500 to at 100",
            a_tenant / before,
            "ratio",
            1.0,
            f"{a_tenant:g} resources a tenant; in all {counts}",
        ),
        Figure(
            "tenants",
            "largest AppConfig content at 500 tenants",
            more["content"],
            "bytes",
            APPCONFIG_MAXIMUM_CONTENT_BYTES,
            f"{a_tenant_bytes:.0f} bytes a tenant; {sizes}",
        ),
        Figure(
            "tenants",
            "blueprint: growth over 10 to 500 tenants",
            exponent([e["tenants"] - 1 for e in found[1:]], extra),
            "exponent",
            1.2,
            f"processor time, of what they add to one tenant; {plans}",
        ),
        Figure(
            "tenants",
            f"pulumi up from empty: {_UP_TENANTS[-1]} tenants to 1",
            ups[_UP_TENANTS[-1]] / ups[_UP_TENANTS[0]],
            "ratio",
            None,
            up_times,
        ),
        Figure(
            "tenants",
            "tenants at which the plan is refused",
            too_many,
            "",
            None,
            refusal[0],
        ),
    ]


def trigger() -> list[Figure]:
    """Cold and warm time of the sign-in trigger."""
    limits = {"trigger cold start": 5.0}
    figures = []
    for name, value in trigger_times().items():
        what, _, unit = name.rpartition(", ")
        goal = limits.get(what)
        detail = "Cognito waits 5 s" if goal else ""
        figures.append(Figure("trigger", what, value, unit, goal, detail))
    return figures


def _tenant_ups() -> dict[int, float]:
    times = {}
    with workplace() as folder:
        for count in _UP_TENANTS:
            composed = [t.client_id for t in synthetic_tenants(count)]
            settings = _settings().model_copy(
                update={"tenants": composed, "default_tenant": composed[0]}
            )
            with empty_stack(folder, "tenants", settings) as stack:
                times[count] = stack.up().seconds
    return times


BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "catalogue": catalogue,
    "commands": command_times,
    "mocked": mocked,
    "engine": engine,
    "memory": memory,
    "makespan": makespan,
    "drift": drift,
    "state": state,
    "modules": modules,
    "tenants": tenants,
    "trigger": trigger,
}
"""Name on the command line -> what measures it."""
