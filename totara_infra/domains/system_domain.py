"""`SystemDomain` and its eight subclasses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi

from totara_infra.blueprint import Blueprint
from totara_infra.components import AppConfig, AppConfigArgs, LiveChecks, Made, Module, ModuleArgs
from totara_infra.resolver.sequence import app_config_step


@dataclass
class SystemDomainArgs:
    """Arguments of a domain.

    Attributes:
        blueprint: the environment.
        checks: waits for AppConfig deployments.
        made: what the program has made so far.
    """

    blueprint: Blueprint
    checks: LiveChecks | None = None
    made: Made = field(default_factory=Made)


class SystemDomain(pulumi.ComponentResource):
    """A domain: the parent of its modules and of its AppConfig application.

    Its parts go up at different times, so the platform adds them one by one.

    All domains have one type. The engine identifies a resource by the types of its parents and
    not by their names, so a module that changes its domain keeps its resources, in either
    direction and after an update that stopped half-way.
    """

    token: ClassVar[str] = "totara:domains:SystemDomain"
    domain_id: ClassVar[str]
    earlier_token: ClassVar[str]
    """Type of this domain in states that were written when each domain had its own."""

    def __init__(
        self, name: str, args: SystemDomainArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        renamed = pulumi.ResourceOptions(aliases=[pulumi.Alias(type_=self.earlier_token)])
        super().__init__(self.token, name, None, pulumi.ResourceOptions.merge(renamed, opts))
        self._args = args
        self._name = name
        self.modules: dict[str, Module] = {}
        self.app_config: AppConfig | None = None
        self.register_outputs({})

    def add_app_config(self, depends_on: Sequence[pulumi.Resource]) -> AppConfig:
        """Make the domain's AppConfig application, profiles and deployments."""
        step = app_config_step(self.domain_id)
        self.app_config = AppConfig(
            f"{self._name}-app-config",
            AppConfigArgs(self._args.blueprint.steps[step], self._args.made, self._args.checks),
            pulumi.ResourceOptions(parent=self, depends_on=list(depends_on)),
        )
        return self.app_config

    def add_module(self, module_id: str, depends_on: Sequence[pulumi.Resource]) -> Module:
        """Make one module.

        Args:
            module_id: of this domain.
            depends_on: markers, gates and foundations that it waits for.
        """
        module = Module(
            module_id,
            ModuleArgs(self._args.blueprint.steps[module_id], self._args.made),
            pulumi.ResourceOptions(parent=self, depends_on=list(depends_on)),
        )
        self.modules[module_id] = module
        return module


class CoreBanking(SystemDomain):
    """SD01: ledger, balances, interest, accounts."""

    domain_id, earlier_token = "SD01", "totara:domains:CoreBanking"


class CustomerIdentity(SystemDomain):
    """SD02: identity verification, due diligence, sanctions."""

    domain_id, earlier_token = "SD02", "totara:domains:CustomerIdentity"


class AntiMoneyLaundering(SystemDomain):
    """SD03: transaction monitoring and reports to regulators."""

    domain_id, earlier_token = "SD03", "totara:domains:AntiMoneyLaundering"


class Payments(SystemDomain):
    """SD04: payment validation, rails, open banking."""

    domain_id, earlier_token = "SD04", "totara:domains:Payments"


class CreditDecisioning(SystemDomain):
    """SD05: credit decisions, loans, provisions."""

    domain_id, earlier_token = "SD05", "totara:domains:CreditDecisioning"


class RiskAnalytics(SystemDomain):
    """SD06: risk, capital and regulatory returns."""

    domain_id, earlier_token = "SD06", "totara:domains:RiskAnalytics"


class DataPlatform(SystemDomain):
    """SD07: the shared base, data platform and governance."""

    domain_id, earlier_token = "SD07", "totara:domains:DataPlatform"


class CustomerApp(SystemDomain):
    """SD08: customer app and back office."""

    domain_id, earlier_token = "SD08", "totara:domains:CustomerApp"


DOMAINS: dict[str, type[SystemDomain]] = {
    kind.domain_id: kind
    for kind in (
        CoreBanking,
        CustomerIdentity,
        AntiMoneyLaundering,
        Payments,
        CreditDecisioning,
        RiskAnalytics,
        DataPlatform,
        CustomerApp,
    )
}
"""Domain id -> component."""
