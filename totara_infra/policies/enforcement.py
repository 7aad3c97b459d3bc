"""From conventions to Pulumi's policies, all of which are mandatory."""

from __future__ import annotations

import threading
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from totara_infra.policies import (
    access,
    buckets,
    encryption,
    paths,
    protection,
    provider,
    secret_values,
    sign_in,
    tags,
)
from totara_infra.policies.convention import Convention, StackConvention
from totara_infra.policies.examined import Examined, context_of, known

PACK = "totara-conventions"

CONVENTIONS: tuple[Convention, ...] = (
    tags.TAGS,
    paths.PATHS,
    secret_values.NO_SECRET_VALUES,
    encryption.ENCRYPTION,
    access.PUBLIC_ACCESS,
    sign_in.WRITE_LISTS,
    protection.PROTECTION,
    provider.PROVIDER_POLICY,
)
"""Checked for each resource before it is made."""
STACK_CONVENTIONS: tuple[StackConvention, ...] = (
    buckets.BUCKETS,
    encryption.KEY_CLASS,
)
"""Checked for all resources together, at the end of a preview or update."""


def examined(resource: Any) -> Examined:
    """A resource as `pulumi_policy` hands it over.

    Args:
        resource: `ResourceValidationArgs`, or a `PolicyResource` of a check of the whole stack.
    """
    depends = getattr(resource, "property_dependencies", {})
    return Examined(
        type=resource.resource_type,
        name=resource.name,
        urn=resource.urn,
        properties=known(resource.props),
        context=context_of(resource.urn),
        protect=resource.opts.protect,
        provider=resource.provider.name if resource.provider is not None else None,
        depends={
            name: [(other.name, other.resource_type) for other in others]
            for name, others in depends.items()
        },
    )


class _Examination(threading.local):
    """The resource that this thread's policies look at, made out once for all of them."""

    urn = ""
    position = -1
    resource: Examined

    def of(self, args: ResourceValidationArgs, position: int) -> Examined:
        """What a policy at that position among the policies is to look at."""
        # For each resource, the policies are asked one after the other in the order of the pack.
        if args.urn != self.urn or position <= self.position:
            self.urn, self.resource = args.urn, examined(args)
        self.position = position
        return self.resource


_examination = _Examination()


def _policy(convention: Convention, position: int) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for violation in convention.check(_examination.of(args, position)):
            report(violation, None)

    return ResourceValidationPolicy(
        name=convention.name,
        description=convention.rule,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _stack_policy(convention: StackConvention) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, violation in convention.check([examined(r) for r in args.resources]):
            report(violation, resource.urn)

    return StackValidationPolicy(
        name=convention.name,
        description=convention.rule,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def serve() -> None:
    """Serve the pack to the engine until it ends the process."""
    PolicyPack(
        PACK,
        policies=[
            *(_policy(convention, n) for n, convention in enumerate(CONVENTIONS)),
            *(_stack_policy(convention) for convention in STACK_CONVENTIONS),
        ],
    )
