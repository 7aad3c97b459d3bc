"""The whole platform of one environment, in the resolved order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from totara_infra.blueprint import Blueprint, plan
from totara_infra.blueprint.roll_out import ROLL_OUT_STEP
from totara_infra.components import (
    ClaimMapping,
    Gate,
    GateArgs,
    Group,
    GroupArgs,
    LiveChecks,
    Made,
    RollOut,
    Secrets,
)
from totara_infra.domains import DOMAINS, SystemDomain, SystemDomainArgs
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.stack import PROJECT, StackSettings
from totara_infra.model.tenancy import Tenant
from totara_infra.resolver import ResolvedPhase, load_catalogue
from totara_infra.resolver.sequence import (
    IDENTITY_STEP,
    SECRETS_STEP,
    SIGN_IN_LOGS_STEP,
    gate_step,
)

EMULATED_SERVICES = (
    "appconfig", "backup", "cloudwatch", "cognitoidp", "eventbridge", "iam", "kms", "lambda",
    "logs", "s3", "secretsmanager", "sns", "sqs", "ssm", "sts",
)  # fmt: skip
"""Services that the program uses, as the provider's `endpoints` spells them."""


_AFTER_A_MODULE: dict[str, type[Group]] = {
    SECRETS_STEP: Secrets,
    # Of the type that makes the pools: the log groups once went up with them, and their URNs stay.
    SIGN_IN_LOGS_STEP: ClaimMapping,
}
"""Foundation that follows a module -> the component that makes it."""


