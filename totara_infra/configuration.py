"""Between the engine and the program: the stack's settings in, readable errors out."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pulumi
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import SETTINGS

from totara_infra.local import emulator
from totara_infra.local.project import runs_locally
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.stack import StackSettings, engine_settings, settings_key

_COLLECTOR_THRESHOLDS = (100_000, 50, 50)
"""New objects before Python's collector looks at the youngest, and rounds before the older ones."""


def stack_settings(config: pulumi.Config, stack: str) -> StackSettings:
    """Settings of the stack that the engine runs.

    Args:
        config: the project's configuration.
        stack: name of the stack. A stack `local` or `…-rehearsal` runs against the emulator that
            was started under that name.

    Raises:
        UsageError: the emulator of such a stack is not running, or the settings can't be used.
    """
    values: dict[str, Any] = {"stack": stack}
    for field in StackSettings.model_fields:
        value = config.get(settings_key(field))
        if value is not None and field not in values:
            values[field] = value
    if runs_locally(stack) and "endpoint" not in values:
        endpoint = emulator.endpoint(stack)
        if endpoint is None:
            raise UsageError(
                f"The emulator of stack `{stack}` is not running. Start it with `make up`"
                + (" (or `totara up ENV --rehearse`)." if stack != "local" else ".")
            )
        values["endpoint"] = endpoint
    return engine_settings(values)


def reported(
    main: Callable[[], Awaitable[dict[str, Any]]],
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """A program whose errors for people reach them as text: the engine adds no traceback."""

    async def run() -> dict[str, Any]:
        # A program holds nearly all that it makes until its end. Searching that for garbage again
        # and again took a quarter of its time and found none.
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        gc.freeze()
        if SETTINGS.engine is not None and not _debugging():
            SETTINGS.engine = _WithoutDebugMessages(SETTINGS.engine)
        try:
            return await main()
        except TotaraError as error:
            raise pulumi.RunError(str(error)) from None

    return run


class _WithoutDebugMessages:
    """The engine without the SDK's debug messages.

    The SDK sends about four for each resource, and waits each time until the engine has received
    the message. That took more than half of the event loop's time.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, call: str) -> Any:
        return getattr(self._engine, call)

    def Log(self, message: Any) -> Any:
        """Pass on every message that is not for debugging."""
        return None if message.severity == engine_pb2.DEBUG else self._engine.Log(message)


def _debugging() -> bool:
    """Whether the engine was asked to show debug messages.

    The engine does not tell its programs. It is the parent of our language host, and the
    grandparent of a program that runs under the language host of Pulumi's releases.
    """
    with contextlib.suppress(psutil.Error):
        engines = [p for p in psutil.Process().parents() if p.name().startswith("pulumi")]
        words = {word for process in engines for word in process.cmdline()}
        return not {"-d", "--debug", "--logtostderr"}.isdisjoint(words)
    return False
