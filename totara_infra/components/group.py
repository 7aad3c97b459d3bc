"""Components that make one kind of declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pulumi

from totara_infra.blueprint import PlannedResource
from totara_infra.components.made import Made


@dataclass
class GroupArgs:
    """Arguments of every component that makes one kind of declaration.

    Attributes:
        resources: what to make, from a blueprint function such as
            `totara_infra.blueprint.parameters.parameter_resources`.
        made: what the program has made so far, where references lead to. A component used alone
            can leave it out if its resources refer only to one another.
    """

    resources: Sequence[PlannedResource]
    made: Made = field(default_factory=Made)


class Group(pulumi.ComponentResource):
    """Base: makes its resources as children and exposes them.

    Outputs:
        names: the logical names of what was made.
    """

    token: ClassVar[str]

    def __init__(
        self, name: str, args: GroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(self.token, name, None, opts)
        self.children = [args.made.make(planned, parent=self) for planned in args.resources]
        self.names = [planned.name for planned in args.resources]
        self.register_outputs({"names": self.names})


class Parameters(Group):
    """SSM parameters of one service.

    Example:
        >>> Parameters("posting-engine", GroupArgs(parameter_resources(scope, module)))
    """

    token = "totara:components:Parameters"


class Secrets(Group):
    """Secret containers. Holds no value, and no argument takes one.

    Example:
        >>> Secrets("secrets", GroupArgs(secret_resources(scope, module), made))
    """

    token = "totara:components:Secrets"


class Encryption(Group):
    """KMS keys, one for each data classification, with their aliases."""

    token = "totara:components:Encryption"


class EventBuses(Group):
    """Event buses with archive, dead-letter queue and resource policy."""

    token = "totara:components:EventBuses"


class Buckets(Group):
    """S3 buckets: versioned, encrypted, private."""

    token = "totara:components:Buckets"


class Topics(Group):
    """SNS topics with the policy that lets alarms publish."""

    token = "totara:components:Topics"


class LogGroups(Group):
    """CloudWatch log groups with their retention."""

    token = "totara:components:LogGroups"


class AlertRouting(Group):
    """The way of an alert from the intake to people: router, routes, their filters and queues.

    Example:
        >>> AlertRouting("routing", GroupArgs(alert_routing_resources(scope, module), made))
    """

    token = "totara:components:AlertRouting"


class Alarms(Group):
    """CloudWatch alarms, metric and composite, that act on the alarm intake.

    Example:
        >>> Alarms("ledger-alarms", GroupArgs(alarm_resources(scope, module), made))
    """

    token = "totara:components:Alarms"


class Roles(Group):
    """IAM roles of the domains with their policies."""

    token = "totara:components:Roles"


class ClaimMapping(Group):
    """User pools, clients, groups and trigger, composed from the claims of all domains.

    Example:
        >>> ClaimMapping("identity", GroupArgs(identity_resources(scope), made))
    """

    token = "totara:components:ClaimMapping"


class Backup(Group):
    """Vault, plans and selections of AWS Backup, with the role under which it works.

    Example:
        >>> Backup("backup", GroupArgs(backup_resources(scope, module), made))
    """

    token = "totara:components:Backup"


class RollOut(Group):
    """The strategy by which AppConfig spreads a new configuration."""

    token = "totara:components:RollOut"


GROUPS: dict[str, type[Group]] = {
    "encryption": Encryption,
    "roles": Roles,
    "events": EventBuses,
    "storage": Buckets,
    "backup": Backup,
    "messaging": Topics,
    "logging": LogGroups,
    "alert_routing": AlertRouting,
    "alarms": Alarms,
    "parameters": Parameters,
}
"""Kind in the blueprint -> component, in the order in which a module makes them."""
