"""What belongs to every bucket, and is a resource of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from totara_infra.policies.access import PUBLIC_ACCESS_BLOCK
from totara_infra.policies.convention import StackConvention
from totara_infra.policies.encryption import BUCKET, BUCKET_ENCRYPTION
from totara_infra.policies.examined import Examined

_PARTS = (PUBLIC_ACCESS_BLOCK, BUCKET_ENCRYPTION)


def _check(resources: Sequence[Examined]) -> Iterator[tuple[Examined, str]]:
    present = {
        (resource.type, bucket)
        for resource in resources
        if resource.type in _PARTS
        for bucket, _ in resource.depends.get("bucket", ())
    }
    for resource in resources:
        if resource.type != BUCKET:
            continue
        for part in _PARTS:
            if (part, resource.name) not in present:
                yield (
                    resource,
                    f"No {part.rsplit(':', 1)[1]} belongs to it. Declare it as `kind: bucket` in "
                    "the catalogue, which brings one.",
                )


BUCKETS = StackConvention(
    "buckets",
    "Every bucket has its block of public access and its encryption: without them AWS's own "
    "defaults hold, which nobody here has chosen.",
    _check,
)
