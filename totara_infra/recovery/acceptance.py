"""What a drill keeps of the healthy environment, and what must hold when it is back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from totara_infra.delivery.runbooks import Finding
from totara_infra.operations.checks import Outcome
from totara_infra.operations.checks.registry import run_checks
from totara_infra.recovery import configuration, credentials, customer, databases, exports
from totara_infra.recovery.scene import Scene


def _nothing(scene: Scene) -> None:
    del scene


@dataclass(frozen=True)
class Preparation:
    """Something that is made before the fault, and kept in the drill's facts.

    Attributes:
        make: makes it.
        remove: takes it away again, when all is well at the end.
    """

    make: Callable[[Scene], None]
    remove: Callable[[Scene], None] = _nothing


Acceptance = Callable[[Scene], Finding]


def verified(scene: Scene) -> Finding:
    """Whether the post-deployment checklist passes, as `totara verify` runs it."""
    results = [r for c in run_checks(scene.live, scene.blueprint) for r in c.results]
    failed = [f"{r.check} {r.subject}" for r in results if r.outcome is Outcome.FAILED]
    if failed:
        return Finding(False, f"{len(failed)} checks fail: {', '.join(failed[:5])}.")
    passed = sum(r.outcome is Outcome.PASSED for r in results)
    return Finding(True, f"{passed} checks of `totara verify {scene.words}` pass.")


PREPARATIONS: Mapping[str, Preparation] = {
    "customer": Preparation(customer.prepare, customer.remove),
    "filled-secrets": Preparation(credentials.prepare),
    "rows": Preparation(databases.keep_row, databases.remove_row),
    "module-parameter": Preparation(
        configuration.write_module_parameter, configuration.remove_module_parameter
    ),
    "backup": Preparation(exports.take),
}
"""Name in the catalogue -> what makes it."""

ACCEPTANCES: Mapping[str, Acceptance] = {
    "same-claims": customer.signs_in,
    "same-claims-in-recovery": lambda scene: customer.signs_in(scene.recovery),
    "secrets-sound": credentials.sound,
    "every-value-new": credentials.all_changed,
    "secrets-filled-in-recovery": lambda scene: credentials.filled(scene.recovery),
    "same-rows": databases.rows_back,
    "backup-equal": exports.restored,
    "backup-equal-in-recovery": lambda scene: exports.restored(scene.recovery),
}
"""Name in the catalogue -> what asks it."""