class Platform(pulumi.ComponentResource):
    """Every domain and module of an environment, for its tenants.

    Attributes:
        blueprint: what the platform consists of.
        domains: domain id -> component.
        gates: phase id -> gate.

    Example:
        >>> platform = Platform(settings, tenants=[Tenant(client_id="acorn", ...)])
        >>> await platform.ready()
    """

    def __init__(
        self,
        settings: StackSettings,
        tenants: Sequence[Tenant],
        *,
        catalogue: Catalogue | None = None,
        checks: LiveChecks | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the platform.

        Args:
            settings: of the stack.
            tenants: the tenants that the settings list.
            catalogue: the packaged one where it is left out.
            checks: what gates and AppConfig deployments ask of the live environment; without
                them every gate is open, which is for unit tests.
            opts: Pulumi's options; a provider is made from the settings unless given here.
        """
        # The stack is the platform: its name as a child would only repeat it in every URN.
        options = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(providers=[provider(settings)]), opts
        )
        super().__init__("totara:platform:Platform", "bank", None, options)
        self.blueprint: Blueprint = plan(catalogue or load_catalogue().catalogue, settings, tenants)
        self._checks = checks
        self._made = Made()
        self._steps: dict[str, list[pulumi.Resource]] = {}
        self.domains: dict[str, SystemDomain] = {}
        self.gates: dict[int, Gate] = {}
        for phase in self.blueprint.sequence.phases:
            self._add_phase(phase)
        self.register_outputs({})

    async def ready(self) -> dict[str, Any]:
        """Wait until the last resource is there.

        Awaiting the markers here leaves the SDK few outputs to wait for at the end of the
        program, which costs it quadratic time.

        Returns:
            Outputs of the stack: environment, counts, and the phases that are up.
        """
        sequence = self.blueprint.sequence
        markers = [m.marker for d in self.domains.values() for m in d.modules.values()]
        last = [*markers, *(gate.parameter for gate in self.gates.values())]
        await asyncio.gather(*(resource.urn.future() for resource in last))
        return {
            "environment": sequence.environment.value,
            "modules": len(sequence.modules),
            "phases": [phase.title for phase in sequence.phases],
        }

    def _add_phase(self, phase: ResolvedPhase) -> None:
        waits = self.blueprint.sequence.foundation_waits_for
        if not self.gates:
            roll_out = RollOut(
                ROLL_OUT_STEP,
                GroupArgs(self.blueprint.steps[ROLL_OUT_STEP], self._made),
                pulumi.ResourceOptions(parent=self),
            )
            self._steps[ROLL_OUT_STEP] = list(roll_out.children)
        for step in phase.foundations:
            if step.startswith("app-config:"):
                domain = self._domain(step.removeprefix("app-config:"))
                self._steps[step] = list(domain.add_app_config(self._resources(waits[step])).waits)
        if IDENTITY_STEP in phase.foundations:
            identity = ClaimMapping(
                IDENTITY_STEP,
                GroupArgs(self.blueprint.steps[IDENTITY_STEP], self._made),
                pulumi.ResourceOptions(parent=self),
            )
            self._steps[IDENTITY_STEP] = list(identity.children)
        for module_id in self._longest_chain_first(phase):
            placed = self.blueprint.sequence.module[module_id]
            module = self._domain(placed.domain).add_module(
                module_id, self._resources(placed.waits_for)
            )
            self._steps[module_id] = [module.marker]
            for step, component in _AFTER_A_MODULE.items():
                if module_id in waits.get(step, ()) and step in phase.foundations:
                    group = component(
                        step,
                        GroupArgs(self.blueprint.steps[step], self._made),
                        pulumi.ResourceOptions(parent=self, depends_on=[module.marker]),
                    )
                    self._steps[step] = list(group.children)
        self.gates[phase.id] = Gate(
            f"phase-{phase.id}",
            GateArgs(
                self.blueprint,
                phase.id,
                self.blueprint.gate(phase.id),
                self._checks,
                self._made,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=self._resources(phase.gate_waits_for)),
        )
        self._steps[gate_step(phase.id)] = [self.gates[phase.id].parameter]

    def _longest_chain_first(self, phase: ResolvedPhase) -> list[str]:
        """The phase's modules by how many of them wait for one another from there on.

        What becomes ready at once is registered in the order of its declaration, so the longest
        chain must not stand behind what nothing waits for. What a module needs is never later: it
        begins a longer chain.
        """
        following = dict.fromkeys(phase.modules, 0)
        for module_id in reversed(phase.modules):
            for needed in self.blueprint.sequence.module[module_id].waits_for:
                if needed in following:
                    following[needed] = max(following[needed], following[module_id] + 1)
        return sorted(phase.modules, key=following.__getitem__, reverse=True)

    def _domain(self, domain_id: str) -> SystemDomain:
        if domain_id not in self.domains:
            domain = self.blueprint.scope.catalogue.domain[domain_id]
            self.domains[domain_id] = DOMAINS[domain_id](
                domain.slug,
                SystemDomainArgs(self.blueprint, self._checks, self._made),
                pulumi.ResourceOptions(parent=self),
            )
        return self.domains[domain_id]

    def _resources(self, steps: Sequence[str]) -> list[pulumi.Resource]:
        return [resource for step in steps for resource in self._steps[step]]


def provider(settings: StackSettings) -> aws.Provider:
    """The explicit AWS provider of a stack; default providers are off.

    It refuses every account but the stack's own. For an emulated stack it talks to the emulator,
    which takes a twelve-digit access key as the account id.
    """
    emulated: dict[str, Any] = {}
    if settings.endpoint is not None:
        emulated = {
            **emulated_credentials(settings),
            "endpoints": [dict.fromkeys(EMULATED_SERVICES, settings.endpoint)],
            "s3_use_path_style": True,
            "skip_credentials_validation": True,
            "skip_metadata_api_check": True,
            "skip_region_validation": True,
        }
    return aws.Provider(
        "aws",
        region=settings.region,
        allowed_account_ids=[settings.account_id],
        default_tags={"tags": {"environment": settings.environment.value, "managed_by": PROJECT}},
        **emulated,
    )


def emulated_credentials(settings: StackSettings) -> dict[str, str]:
    """The keys by which a provider reaches the emulator; none for an environment in AWS."""
    if settings.endpoint is None:
        return {}
    return {"access_key": settings.account_id, "secret_key": "emulated"}
