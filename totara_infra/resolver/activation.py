"""Which modules a tenant has: by institution type, jurisdiction, licence, environment.

Only hard edges count: a module whose hard dependency is off is off as well. Rules and optional
edges never switch anything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Bucket, EncryptionKey, LogGroup, Resource
from totara_infra.model.tenancy import Condition, Tenant
from totara_infra.model.vocabulary import Environment, Provenance, Source, TenantStatus


class ActivationState(StrEnum):
    """What a module is for one tenant in one environment."""

    ALWAYS_ON = "always_on"
    """Runs and has no switch."""
    ACTIVE = "active"
    OFF = "off"
    """Not for this tenant; deployed if another tenant of the stack has it."""
    NOT_DEPLOYED = "not_deployed"
    """Exists nowhere in this stack."""

    @property
    def runs(self) -> bool:
        """Whether the module answers for the tenant."""
        return self in (ActivationState.ALWAYS_ON, ActivationState.ACTIVE)


@dataclass(frozen=True)
class Decision:
    """The state of one module with its reasons, first the one that decides."""

    id: str
    state: ActivationState
    reasons: tuple[str, ...]
    provenance: Provenance


def activation(
    catalogue: Catalogue, environment: Environment, tenant: Tenant
) -> dict[str, Decision]:
    """Decide every module for one tenant, in the order of their ids.

    `not_deployed` here means that the module does not exist in the environment; whether some
    other tenant of the stack has it is for `deployed_modules` to say. For a closed tenant every
    module that has a switch is off.
    """
    always = {m: group for group in catalogue.tenancy.always_on for m in group.modules}
    conditions = {m: c for c in catalogue.tenancy.conditions for m in c.modules}
    decided: dict[str, Decision] = {}
    for module_id, module in catalogue.modules.items():
        if environment not in module.environments:
            where = ", ".join(module.environments)
            decided[module_id] = Decision(
                module_id,
                ActivationState.NOT_DEPLOYED,
                (f"Exists in {where} only.",),
                Provenance.PUBLISHED,
            )
        elif module_id in always:
            group = always[module_id]
            decided[module_id] = Decision(
                module_id, ActivationState.ALWAYS_ON, (group.reason,), group.provenance
            )
        elif module_id in conditions:
            decided[module_id] = _conditional(module_id, conditions[module_id], tenant)
        else:
            decided[module_id] = Decision(
                module_id,
                ActivationState.ACTIVE,
                (catalogue.tenancy.unconditional_reason,),
                Provenance.ASSUMED,
            )
    _switch_off_dependents(catalogue, decided)
    return decided


def _switch_off_dependents(catalogue: Catalogue, decided: dict[str, Decision]) -> None:
    """A module whose hard dependency does not run is off, with the whole chain as its reasons."""
    if all(d.state.runs for d in decided.values()):
        return
    for module_id in catalogue.dependencies_first:
        if not decided[module_id].state.runs:
            continue
        missing = [
            d
            for d in catalogue.modules[module_id].depends_on
            if d.required and not decided[d.module].state.runs
        ]
        if missing:
            causes = [decided[d.module] for d in missing]
            said = {*(c.provenance for c in causes), *(d.provenance for d in missing)}
            # Each cause carries its own chain already; a module reached twice is told once.
            chain = [
                line
                for cause in causes
                for line in (f"{module_id} needs {cause.id}, which does not run.", *cause.reasons)
            ]
            decided[module_id] = Decision(
                module_id,
                ActivationState.OFF,
                tuple(dict.fromkeys(chain)),
                Provenance.PUBLISHED if said == {Provenance.PUBLISHED} else Provenance.ASSUMED,
            )


def unmet(condition: Condition, tenant: Tenant) -> list[str]:
    """What a condition asks for and the tenant has not, in words."""
    missing: list[str] = []
    if condition.jurisdiction and condition.jurisdiction not in tenant.jurisdictions:
        missing.append(f"jurisdiction {condition.jurisdiction}")
    if condition.institution_type and condition.institution_type != tenant.institution_type:
        missing.append(f"institution type {condition.institution_type}")
    missing += [f"licence option {o}" for o in condition.options if o not in tenant.options]
    return missing


def _conditional(module_id: str, condition: Condition, tenant: Tenant) -> Decision:
    if tenant.status is TenantStatus.CLOSED:
        reason = f"{tenant.client_id} is closed: what it left is kept, and its switches are off."
        return Decision(module_id, ActivationState.OFF, (reason,), Provenance.ASSUMED)
    missing = unmet(condition, tenant)
    if missing:
        reason = f"{tenant.client_id} has not {' and '.join(missing)}."
        return Decision(
            module_id,
            ActivationState.OFF,
            (reason, condition.reason),
            condition.provenance,
        )
    return Decision(module_id, ActivationState.ACTIVE, (condition.reason,), condition.provenance)


def deployed_modules(
    catalogue: Catalogue, environment: Environment, tenants: Iterable[Tenant]
) -> set[str]:
    """Ids of the modules that a stack has.

    They are those that at least one tenant has running. Of a closed tenant only what keeps its
    records stays, with what that needs: else a stack whose last tenant is closed would lose its
    archives with the next update.
    """
    found: set[str] = set()
    for tenant in tenants:
        decisions = activation(catalogue, environment, tenant)
        running = {module_id for module_id, d in decisions.items() if d.state.runs}
        closed = tenant.status is TenantStatus.CLOSED
        found |= _keeping(catalogue, running) if closed else running
    return found


def _keeping(catalogue: Catalogue, running: set[str]) -> set[str]:
    """Those of some modules that keep records, with what they need."""
    left = [m for m in running if any(map(_keeps_records, catalogue.modules[m].resources))]
    found: set[str] = set()
    while left:
        module_id = left.pop()
        if module_id not in found:
            found.add(module_id)
            needed = catalogue.modules[module_id].depends_on
            left += [d.module for d in needed if d.required and d.module in running]
    return found


def _keeps_records(resource: Resource) -> bool:
    """Whether it holds what outlives a client, or what that can't be read without."""
    if resource.source is not Source.RESOURCE:
        return False
    audit = isinstance(resource, LogGroup) and resource.delete_denied
    return audit or isinstance(resource, Bucket | EncryptionKey)


def activation_beside(
    catalogue: Catalogue, environment: Environment, tenant: Tenant, deployed: Collection[str]
) -> dict[str, Decision]:
    """Decide every module for one tenant of a stack.

    Args:
        catalogue: validated.
        environment: of the stack.
        tenant: one of the stack.
        deployed: ids of the modules that the stack has, this tenant's among them.

    Returns:
        Module id -> decision; `not_deployed` for what the stack does not have.
    """
    decisions = activation(catalogue, environment, tenant)
    for module_id, decision in decisions.items():
        if module_id not in deployed and decision.state is not ActivationState.NOT_DEPLOYED:
            decisions[module_id] = Decision(
                module_id,
                ActivationState.NOT_DEPLOYED,
                ("No tenant of the stack has it.", *decision.reasons),
                decision.provenance,
            )
    return decisions
