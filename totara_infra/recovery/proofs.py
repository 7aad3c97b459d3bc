"""Whether a step of a way back is taken: asked of the live environment, or of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from totara_infra.delivery.runbooks import Finding
from totara_infra.recovery import configuration, credentials, databases, exports, functions, region
from totara_infra.recovery.scene import Scene

Proof = Callable[[Scene], Finding]

ATTESTED: Mapping[str, str] = {
    "incident-declared": "when the incident was declared, and by whom",
    "roles-taken": "who is incident commander, technical lead and communications lead",
    "indicators-noted": "what the indicators showed, with their times",
    "releases-held": "that no release goes out until the incident is closed",
    "institutions-told": "what the institutions and regulators were told, and when",
    "incident-closed": "when the incident was closed, and with which evidence",
    "traces-kept": "where the traces of the intrusion are kept, and what they say",
    "readers-restarted": "which modules were restarted, and when",
    "data-in-recovery-region": "which databases were restored in the other region, to which moment",
    "modules-in-recovery-region": "which modules were deployed in the other region",
    "clients-switched": "when names and clients were switched to the other region",
}
"""Proofs that nobody but people can give -> what the incident's record must say."""


def _attested(what: str, scene: Scene) -> Finding:
    del scene
    return Finding(False, f"Only the record of the incident can say {what}.")


PROOFS: Mapping[str, Proof] = {
    **{name: partial(_attested, what) for name, what in ATTESTED.items()},
    "functions-sound": functions.sound,
    "tables-back": databases.tables_back,
    "rows-back": databases.rows_back,
    "recovery-up": region.recovery_up,
    "recovery-restored": lambda scene: exports.restored(scene.recovery),
    "recovery-secrets-filled": lambda scene: credentials.filled(scene.recovery),
    "users-enrolled": region.enrolled,
    "secrets-closed": credentials.closed,
    "own-secrets-changed": credentials.own_changed,
    "issued-secrets-changed": credentials.issued_changed,
    "state-usable": configuration.state_usable,
    "configuration-sound": configuration.configuration_sound,
    "backup-restored": exports.restored,
}
"""Name in the catalogue -> what asks it."""
