"""The environment that a scenario is about, as its probes, proofs and faults take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.stacks import engine_stack, live_context
from totara_infra.model.stack import RECOVERY_SUFFIX
from totara_infra.operations.live import Live

RECENT = timedelta(hours=24)
"""How far back events are looked for, where no drill says since when."""


@dataclass
class Scene:
    """An environment, and in a drill what is known of it from before the fault.

    Attributes:
        name: of the environment or stack, as people write it.
        rehearse: whether it is the rehearsal of that.
        stack: the engine's name of it.
        since: events before this moment do not count.
        folder: of the drill, readable by nobody else; None where it is no drill.
        facts: name -> what a preparation has kept, as JSON has it.
    """

    name: str
    rehearse: bool
    stack: str
    blueprint: Blueprint
    live: Live
    since: datetime
    folder: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, name: str, rehearse: bool) -> Scene:
        """The environment of that name.

        Raises:
            UsageError: no such stack, or its emulator is not running.
            ProblemsError: what is wrong in the files.
        """
        stack = engine_stack(name, rehearse)
        blueprint, live = live_context(name, rehearse)
        return cls(name, rehearse, stack, blueprint, live, datetime.now(UTC) - RECENT)

    @property
    def recovery(self) -> Scene:
        """The stack that stands in for this one in the other region, with the same facts.

        Raises:
            UsageError: its emulator is not running.
        """
        there = Scene.open(f"{self.name}{RECOVERY_SUFFIX}", self.rehearse)
        there.since, there.folder, there.facts = self.since, self.folder, self.facts
        return there

    @property
    def words(self) -> str:
        """The environment as a `totara` command takes it."""
        return self.live.settings.command_words
