"""What users can write of themselves."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model.sign_in import POOLS, attribute_name, claims_of
from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined
from totara_infra.policies.secret_values import CLIENT


def _check(resource: Examined) -> Iterator[str]:
    if resource.type != CLIENT:
        return
    written = resource.properties.get("writeAttributes") or []
    if not written:
        yield (
            "Its write list is empty, which Cognito takes for everything. Name at least one "
            "attribute, such as the sign-in name."
        )
    deciding = {
        attribute_name(claim)
        for pool in POOLS
        for _, claim in claims_of(resource.catalogue, pool)
        if claim.decides_access
    }
    for attribute in sorted(deciding & set(written)):
        yield (
            f"`{attribute}` is in its write list, and decides access: whoever has a token could "
            "change it. Take the client out of the claim's `writable_by`."
        )


WRITE_LISTS = Convention(
    "write-lists",
    "No client may write an attribute that decides access, and none has an empty write list: "
    "users could give themselves another tenant.",
    _check,
)
