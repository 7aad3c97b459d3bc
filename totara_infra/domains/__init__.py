"""The eight system domains as components. They group modules; order is between modules."""

from totara_infra.domains.system_domain import (
    DOMAINS,
    AntiMoneyLaundering,
    CoreBanking,
    CreditDecisioning,
    CustomerApp,
    CustomerIdentity,
    DataPlatform,
    Payments,
    RiskAnalytics,
    SystemDomain,
    SystemDomainArgs,
)

__all__ = [
    "DOMAINS",
    "AntiMoneyLaundering",
    "CoreBanking",
    "CreditDecisioning",
    "CustomerApp",
    "CustomerIdentity",
    "DataPlatform",
    "Payments",
    "RiskAnalytics",
    "SystemDomain",
    "SystemDomainArgs",
]
