"""What plays the part of people in a drill, where their work can be done on an emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from totara_infra.recovery.scene import Scene

StandIn = Callable[[Scene], None]

STAND_INS: Mapping[str, StandIn] = {}
"""Name in the catalogue -> what plays it."""
