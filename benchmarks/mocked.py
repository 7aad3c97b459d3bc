"""The whole Pulumi program without an engine: under Pulumi's own mocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from totara_infra.configuration import reported
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.stack import StackSettings
from totara_infra.model.tenancy import Tenant
from totara_infra.platform import Platform


class _Outputs(pulumi.runtime.Mocks):
    """Answers each registration with what AWS would add."""

    def __init__(self) -> None:
        self.resources = 0

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[Any, Any]]:
        if args.custom and not args.typ.startswith("pulumi:"):
            self.resources += 1
        known = {
            "arn": f"arn:aws:mock:::{args.name}",
            "deploymentNumber": 1,
            "versionNumber": 1,
            "environmentId": "env1234",
            "configurationProfileId": "pro1234",
            "url": "https://queue",
            "bucket": "bucket",
        }
        return f"{args.name}-id", {**known, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
        raise AssertionError(f"the program makes no invokes, yet called {args.token}")


@dataclass(frozen=True)
class Mocked:
    """A run under mocks.

    Attributes:
        seconds: wall time.
        processor_seconds: time of the processor.
        resources: how many were registered, components not counted.
    """

    seconds: float
    processor_seconds: float
    resources: int


def run_mocked(catalogue: Catalogue, settings: StackSettings, tenants: Sequence[Tenant]) -> Mocked:
    """Run the program once."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    outputs = _Outputs()
    pulumi.runtime.set_mocks(outputs, project="totara-infra", stack=settings.environment.value)

    async def main() -> dict[str, Any]:
        return await Platform(settings, tenants, catalogue=catalogue).ready()

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    async def program() -> None:
        await reported(main)()

    started, started_processor = time.perf_counter(), time.process_time()
    program()
    return Mocked(
        time.perf_counter() - started, time.process_time() - started_processor, outputs.resources
    )
