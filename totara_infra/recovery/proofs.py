"""Whether a step of a way back is taken: asked of the live environment, or of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from totara_infra.delivery.runbooks import Finding
from totara_infra.recovery.indicators import PROBES
from totara_infra.recovery.scene import Scene

Proof = Callable[[Scene], Finding]

ATTESTED: Mapping[str, str] = {
    "incident-declared": "when the incident was declared, and by whom",
    "roles-taken": "who is incident commander, technical lead and communications lead",
    "indicators-noted": "what the indicators showed, with their times",
    "releases-held": "that no release goes out until the incident is closed",
    "institutions-told": "what the institutions and regulators were told, and when",
    "incident-closed": "when the incident was closed, and with which evidence",
}
"""Proofs that nobody but people can give -> what the incident's record must say."""


def _attested(what: str, scene: Scene) -> Finding:
    del scene
    return Finding(False, f"Only the record of the incident can say {what}.")


def _quiet(probes: tuple[str, ...], scene: Scene) -> Finding:
    signs = [PROBES[name](scene) for name in probes]
    bad = [s for s in signs if s.raised is not False]
    return Finding(not bad, " ".join(s.found for s in bad or signs))


PROOFS: Mapping[str, Proof] = {
    **{name: partial(_attested, what) for name, what in ATTESTED.items()},
    "functions-sound": partial(_quiet, ("functions-answer", "functions-as-declared")),
}
"""Name in the catalogue -> what asks it."""
