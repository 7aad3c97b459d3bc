"""The platform's resources as people ordinarily write them: the yardstick of the benchmarks.

A loop over what must exist. No components, no gates, no waiting at the end, and no order but what
references bring and AWS demands: the deployments of one AppConfig application are chained, because
AppConfig runs one at a time, and composite alarms come after theirs.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from totara_infra import load_catalogue, load_tenants, plan
from totara_infra.blueprint import Archive, Joined, PlannedResource, Reference
from totara_infra.components.made import resource_class
from totara_infra.configuration import stack_settings
from totara_infra.local.project import project_root
from totara_infra.model.stack import PROJECT
from totara_infra.platform import provider

settings = stack_settings(pulumi.Config(PROJECT), pulumi.get_stack())
tenants = load_tenants(project_root(), settings.tenants)
blueprint = plan(load_catalogue().catalogue, settings, tenants)
aws = provider(settings)
made: dict[str, Any] = {}
last_deployment: dict[str, pulumi.Resource] = {}


def value(planned: Any) -> Any:
    """A planned value as the SDK takes it."""
    match planned:
        case Reference():
            return getattr(made[planned.resource], planned.attribute)
        case Joined():
            return pulumi.Output.all(*map(value, planned.parts)).apply(
                lambda parts: "".join(map(str, parts))
            )
        case Archive():
            return pulumi.AssetArchive(
                {name: pulumi.StringAsset(text) for name, text in planned.files.items()}
            )
        case Mapping():
            return {key: value(item) for key, item in planned.items()}
        case list() | tuple():
            return [value(item) for item in planned]
        case _:
            return planned


def make(planned: PlannedResource) -> pulumi.Resource:
    """Create one resource."""
    before: list[pulumi.Resource] = []
    if planned.shape == "Deployment" and planned.step in last_deployment:
        before = [last_deployment[planned.step]]
    elif planned.shape == "CompositeAlarm":
        # Its rule is text, and AWS refuses one that names an alarm which is not there.
        before = [made[name] for name in planned.waits_for]
    resource: pulumi.Resource = resource_class(planned.type)(
        planned.name,
        opts=pulumi.ResourceOptions(
            provider=aws,
            depends_on=before or None,
            protect=planned.protect or None,
            retain_on_delete=planned.retain or None,
            delete_before_replace=planned.delete_first or None,
        ),
        **{key: value(item) for key, item in planned.properties.items()},
    )
    return resource


for each in blueprint.resources.values():
    made[each.name] = make(each)
    if each.shape == "Deployment":
        last_deployment[each.step] = made[each.name]
