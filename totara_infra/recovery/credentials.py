"""Credentials that others may know: what shows it, and that every value is a new one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import SecretStr

from totara_infra.blueprint.secrets import TYPE
from totara_infra.delivery.runbooks import Finding
from totara_infra.operations.checks import Outcome, Result
from totara_infra.operations.secrets import formats
from totara_infra.operations.secrets.audit import audit
from totara_infra.operations.secrets.filling import rotation_function, seed, store
from totara_infra.operations.secrets.inventory import Standing, entries, standings
from totara_infra.operations.secrets.rotation import Way, select, way_of
from totara_infra.operations.trail import writes
from totara_infra.recovery.scene import Scene
from totara_infra.recovery.signs import Sign, drifted, listed, sign_of

_OPEN = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Anybody",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "secretsmanager:GetSecretValue",
            "Resource": "*",
        }
    ],
}
_SOURCE = "secretsmanager.amazonaws.com"
_NEVER_OURS = ("DeleteResourcePolicy", "CancelRotateSecret", "ReplicateSecretToRegions")
"""Calls that neither the program nor rotation makes."""


def policies_as_declared(scene: Scene) -> Sign:
    """Every secret has the policy that closes it."""
    return drifted(scene, frozenset({TYPE}), "Every secret is closed as declared.")


def nobody_else_reads(scene: Scene) -> Sign:
    """No role reads a secret that the catalogue does not open to it."""
    failed = [r for r in _failures(scene) if r.check == "secret closed"]
    return sign_of([f"{r.subject}: {r.found}" for r in failed], "Only named readers may read.")


def events(scene: Scene) -> Sign:
    """Calls to Secrets Manager that are never ours, as CloudTrail recorded them."""
    found = [
        f"{w.action} by {w.user or 'somebody'} at {datetime.fromtimestamp(w.time, UTC):%F %T} UTC"
        for w in writes(scene.live, scene.since.timestamp())
        if w.source == _SOURCE and w.action in _NEVER_OURS
    ]
    return sign_of(found, f"Nothing since {scene.since:%F %T} UTC.")


def _failures(scene: Scene) -> list[Result]:
    results = audit(scene.live, scene.blueprint, datetime.now(UTC))
    return [r for r in results if r.outcome is Outcome.FAILED]


def fill(scene: Scene) -> None:
    """Give every empty secret of an emulated environment a value that somebody could learn."""
    for _ in seed(scene.live, scene.blueprint):
        pass


def prepare(scene: Scene) -> None:
    """Fill the secrets, and keep what their check had against them before the fault."""
    fill(scene)
    scene.facts["secret_failures"] = _named_failures(scene)


def policy_opened(scene: Scene) -> None:
    """The first secret loses the policy that closes it, gets one that opens it, and is read."""
    path = min(entries(scene.blueprint))
    client = scene.live.client("secretsmanager")
    client.delete_resource_policy(SecretId=path)
    client.put_resource_policy(SecretId=path, ResourcePolicy=json.dumps(_OPEN))
    client.get_secret_value(SecretId=path)


def closed(scene: Scene) -> Finding:
    """Whether every secret is closed again."""
    sign = policies_as_declared(scene)
    return Finding(sign.raised is False, sign.found)


def _changeable(scene: Scene, *, made_here: bool) -> list[Standing]:
    """Secrets with a value, of one of two kinds: made here or by rotation, or issued by others."""
    known = entries(scene.blueprint)
    by_function = rotation_function(scene.live, scene.blueprint) is not None
    ours = {Way.SIGNING, Way.HANDOVER} | ({Way.FUNCTION} if by_function else set())
    chosen = [
        e
        for e in select(scene.blueprint, everything=True, domain=None, path=None)
        if (way_of(e, known) in ours) is made_here
    ]
    found = standings(scene.live, chosen, scene.blueprint.scope.env, datetime.now(UTC))
    return [s for s in found if s.filled]


def _changed(scene: Scene, found: Sequence[Standing]) -> Finding:
    old = [s.entry.path for s in found if s.changed is None or s.changed < scene.since]
    since = f"{scene.since:%F %T} UTC"
    if old:
        return Finding(False, f"{len(old)} have the value of before {since}: {listed(old)}.")
    return Finding(True, f"All {len(found)} have been changed since {since}.")


def own_changed(scene: Scene) -> Finding:
    """Whether every secret that is made here, or by rotation, has a new value."""
    return _changed(scene, _changeable(scene, made_here=True))


def issued_changed(scene: Scene) -> Finding:
    """Whether every secret that others issue has a new value."""
    return _changed(scene, _changeable(scene, made_here=False))


def all_changed(scene: Scene) -> Finding:
    """Whether no secret has a value that the intruder can have read."""
    found = [s for own in (True, False) for s in _changeable(scene, made_here=own)]
    return _changed(scene, found)


def put_issued(scene: Scene) -> None:
    """Put new throwaway values in place of those that others issue, as people would."""
    for standing in _changeable(scene, made_here=False):
        if standing.changed is None or standing.changed < scene.since:
            entry = standing.entry
            value = SecretStr(formats.throwaway(entry.secret, entry.path))
            for _ in store(scene.live, standing, value):
                pass


def sound(scene: Scene) -> Finding:
    """Whether `totara secrets check` has nothing against any secret that it had not before."""
    before = set(scene.facts.get("secret_failures", []))
    failed = [f for f in _named_failures(scene) if f not in before]
    if failed:
        return Finding(False, f"{len(failed)} checks of secrets fail: {listed(failed)}.")
    return Finding(True, "Every check of the secrets that passed before passes.")


def _named_failures(scene: Scene) -> list[str]:
    return [f"{r.check} {r.subject}" for r in _failures(scene)]


def filled(scene: Scene) -> Finding:
    """Whether every secret that the environment requires has a value."""
    found = standings(
        scene.live,
        list(entries(scene.blueprint).values()),
        scene.blueprint.scope.env,
        datetime.now(UTC),
    )
    empty = [s.entry.path for s in found if s.entry.secret.required and not s.filled]
    if empty:
        return Finding(False, f"{len(empty)} have no value: {listed(empty)}.")
    return Finding(True, f"All {len(found)} secrets that are required have a value.")
