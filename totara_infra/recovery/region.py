"""A region that answers no more, and the stack in the other one that stands in for it."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.delivery.runbooks import Finding
from totara_infra.local import emulator
from totara_infra.operations.configuration import parameter_values
from totara_infra.recovery import customer
from totara_infra.recovery.errors import DrillError
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign, listed, sign_of

_SECONDS = 3.0
"""A region that needs longer for the smallest question is as good as lost."""
_QUESTIONS = {
    "ssm": ("describe_parameters", {"MaxResults": 1}),
    "secretsmanager": ("list_secrets", {"MaxResults": 1}),
    "cognito-idp": ("list_user_pools", {"MaxResults": 1}),
    "lambda": ("list_functions", {"MaxItems": 1}),
    "appconfig": ("list_applications", {"MaxResults": 1}),
}
"""Service -> its smallest question."""


def region_answers(scene: Scene) -> Sign:
    """STS answers in the region."""
    name = scene.live.settings.region
    try:
        scene.live.client("sts", attempts=1, seconds=_SECONDS).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return Sign(True, f"{name} does not answer: {type(error).__name__}.")
    return Sign(False, f"{name} answers.")


def services_answer(scene: Scene) -> Sign:
    """The services that the platform lives on answer in the region."""

    def ask(service: str) -> str | None:
        call, request = _QUESTIONS[service]
        client = scene.live.client(service, attempts=1, seconds=_SECONDS)
        try:
            getattr(client, call)(**request)
        except (BotoCoreError, ClientError) as error:
            return f"{service}: {type(error).__name__}"
        return None

    with ThreadPoolExecutor(len(_QUESTIONS)) as executor:
        silent = [s for s in executor.map(ask, _QUESTIONS) if s is not None]
    return sign_of(silent, f"{len(_QUESTIONS)} services answer.")


def silence(scene: Scene) -> None:
    """The emulator of the environment stands still: calls to it get no answer."""
    _signal(scene, signal.SIGSTOP)


def give_voice(scene: Scene) -> None:
    """The emulator goes on where it stood still."""
    _signal(scene, signal.SIGCONT)


def _signal(scene: Scene, number: signal.Signals) -> None:
    running = emulator.recorded(scene.stack)
    process = running.identity.process() if running is not None else None
    if process is None:
        raise DrillError(
            f"The emulator of {scene.stack} is gone.\n    fix: totara up {scene.words}"
        )
    process.send_signal(number)


def recovery_up(scene: Scene) -> Finding:
    """Whether the recovery stack has passed the gates of every phase, with this content."""
    there = scene.recovery
    gates = [there.blueprint.gate(p.id).properties for p in there.blueprint.sequence.phases]
    found = parameter_values(there.live, [str(g["name"]) for g in gates])
    late = [str(g["name"]) for g in gates if found.get(str(g["name"])) != g["insecure_value"]]
    if late:
        return Finding(False, f"Gates of {there.words} that have not passed: {listed(late)}.")
    return Finding(True, f"{there.words} has passed {len(gates)} gates.")


def enrol(scene: Scene) -> None:
    """The customer of before enrols again in the other region."""
    customer.set_password(scene.recovery)


def enrolled(scene: Scene) -> Finding:
    """Whether the customer of before signs in in the other region."""
    if "customer" not in scene.facts:
        return Finding(False, "Only the record of the incident can say who has enrolled again.")
    return customer.signs_in(scene.recovery)
