"""Faults that a drill injects on an emulator. Doing one twice does what doing it once does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from totara_infra.recovery import configuration, credentials, databases, functions, region
from totara_infra.recovery.scene import Scene


def _nothing(scene: Scene) -> None:
    del scene


@dataclass(frozen=True)
class Fault:
    """Something that a drill breaks.

    Attributes:
        inject: breaks it.
        lift: ends what no step of a way back ends, when the drill is over.
    """

    inject: Callable[[Scene], None]
    lift: Callable[[Scene], None] = _nothing


FAULTS: Mapping[str, Fault] = {
    "trigger-code-broken": Fault(functions.broken_code),
    "trigger-throttled": Fault(functions.throttled),
    "router-permission-gone": Fault(functions.permission_gone),
    "schemas-dropped": Fault(databases.drop_schemas),
    "region-silent": Fault(region.silence, region.give_voice),
    "secret-policy-opened": Fault(credentials.policy_opened),
    "state-cut-off": Fault(configuration.state_cut_off),
    "parameter-altered": Fault(configuration.parameter_altered),
    "module-parameter-gone": Fault(configuration.module_parameter_gone),
    "settings-replaced": Fault(configuration.settings_replaced),
}
"""Name in the catalogue -> what injects it."""
