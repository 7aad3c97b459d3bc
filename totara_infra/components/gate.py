"""The end of a phase: written only when the phase's checks pass in the live environment."""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi

from totara_infra.blueprint import Blueprint, PlannedResource
from totara_infra.components.checks import LiveChecks
from totara_infra.components.made import Made


@dataclass
class GateArgs:
    """Arguments of `Gate`.

    Attributes:
        blueprint: the environment that is checked.
        phase: id of the phase that ends here.
        resource: the gate's parameter; its value is the digest of the phase.
        checks: run before the parameter is written; None writes it unchecked (unit tests).
    """

    blueprint: Blueprint
    phase: int
    resource: PlannedResource
    checks: LiveChecks | None = None
    made: Made = field(default_factory=Made)


class Gate(pulumi.ComponentResource):
    """A phase's gate.

    The checks run in hooks before the parameter is created or updated, so they run again exactly
    when something in the phase has changed. A check that fails stops the update here: what
    depends on the gate is not touched, and the next update tries the gate again.

    Outputs:
        parameter: the SSM parameter `/bank/{env}/deployment/phase-N`.
    """

    def __init__(
        self, name: str, args: GateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("totara:components:Gate", name, None, opts)
        hooks = None
        if args.checks is not None:
            checks = args.checks

            async def check(_: pulumi.ResourceHookArgs) -> None:
                await checks.phase_is_ready(args.blueprint, args.phase)

            hook = pulumi.ResourceHook(f"{name}-checks", check)
            # Only before-hooks hold an update back: after-hooks leave the resource in the state.
            hooks = pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
        self.parameter = args.made.make(args.resource, parent=self, hooks=hooks)
        self.register_outputs({"parameter": self.parameter.id})
