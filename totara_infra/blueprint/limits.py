"""AWS's limits on a stack as a whole, which no single declaration can pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from totara_infra.blueprint.resource import PlannedResource
from totara_infra.blueprint.scope import Scope
from totara_infra.model import naming
from totara_infra.model.problems import Problem

STANDARD_PARAMETERS = 10_000
"""Standard parameters of an account and region: Systems Manager's quota, not adjustable."""
APPLICATIONS, STRATEGIES = 100, 20
"""AppConfig's default quotas of an account and region."""
_QUOTAS: dict[str, tuple[int, str, str]] = {
    "aws:ssm/parameter:Parameter": (
        STANDARD_PARAMETERS,
        "standard parameters in Parameter Store",
        "move tenants to a stack and account of their own (`isolated: true`)",
    ),
    "aws:appconfig/application:Application": (
        APPLICATIONS,
        "applications in AppConfig",
        "ask AWS to raise the quota, or merge domains",
    ),
    "aws:appconfig/deploymentStrategy:DeploymentStrategy": (
        STRATEGIES,
        "deployment strategies in AppConfig",
        "ask AWS to raise the quota",
    ),
}


def limit_problems(scope: Scope, resources: Iterable[PlannedResource]) -> Iterator[Problem]:
    """Where the stack passes a limit of AWS: too many of a kind, or a parameter too long.

    Args:
        scope: the environment, to say whose limit it is.
        resources: all of the stack.
    """
    everything = list(resources)
    for resource in everything:
        if resource.shape == "Parameter":
            yield from _value_problems(resource.step, resource.properties)
    yield from quota_problems(scope, everything)


def quota_problems(scope: Scope, resources: Iterable[PlannedResource]) -> Iterator[Problem]:
    """Where the stack has more of a kind than an account takes.

    Args:
        scope: the environment, to say whose limit it is.
        resources: all of the stack.
    """
    place = f"stack {scope.settings.command_words}"
    found = Counter(resource.type for resource in resources)
    for kind, count in ((kind, found[kind]) for kind in _QUOTAS):
        limit, what, fix = _QUOTAS[kind]
        if count > limit:
            yield Problem(
                place,
                0,
                "aws-limit",
                f"{count:,} {what}, for {len(scope.tenants):,} tenants",
                f"an AWS account takes {limit:,} of them in a region",
                fix,
            )


def _value_problems(step: str, properties: Any) -> Iterator[Problem]:
    value, path = properties["insecure_value"], properties["name"]
    if isinstance(value, str) and len(value.encode()) > naming.SSM_MAXIMUM_BYTES:
        yield Problem(
            f"parameter {path}",
            0,
            "aws-limit",
            f"its value is {len(value.encode()):,} bytes",
            f"a standard parameter takes {naming.SSM_MAXIMUM_BYTES:,}",
            "shorten the value, or make it a setting in AppConfig",
            step,
        )
    fault = naming.ssm_fault(path)
    if fault:
        yield Problem(
            f"parameter {path}",
            0,
            "aws-limit",
            "AWS refuses its name",
            fault,
            "shorten or correct the name",
            step,
        )
