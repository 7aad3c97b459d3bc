"""What can't be made again is protected where it is in earnest."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model.vocabulary import KEPT_TYPES
from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined

_POOL = "aws:cognito/userPool:UserPool"


def _check(resource: Examined) -> Iterator[str]:
    settings = resource.settings
    # A rehearsal's own settings take the protection off: all of it is throwaway.
    if not settings.environment.keeps_state or (settings.emulated and not settings.protect):
        return
    kept = KEPT_TYPES.get(resource.type)
    if kept is None:
        return
    if not resource.protect:
        yield (
            f"A {kept} without `protect`. Plan it with `protect=scope.settings.protect`, or lift "
            "the protection only for a release that names it with --allow-delete."
        )
    if resource.type == _POOL and resource.properties.get("deletionProtection") != "ACTIVE":
        yield "Cognito would delete it when asked to. Set `deletion_protection` to ACTIVE."


PROTECTION = Convention(
    "protection",
    "Secrets, user pools, buckets, keys and backup vaults are protected in uat and prod: what they "
    "hold can't be made again.",
    _check,
)
