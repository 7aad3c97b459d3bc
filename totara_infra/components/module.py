"""A module: its declarations, and the marker that is written when all of them are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi

from totara_infra.blueprint import PlannedResource
from totara_infra.components.group import GROUPS, Group, GroupArgs
from totara_infra.components.made import Made


@dataclass
class ModuleArgs:
    """Arguments of `Module`.

    Attributes:
        resources: the module's resources; the last one is its marker.
        made: what the program has made so far.
    """

    resources: Sequence[PlannedResource]
    made: Made = field(default_factory=Made)


class Module(pulumi.ComponentResource):
    """One module of the platform.

    What it must wait for goes into `opts.depends_on`: its children wait for it, and the marker
    waits for all of them. A module without resources still has its marker, so the order never
    breaks at an empty component.

    Outputs:
        marker: the SSM parameter `/bank/{env}/deployment/mod-NNN`.

    Example:
        >>> Module("MOD-002", ModuleArgs(blueprint.steps["MOD-002"], made),
        ...        ResourceOptions(depends_on=[posting_engine.marker]))
    """

    def __init__(
        self, name: str, args: ModuleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("totara:components:Module", name, None, opts)
        *own, marker = args.resources
        self.groups: list[Group] = []
        for kind, component in GROUPS.items():
            members = [planned for planned in own if planned.kind == kind]
            if members:
                self.groups.append(
                    component(
                        f"{name}-{kind}",
                        GroupArgs(members, args.made),
                        pulumi.ResourceOptions(parent=self),
                    )
                )
        children = [child for group in self.groups for child in group.children]
        self.marker = args.made.make(marker, parent=self, depends_on=children)
        self.register_outputs({"marker": self.marker.id})
