"""From a planned resource to a Pulumi resource; references become outputs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pulumi

from totara_infra.blueprint import Archive, Joined, PlannedResource, Reference


class Made:
    """The resources made so far, by logical name. One for a whole program.

    Example:
        >>> made = Made()
        >>> made.make(planned, parent=component)
        >>> made.value(Reference("key/pii", "arn"))   # an Output
    """

    def __init__(self) -> None:
        self._resources: dict[str, pulumi.CustomResource] = {}

    def __getitem__(self, name: str) -> pulumi.CustomResource:
        """The resource of that logical name.

        Raises:
            KeyError: it has not been made (yet).
        """
        return self._resources[name]

    def make(
        self,
        planned: PlannedResource,
        parent: pulumi.Resource,
        depends_on: Sequence[pulumi.Resource] = (),
        hooks: pulumi.ResourceHookBinding | None = None,
    ) -> pulumi.CustomResource:
        """Make one resource as a child of a component."""
        waits = [*depends_on, *(self._resources[name] for name in planned.waits_for)]
        options = pulumi.ResourceOptions(
            parent=parent,
            depends_on=waits or None,
            protect=planned.protect or None,
            retain_on_delete=planned.retain or None,
            delete_before_replace=planned.delete_first or None,
            hooks=hooks,
        )
        properties = {k: self.value(v) for k, v in planned.properties.items()}
        resource: pulumi.CustomResource = resource_class(planned.type)(
            planned.name, opts=options, **properties
        )
        self._resources[planned.name] = resource
        return resource

    def value(self, value: Any) -> Any:
        """A property's value with outputs in place of references."""
        match value:
            case Reference():
                # A pool's or application's `id` is the resource's own id in every AWS type.
                return getattr(self._resources[value.resource], value.attribute)
            case Joined():
                # Numbers among them, which `Output.concat` does not take.
                parts = pulumi.Output.all(*(self.value(p) for p in value.parts))
                return parts.apply(lambda known: "".join(map(str, known)))
            case Archive():
                return pulumi.AssetArchive(
                    {n: pulumi.StringAsset(text) for n, text in value.files.items()}
                )
            case Mapping():
                return {k: self.value(v) for k, v in value.items()}
            case list() | tuple():
                return [self.value(v) for v in value]
            case _:
                return value


@cache
def resource_class(token: str) -> type[Any]:
    """The SDK's class for a type token, e.g. `aws:ssm/parameter:Parameter`."""
    _, path, name = token.split(":")
    service = path.split("/", 1)[0]
    # `lambda` is a keyword of Python.
    module = importlib.import_module(f"pulumi_aws.{'lambda_' if service == 'lambda' else service}")
    found: type[Any] = getattr(module, name)
    return found
