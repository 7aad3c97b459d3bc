"""The SDK's debug messages go to the engine only when somebody asked for them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import psutil
import pulumi
import pytest
from pulumi.runtime.proto import engine_pb2
from pulumi.runtime.settings import Settings, configure

from totara_infra.configuration import reported


class Engine:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str]] = []

    def Log(self, message: Any) -> None:
        self.told.append((message.severity, message.message))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["pulumi", "up", "--stack", "local"], [(engine_pb2.INFO, "shown")]),
        (
            ["pulumi", "up", "--debug"],
            [(engine_pb2.DEBUG, "for debugging"), (engine_pb2.INFO, "shown")],
        ),
    ],
)
@pytest.mark.parametrize("between", [[], ["pulumi-language-python"]])
def test_debug_messages_are_sent_where_the_engine_shows_them(
    monkeypatch, command: list[str], told: list[tuple[int, str]], between: list[str]
) -> None:
    processes = [
        SimpleNamespace(name=lambda words=words: words[0], cmdline=lambda words=words: words)
        for words in ([between, command] if between else [command])
    ]
    monkeypatch.setattr(psutil, "Process", lambda: SimpleNamespace(parents=lambda: processes))
    # The program's own settings of the collector would stay with the tests.
    collector = SimpleNamespace(set_threshold=lambda *_: None, freeze=lambda: None)
    monkeypatch.setattr("totara_infra.configuration.gc", collector)
    engine = Engine()

    async def main() -> dict[str, Any]:
        pulumi.log.debug("for debugging")
        pulumi.log.info("shown")
        return {}

    async def program() -> None:
        configure(Settings("project", "stack", engine=engine))
        await reported(main)()

    asyncio.run(program())
    assert engine.told == told
