"""What the gates ask of the live environment, for the program's hooks."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from totara_infra.blueprint import Blueprint
from totara_infra.model.stack import StackSettings
from totara_infra.operations.checks import Outcome, Result
from totara_infra.operations.checks.inspection import Extent
from totara_infra.operations.checks.registry import run_checks
from totara_infra.operations.live import Live
from totara_infra.operations.roll_outs import RollOutError, wait_until_complete

SETTLING_SECONDS = (2.0, 5.0, 10.0)
"""Pauses before failed checks count: AWS may answer for some seconds as before a write."""


class GateError(Exception):
    """The update has to stop here; the text says why and how to go on."""


class Gates:
    """Implements `totara_infra.components.LiveChecks` with boto3.

    The checks run in threads of their own: Pulumi's default executor deadlocks when hooks use it,
    and blocking the event loop would hold up every other resource.
    """

    def __init__(self, settings: StackSettings) -> None:
        self._settings = settings
        self._live = Live(settings)
        self._executor = ThreadPoolExecutor(max_workers=16, thread_name_prefix="gate")

    async def phase_is_ready(self, blueprint: Blueprint, phase: int) -> None:
        """Run the checks of a phase.

        Raises:
            GateError: at least one failed.
        """
        work = partial(self._results, blueprint, phase)
        results = await asyncio.get_running_loop().run_in_executor(self._executor, work)
        failures = [r for r in results if r.outcome is Outcome.FAILED]
        if failures:
            title = next(p.title for p in blueprint.sequence.phases if p.id == phase)
            lines = "\n".join(f"  - {failure.check} {failure}" for failure in failures)
            raise GateError(
                f"Gate of phase {phase} ({title}): {len(failures)} of {len(results)} checks "
                f"failed. Later phases were not touched. Mend these and run the update again, "
                f"which goes on from here:\n{lines}"
            )

    def _results(self, blueprint: Blueprint, phase: int) -> list[Result]:
        """Results of a phase's checks, once AWS has settled."""
        extent = Extent(frozenset({phase}), gates=False)
        pauses = iter(() if self._settings.emulated else SETTLING_SECONDS)
        while True:
            checked = run_checks(self._live, blueprint, extent)
            results = [result for entry in checked for result in entry.results]
            pause = next(pauses, None)
            if pause is None or all(r.outcome is not Outcome.FAILED for r in results):
                return results
            time.sleep(pause)

    async def configuration_is_deployed(
        self, application_id: str, environment_id: str, deployment_number: int
    ) -> None:
        """Wait until an AppConfig deployment is complete.

        Raises:
            GateError: it was rolled back, or takes longer than its strategy allows.
        """
        work = partial(self._wait, application_id, environment_id, deployment_number)
        await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def _wait(self, application_id: str, environment_id: str, number: int) -> None:
        try:
            wait_until_complete(self._live, application_id, environment_id, number)
        except RollOutError as error:
            raise GateError(str(error)) from None
