"""What the gates ask of the live environment. Implemented by `totara_infra.operations`."""

from __future__ import annotations

from typing import Protocol

from totara_infra.blueprint import Blueprint


class LiveChecks(Protocol):
    """Checks against the environment that the provider writes to.

    Both run inside a resource hook: they must not block the event loop, and they raise with a
    text for people when the update has to stop.
    """

    async def phase_is_ready(self, blueprint: Blueprint, phase: int) -> None:
        """Run the checks of a phase.

        Raises:
            Exception: at least one check failed; the text names each and how to mend it.
        """

    async def configuration_is_deployed(
        self, application_id: str, environment_id: str, deployment_number: int
    ) -> None:
        """Wait until an AppConfig deployment is complete.

        Raises:
            Exception: it was rolled back; the text names the way back.
        """
