"""Environment and tenants in, every resource as plain data out. Pure."""

from totara_infra.blueprint.blueprint import Blueprint, plan
from totara_infra.blueprint.resource import (
    Archive,
    Joined,
    PlannedResource,
    Reference,
    digest,
    plain,
)
from totara_infra.blueprint.scope import Scope

__all__ = [
    "Archive",
    "Blueprint",
    "Joined",
    "PlannedResource",
    "Reference",
    "Scope",
    "digest",
    "plain",
    "plan",
]
