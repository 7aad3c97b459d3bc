"""What shows that a disaster has come about: every probe, and reading them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.model.problems import TotaraError
from totara_infra.model.recovery import Scenario
from totara_infra.recovery import configuration, credentials, databases, functions, region
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Probe, Sign

PROBES: Mapping[str, Probe] = {
    "functions-answer": functions.functions_answer,
    "functions-as-declared": functions.functions_as_declared,
    "sign-in": functions.sign_in,
    "function-alarms": functions.alarms_of_functions,
    "databases-answer": databases.answer,
    "database-tables": databases.tables_there,
    "region-answers": region.region_answers,
    "services-answer": region.services_answer,
    "secret-policies": credentials.policies_as_declared,
    "secret-readers": credentials.nobody_else_reads,
    "secret-events": credentials.events,
    "state-sound": configuration.state_sound,
    "parameters-as-declared": configuration.parameters_as_declared,
    "settings-as-declared": configuration.settings_as_declared,
}
"""Name in the catalogue -> what reads it."""
_OF_THE_REGION = ("region-answers", "services-answer")
"""These are quick when nothing answers; the others would wait for long."""


def read(scene: Scene, scenarios: Iterable[Scenario]) -> dict[str, Sign]:
    """Read every indicator of some scenarios, side by side; each probe once.

    Returns:
        Name of the probe -> what it found. One that gets no answer is not asked, with the reason.
    """
    names = list(dict.fromkeys(i.probe for s in scenarios for i in s.indicators))
    first = [n for n in names if n in _OF_THE_REGION]
    rest = [n for n in names if n not in _OF_THE_REGION]
    region_lost = rest and region.region_answers(scene).raised
    found = _asked(scene, first)
    if region_lost:
        return found | {n: Sign(None, "The region does not answer.") for n in rest}
    return found | _asked(scene, rest)


def _asked(scene: Scene, names: list[str]) -> dict[str, Sign]:
    def ask(name: str) -> Sign:
        try:
            return PROBES[name](scene)
        except (TotaraError, LocalEnvironmentError, BotoCoreError, ClientError, OSError) as error:
            return Sign(None, (str(error).splitlines() or [type(error).__name__])[0])

    with ThreadPoolExecutor(max(1, len(names)), thread_name_prefix="probe") as executor:
        return dict(zip(names, executor.map(ask, names), strict=True))
