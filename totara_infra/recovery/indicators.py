"""What shows that a disaster has come about: probes that read the live environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import PlannedResource
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.model.problems import TotaraError
from totara_infra.model.recovery import Scenario
from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks.inspection import inspect
from totara_infra.operations.checks.sign_in import tokens
from totara_infra.operations.drift.detection import compare, reading_of
from totara_infra.operations.drift.functions import FUNCTION, PERMISSION
from totara_infra.recovery.scene import Scene

_GONE = "ResourceNotFoundException"
_SHOWN = 3
"""Things that a sentence names; the rest is counted."""


@dataclass(frozen=True)
class Sign:
    """What a probe found.

    Attributes:
        raised: it shows the disaster; None where it could not be asked.
        found: what was found, as a sentence for people.
    """

    raised: bool | None
    found: str

    @property
    def word(self) -> str:
        """As a table shows it."""
        return {True: "RAISED", False: "quiet", None: "not asked"}[self.raised]


Probe = Callable[[Scene], Sign]
"""Reads one indicator; changes nothing that stays."""


def listed(texts: Iterable[str]) -> str:
    """Some of them by name, the rest counted."""
    found = list(texts)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _sign(faults: list[str], well: str) -> Sign:
    return Sign(True, f"{listed(faults)}.") if faults else Sign(False, well)


def drifted(scene: Scene, types: frozenset[str], well: str) -> Sign:
    """Whether things of some types are other than the catalogue declares."""
    with reading_of(scene.live, scene.blueprint) as reading:
        drifts, not_read, _ = compare(reading, scene.stack, types)
    if not_read:
        return Sign(None, f"{listed(f'{n.subject}: {n.reason}' for n in not_read)}.")
    return _sign([f"{d.kind} {d.resource or d.key}" for d in drifts], well)


def _functions(scene: Scene) -> list[PlannedResource]:
    return [r for r in scene.blueprint.resources.values() if r.type == FUNCTION]


def functions_answer(scene: Scene) -> Sign:
    """Each function is there, active, and may run."""
    client, faults = scene.live.client("lambda"), []
    for resource in _functions(scene):
        name = resource.properties["name"]
        try:
            found = client.get_function(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
            faults.append(f"{name} is gone")
            continue
        configuration = found["Configuration"]
        if configuration.get("State", "Active") != "Active":
            faults.append(f"{name} is {configuration['State']}")
        if configuration.get("LastUpdateStatus") == "Failed":
            faults.append(f"the last update of {name} failed")
        if found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == 0:
            faults.append(f"{name} is throttled to nothing")
    return _sign(faults, "All functions are active.")


def functions_as_declared(scene: Scene) -> Sign:
    """Code, configuration and permissions are those of the catalogue."""
    well = "Code, configuration and permissions are as declared."
    return drifted(scene, frozenset({FUNCTION, PERMISSION}), well)


def sign_in(scene: Scene) -> Sign:
    """A user that is made for it gets tokens, from both pools."""
    with inspect(scene.live, scene.blueprint) as inspection:
        results = tokens(inspection)
    failed = [r for r in results if r.outcome is Outcome.FAILED]
    if not failed and all(r.outcome is Outcome.SKIPPED for r in results):
        return Sign(None, f"{listed(r.fix.rstrip('.') for r in results)}.")
    return _sign([f"{r.subject}: {r.found}" for r in failed], "Probe users get their tokens.")


def alarms_of_functions(scene: Scene) -> Sign:
    """CloudWatch's alarms on errors and throttles of functions."""
    names = [
        str(r.properties["name"])
        for r in scene.blueprint.resources.values()
        if r.shape == "MetricAlarm" and r.properties.get("namespace") == "AWS/Lambda"
    ]
    if not names:
        return Sign(None, "The catalogue declares no alarm on functions.")
    pages = scene.live.client("cloudwatch").get_paginator("describe_alarms").paginate()
    ringing = [
        str(a["AlarmName"])
        for page in pages
        for a in page["MetricAlarms"]
        if a["AlarmName"] in names and a["StateValue"] == "ALARM"
    ]
    return _sign([f"{name} is in ALARM" for name in ringing], f"{len(names)} alarms, none rings.")


PROBES: Mapping[str, Probe] = {
    "functions-answer": functions_answer,
    "functions-as-declared": functions_as_declared,
    "sign-in": sign_in,
    "function-alarms": alarms_of_functions,
}
"""Name in the catalogue -> what reads it."""


def read(scene: Scene, scenarios: Iterable[Scenario]) -> dict[str, Sign]:
    """Read every indicator of some scenarios, side by side; each probe once.

    Returns:
        Name of the probe -> what it found. One that gets no answer is not asked, with the reason.
    """
    names = list(dict.fromkeys(i.probe for s in scenarios for i in s.indicators))

    def ask(name: str) -> Sign:
        try:
            return PROBES[name](scene)
        except (TotaraError, LocalEnvironmentError, BotoCoreError, ClientError, OSError) as error:
            return Sign(None, " ".join(str(error).split()))

    with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="probe") as executor:
        return dict(zip(names, executor.map(ask, names), strict=True))
