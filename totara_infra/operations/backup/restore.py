"""Export of an environment, and its way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.operations.backup import configuration, parameters, secret_metadata, users
from totara_infra.operations.backup.action import Action, Outcome
from totara_infra.operations.live import Live
from totara_infra.operations.roll_outs import RollOutError
from totara_infra.operations.secrets.answers import explained

Reader = Callable[[Live, Blueprint], list[dict[str, Any]]]
Comparison = Callable[[Live, Blueprint, Sequence[Mapping[str, Any]]], Iterator[Action]]

_STORES: tuple[tuple[str, Reader, Comparison], ...] = (
    (parameters.STORE, parameters.read, parameters.lost),
    (configuration.STORE, configuration.read, configuration.lost),
    (users.STORE, users.read, users.lost),
    (secret_metadata.STORE, secret_metadata.read, secret_metadata.lost),
)
_AT_ONCE = 8
"""Users made side by side: under the 50 a second that Cognito grants by default."""


def export(live: Live, blueprint: Blueprint) -> dict[str, list[Any]]:
    """Everything that a backup holds: name of the store -> its entries, as JSON has them.

    Raises:
        AwsRefusedError: AWS does not answer.
    """

    def read(reader: Reader, store: str) -> list[Any]:
        with explained(f"reading {store}"):
            content: list[Any] = json.loads(json.dumps(reader(live, blueprint), default=_as_text))
            return content

    with ThreadPoolExecutor(len(_STORES)) as executor:
        waiting = {store: executor.submit(read, reader, store) for store, reader, _ in _STORES}
        return {store: future.result() for store, future in waiting.items()}


def _as_text(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def planned(
    live: Live, blueprint: Blueprint, contents: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Action]:
    """What it takes to have again what a backup has. Changes nothing.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    found: list[Action] = []
    for store, _, lost in _STORES:
        with explained(f"comparing {store}"):
            found += lost(live, blueprint, contents.get(store, []))
    return found


def carry_out(actions: Sequence[Action]) -> None:
    """Do it: each queue in order, queues side by side, users last.

    What fails is noted, and the rest goes on. Running it again does what is left: an action is
    planned from what is missing then.
    """

    def do(action: Action) -> None:
        if action.do is None:
            action.outcome = Outcome.LEFT
            return
        try:
            action.do()
            action.outcome = Outcome.DONE
        except ClientError as error:
            action.outcome, action.fault = Outcome.FAILED, error.response["Error"]["Code"]
        except (BotoCoreError, LookupError, RollOutError, RuntimeError) as error:
            told = isinstance(error, RollOutError | RuntimeError)
            action.outcome = Outcome.FAILED
            action.fault = str(error) if told else type(error).__name__

    def do_all(queue: Sequence[Action]) -> None:
        for action in queue:
            do(action)

    people = [a for a in actions if a.store == users.STORE and " user " in a.subject]
    queues: dict[str, list[Action]] = {}
    for action in actions:
        if action not in people:
            queues.setdefault(action.queue or action.store, []).append(action)
    with ThreadPoolExecutor(_AT_ONCE) as executor:
        list(executor.map(do_all, queues.values()))
        # They join groups, which are there by now.
        list(executor.map(do, people))
