"""Everything that must exist in one environment, in one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from totara_infra.blueprint.alert_routing import alert_routing_resources
from totara_infra.blueprint.alerts import alarm_resources
from totara_infra.blueprint.app_config import app_config_resources
from totara_infra.blueprint.backup import backup_resources
from totara_infra.blueprint.identity import identity_resources
from totara_infra.blueprint.infrastructure import infrastructure_resources
from totara_infra.blueprint.limits import limit_problems
from totara_infra.blueprint.parameters import parameter_resources, ssm_parameter
from totara_infra.blueprint.resource import PlannedResource, digest
from totara_infra.blueprint.roll_out import ROLL_OUT_STEP, roll_out_resources
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.secrets import secret_resources
from totara_infra.blueprint.sign_in_trigger import log_group
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.sign_in import POOLS
from totara_infra.model.stack import StackSettings
from totara_infra.model.stack_rules import catalogue_faults
from totara_infra.model.tenancy import Tenant
from totara_infra.resolver import Sequence as DeploymentSequence
from totara_infra.resolver import deployed_modules, resolve
from totara_infra.resolver.licences import refuse_faulty
from totara_infra.resolver.sequence import (
    IDENTITY_STEP,
    SECRETS_STEP,
    SIGN_IN_LOGS_STEP,
    app_config_step,
    gate_step,
)

GATE_OWNER = "MOD-104"
"""Module whose tags the gates carry: a gate belongs to no module, and every resource is tagged."""


def marker_path(env: str, module_id: str) -> str:
    """Path of a module's marker."""
    return f"/bank/{env}/deployment/{module_id.lower()}"


def gate_path(env: str, phase: int) -> str:
    """Path of a phase's gate."""
    return f"/bank/{env}/deployment/phase-{phase}"


@dataclass(frozen=True)
class Blueprint:
    """What must exist, in which step, and in which order the steps come.

    Attributes:
        scope: environment, tenants, catalogue.
        sequence: the order.
        steps: step -> its resources. A module's step ends with its marker, a gate's step is the
            gate alone. Steps stand in an order in which they could be made.
    """

    scope: Scope
    sequence: DeploymentSequence
    steps: Mapping[str, Sequence[PlannedResource]]

    @cached_property
    def resources(self) -> dict[str, PlannedResource]:
        """Every resource by its logical name."""
        return {r.name: r for step in self.steps.values() for r in step}

    def phase_of(self, step: str) -> int:
        """The phase of a step: module, foundation or gate."""
        if step in self.sequence.module:
            return self.sequence.module[step].phase
        if step.startswith("gate:"):
            return int(step.removeprefix("gate:"))
        return next((p.id for p in self.sequence.phases if step in p.foundations), 1)

    def marker(self, module_id: str) -> PlannedResource:
        """The marker of a module."""
        return self.steps[module_id][-1]

    def gate(self, phase: int) -> PlannedResource:
        """The gate of a phase."""
        return self.steps[gate_step(phase)][-1]


def plan(
    catalogue: Catalogue,
    settings: StackSettings,
    tenants: Sequence[Tenant],
    *,
    within_limits: bool = True,
) -> Blueprint:
    """Compute the blueprint of an environment.

    Args:
        catalogue: validated.
        settings: of the stack.
        tenants: those that the settings list.
        within_limits: refuse what passes a limit of AWS; False for whoever looks for that.

    Raises:
        ProblemsError: tenants that the catalogue or the settings have something against, two
            resources of one name, or an AWS limit that the content passes.
    """
    refuse_faulty(catalogue, tenants, settings.tenants)
    _refuse_settings(catalogue, settings)
    active = frozenset(deployed_modules(catalogue, settings.environment, tenants))
    scope = Scope(catalogue, settings, tuple(tenants), active)
    sequence = resolve(catalogue, settings.environment, active)
    steps: dict[str, list[PlannedResource]] = {ROLL_OUT_STEP: roll_out_resources(scope)}
    for phase in sequence.phases:
        members = [m for wave in phase.waves for m in wave]
        for foundation in phase.foundations:
            if foundation.startswith("app-config:"):
                domain = catalogue.domain[foundation.removeprefix("app-config:")]
                steps[app_config_step(domain.id)] = app_config_resources(scope, domain)
        if IDENTITY_STEP in phase.foundations:
            steps[IDENTITY_STEP] = identity_resources(scope)
        for module_id in members:
            steps[module_id] = _module(scope, module_id)
        if SIGN_IN_LOGS_STEP in phase.foundations:
            steps[SIGN_IN_LOGS_STEP] = [log_group(scope, pool) for pool in POOLS]
        if SECRETS_STEP in phase.foundations:
            steps[SECRETS_STEP] = [
                r for m in sequence.module for r in secret_resources(scope, catalogue.modules[m])
            ]
        inside = [*members, *phase.foundations]
        if phase.id == sequence.phases[0].id:
            inside.append(ROLL_OUT_STEP)
        steps[gate_step(phase.id)] = [_gate(scope, phase.id, inside, steps)]
    _refuse_duplicates(r for step in steps.values() for r in step)
    made = (r for step in steps.values() for r in step)
    problems = list(limit_problems(scope, made)) if within_limits else []
    if problems:
        raise ProblemsError(problems)
    return Blueprint(scope, sequence, steps)


def _refuse_settings(catalogue: Catalogue, settings: StackSettings) -> None:
    problems = [
        Problem("stack settings", 0, f.rule, f.what, f.why, f.fix)
        for f in catalogue_faults(catalogue, settings)
    ]
    if problems:
        raise ProblemsError(problems)


def _module(scope: Scope, module_id: str) -> list[PlannedResource]:
    module = scope.catalogue.modules[module_id]
    own = [
        *infrastructure_resources(scope, module),
        *backup_resources(scope, module),
        *alert_routing_resources(scope, module),
        *alarm_resources(scope, module),
        *parameter_resources(scope, module),
    ]
    marker = ssm_parameter(
        scope,
        step=module_id,
        module_id=module_id,
        path=marker_path(scope.env, module_id),
        value=digest(own),
        description=f"{module.title} is up with this content.",
        kind="marker",
    )
    return [*own, marker]


def _gate(
    scope: Scope, phase: int, inside: Iterable[str], steps: Mapping[str, list[PlannedResource]]
) -> PlannedResource:
    return ssm_parameter(
        scope,
        step=gate_step(phase),
        module_id=GATE_OWNER,
        path=gate_path(scope.env, phase),
        value=digest([], [digest(steps[step]) for step in sorted(inside)]),
        description=f"Phase {phase} passed its checks with this content.",
        kind="gate",
    )


def _refuse_duplicates(resources: Iterable[PlannedResource]) -> None:
    seen: dict[str, PlannedResource] = {}
    for resource in resources:
        other = seen.setdefault(resource.name, resource)
        if other is not resource:
            raise ProblemsError(
                [
                    Problem(
                        "blueprint",
                        0,
                        "duplicate-resource",
                        f"{other.step} and {resource.step} both make `{resource.name}`",
                        "one of the two would overwrite the other",
                        "declare it once",
                        resource.step,
                    )
                ]
            )
