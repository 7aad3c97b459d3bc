"""One Pulumi component a kind of declaration. They instantiate what the blueprint decides."""

from totara_infra.components.app_config import AppConfig, AppConfigArgs
from totara_infra.components.checks import LiveChecks
from totara_infra.components.gate import Gate, GateArgs
from totara_infra.components.group import (
    Alarms,
    AlertRouting,
    Backup,
    Buckets,
    ClaimMapping,
    Encryption,
    EventBuses,
    Group,
    GroupArgs,
    LogGroups,
    Parameters,
    Roles,
    RollOut,
    Secrets,
    Topics,
)
from totara_infra.components.made import Made
from totara_infra.components.module import Module, ModuleArgs

__all__ = [
    "Alarms",
    "AlertRouting",
    "AppConfig",
    "AppConfigArgs",
    "Backup",
    "Buckets",
    "ClaimMapping",
    "Encryption",
    "EventBuses",
    "Gate",
    "GateArgs",
    "Group",
    "GroupArgs",
    "LiveChecks",
    "LogGroups",
    "Made",
    "Module",
    "ModuleArgs",
    "Parameters",
    "Roles",
    "RollOut",
    "Secrets",
    "Topics",
]
