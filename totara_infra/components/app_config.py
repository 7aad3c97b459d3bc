"""AppConfig of one domain: application, profiles, content, and their deployments one by one."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from totara_infra.components.checks import LiveChecks
from totara_infra.components.group import GroupArgs


@dataclass
class AppConfigArgs(GroupArgs):
    """Arguments of `AppConfig`.

    Attributes:
        checks: waits for each deployment; without it the next one is queued blindly.
    """

    checks: LiveChecks | None = None


class AppConfig(pulumi.ComponentResource):
    """A domain's flags and settings.

    Each profile's deployment is followed by an SSM parameter that is written only when the
    deployment is complete; the next profile's deployment waits for it, as AppConfig runs one
    deployment at a time in an environment.

    Outputs:
        names: the logical names of what was made.

    Example:
        >>> AppConfig("bank-core", AppConfigArgs(app_config_resources(scope, domain), made))
    """

    def __init__(
        self, name: str, args: AppConfigArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("totara:components:AppConfig", name, None, opts)
        hooks = _waiting(name, args.checks) if args.checks is not None else None
        self.children = [
            args.made.make(
                planned, parent=self, hooks=hooks if planned.shape == "Parameter" else None
            )
            for planned in args.resources
        ]
        self.waits = [
            child
            for child, planned in zip(self.children, args.resources, strict=True)
            if planned.shape == "Parameter"
        ]
        self.names = [planned.name for planned in args.resources]
        self.register_outputs({"names": self.names})


def _waiting(name: str, checks: LiveChecks) -> pulumi.ResourceHookBinding:
    async def wait(args: pulumi.ResourceHookArgs) -> None:
        # The value is `<application>/<environment>/<deployment number>`.
        value = str((args.new_inputs or {})["insecureValue"])
        application_id, environment_id, number = value.split("/")
        await checks.configuration_is_deployed(application_id, environment_id, int(float(number)))

    hook = pulumi.ResourceHook(f"{name}-deployed", wait)
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])
