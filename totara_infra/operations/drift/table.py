"""Every resource type that can be read back, with its reader."""

from __future__ import annotations

from totara_infra.operations.drift import (
    alarms,
    app_config,
    backups,
    buckets,
    events,
    functions,
    identity,
    keys,
    logs,
    parameters,
    queues,
    roles,
    secrets,
    topics,
)
from totara_infra.operations.drift.reading import TypeReader

SERVICES = (
    alarms,
    app_config,
    backups,
    buckets,
    events,
    functions,
    identity,
    keys,
    logs,
    parameters,
    queues,
    roles,
    secrets,
    topics,
)

READERS: dict[str, TypeReader] = {
    reader.token: reader for service in SERVICES for reader in service.READERS
}
"""Type token -> how it is read and compared."""
