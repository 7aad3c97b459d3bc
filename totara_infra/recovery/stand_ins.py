"""What plays the part of people in a drill, where their work can be done on an emulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from totara_infra.recovery import credentials, databases, region
from totara_infra.recovery.scene import Scene

StandIn = Callable[[Scene], None]

STAND_INS: Mapping[str, StandIn] = {
    "restore-rows": databases.restore_rows,
    "put-issued-secrets": credentials.put_issued,
    "fill-recovery-secrets": lambda scene: credentials.fill(scene.recovery),
    "enrol-customer": region.enrol,
}
"""Name in the catalogue -> what plays it."""
