"""Where the scheduled exports of an environment go, which key seals them, how old the newest is."""

from __future__ import annotations

from datetime import datetime

from totara_infra.model.naming import fill
from totara_infra.model.stack import StackSettings
from totara_infra.model.stores import StoreCatalogue
from totara_infra.operations.backup import archive
from totara_infra.operations.backup.storage import storage_at
from totara_infra.operations.live import Live


def export_place(stores: StoreCatalogue | None, settings: StackSettings) -> str | None:
    """`s3://BUCKET` where the catalogue wants exports of this environment; None where by hand.

    An emulated stack has none: the bucket would be lost together with what it is to bring back.
    """
    if stores is None or settings.emulated:
        return None
    if settings.environment not in stores.exports.environments:
        return None
    values = {"env": settings.environment.value, "suffix": settings.bucket_suffix}
    return f"s3://{fill(stores.exports.bucket, values)}"


def export_key(stores: StoreCatalogue | None, settings: StackSettings) -> str | None:
    """Alias of the KMS key that seals exports of this environment, where they have a place."""
    if stores is None or export_place(stores, settings) is None:
        return None
    return f"alias/bank-{settings.environment}-{stores.exports.key_class}"


def export_keys_elsewhere(stores: StoreCatalogue | None, settings: StackSettings) -> dict[str, str]:
    """Region -> alias of the KMS key there which opens exports when the stack's region is lost."""
    if stores is None or not stores.copied_from(settings):
        return {}
    alias = fill(stores.vault.copies.name, {"env": settings.environment.value})
    return {settings.disaster_recovery_region: f"alias/{alias}"}


def newest_export(live: Live, place: str, stack: str) -> datetime | None:
    """When the newest export of a stack in a place was begun; None where there is none.

    Raises:
        AwsRefusedError: the place can't be listed.
    """
    known = archive.ids(storage_at(place, live), stack)
    # Ids begin with the moment of the export.
    return archive.moment(known[-1]) if known else None
