"""What every proof starts from: one client in one stack, and the way to its live environment."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint, plan
from totara_infra.delivery.runbooks import Journal
from totara_infra.delivery.stacks import stack_settings
from totara_infra.local.project import project_root
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.problems import TotaraError
from totara_infra.model.provisioning import ProvisioningCatalogue
from totara_infra.operations.live import Live
from totara_infra.provisioning.situation import Situation
from totara_infra.resolver.licences import checked_tenants

MANAGEMENT_PROFILE = "TOTARA_MANAGEMENT_PROFILE"
"""Names the AWS profile that may read in the organisation's management account."""


class NotAskedError(TotaraError):
    """Something that a proof needs before it can ask is missing."""

    exit_code = 1


@dataclass
class Asking:
    """One client in one stack, asked about again and again while the environment comes up.

    Attributes:
        situation: client and stack.
        catalogue: validated.
        playbook: its steps and suppliers.
        journal: what was tried.
    """

    situation: Situation
    catalogue: Catalogue
    playbook: ProvisioningCatalogue
    journal: Journal
    _refused: str | None = field(default=None, repr=False)
    _blueprints: dict[str | None, Blueprint] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def client_id(self) -> str:
        """The client's."""
        return self.situation.tenant.client_id

    def live(self) -> Live:
        """Access to the environment as it is now.

        Raises:
            NotAskedError: AWS takes no credentials from here; said at once from the second time on.
            UsageError: the emulator is not running.
        """
        if self._refused is not None:
            raise NotAskedError(self._refused)
        live = Live(stack_settings(self.situation.name, self.situation.rehearse))
        if not live.settings.emulated:
            try:
                live.client("sts", attempts=2).get_caller_identity()
            except (BotoCoreError, ClientError) as error:
                self._refused = f"AWS can't be asked: {error}"
                raise NotAskedError(self._refused) from None
        return live

    def management(self, service: str) -> Any:
        """A client for the management account. An emulated stack's one account stands for it.

        Raises:
            NotAskedError: nobody has said which profile reads there.
        """
        if self.situation.throwaway:
            return self.live().client(service)
        profile = os.environ.get(MANAGEMENT_PROFILE)
        if not profile:
            raise NotAskedError(
                f"The management account can't be asked: set {MANAGEMENT_PROFILE} to a profile "
                "that may read there."
            )
        session: Any = boto3.Session(
            profile_name=profile, region_name=self.situation.settings.region
        )
        return session.client(service)

    def blueprint(self, live: Live) -> Blueprint:
        """What the stack has to consist of, by the files as they were when it was first asked for.

        Raises:
            ProblemsError: what is wrong in the files.
        """
        # Many proofs need it, and it takes longer than what they ask.
        with self._lock:
            if live.settings.endpoint not in self._blueprints:
                tenants = checked_tenants(
                    self.catalogue, project_root(), live.settings.tenants, self.situation.name
                )
                made = plan(self.catalogue, live.settings, tenants)
                self._blueprints[live.settings.endpoint] = made
            return self._blueprints[live.settings.endpoint]


def listed(words: list[str], most: int = 6) -> str:
    """Some words joined by commas, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return f"{', '.join(words[:most])}{more}"
