"""The Pulumi program: read the stack, build the platform, await it."""

from typing import Any

import pulumi

from totara_infra.configuration import reported, stack_settings
from totara_infra.delivery.validation import refuse_invalid
from totara_infra.local.project import project_root
from totara_infra.model.tenants import load_tenants
from totara_infra.operations.gates import Gates
from totara_infra.platform import Platform


async def main() -> dict[str, Any]:
    """Declare everything and wait for the last resource."""
    settings = stack_settings(pulumi.Config(), pulumi.get_stack())
    refuse_invalid()
    tenants = load_tenants(project_root(), settings.tenants)
    return await Platform(settings, tenants, checks=Gates(settings)).ready()


pulumi.run(reported(main))
