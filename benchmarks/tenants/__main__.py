"""The platform for as many tenants as the stack lists, composed in code instead of files."""

from typing import Any

import pulumi

from benchmarks.synthetic import tenants
from totara_infra import Platform
from totara_infra.configuration import reported, stack_settings
from totara_infra.model.stack import PROJECT
from totara_infra.operations.gates import Gates


async def main() -> dict[str, Any]:
    """Declare everything and wait for the last resource."""
    settings = stack_settings(pulumi.Config(PROJECT), pulumi.get_stack())
    composed = tenants(len(settings.tenants))
    return await Platform(settings, composed, checks=Gates(settings)).ready()


pulumi.run(reported(main))
