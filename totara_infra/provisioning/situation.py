"""What decides which steps of the playbook apply: the client, its stack, and the machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from totara_infra.delivery.stacks import engine_stack
from totara_infra.local.project import project_root, runs_locally
from totara_infra.model.problems import UsageError, shown
from totara_infra.model.provisioning import Deployment, ProvisioningStep, StepCondition, only
from totara_infra.model.stack import StackSettings, read_stack
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import read_tenant, tenant_file
from totara_infra.model.vocabulary import Environment


@dataclass(frozen=True)
class Situation:
    """One client in one stack.

    Attributes:
        tenant: as its file says.
        name: of the stack, as people write it.
        rehearse: on an emulator of its own.
        stack: the engine's name of it.
        settings: of the stack, without an emulator's address.
        deployment: the stack's first one or a later one.
    """

    tenant: Tenant
    name: str
    rehearse: bool
    stack: str
    settings: StackSettings
    deployment: Deployment

    @property
    def environment(self) -> Environment:
        """The stack's environment."""
        return self.settings.environment

    @property
    def throwaway(self) -> bool:
        """Whether all of it is an emulator on this machine."""
        return runs_locally(self.stack)

    @property
    def words(self) -> str:
        """The stack as a command takes it: `prod`, or `prod --rehearse`."""
        return f"{self.name} --rehearse" if self.rehearse else self.name

    @property
    def title(self) -> str:
        """The client and its stack, for people."""
        return f"{self.tenant.client_id} {self.words}"

    @property
    def why_deployment(self) -> str:
        """Why it counts as the first or a later deployment, as half a sentence."""
        if self.deployment is Deployment.FIRST:
            return f"the first client of stack {self.name}"
        return f"a further client of stack {self.name}, whose first is {self.settings.tenants[0]}"


def situation_of(
    client_id: str, name: str, rehearse: bool, deployment: Deployment | None
) -> Situation:
    """Read what decides which steps apply.

    Args:
        client_id: of an institution that has a file.
        name: of the stack, as people write it.
        rehearse: on an emulator of its own.
        deployment: whether the environment itself comes about; found out from the stack's list
            where it is left out.

    Raises:
        UsageError: no such stack, or no file of that client.
        ProblemsError: what is wrong in the files.
    """
    stack = engine_stack(name, rehearse)
    root = project_root()
    path = tenant_file(root, client_id)
    if not path.is_file():
        raise UsageError(
            f"{shown(path, root)} does not exist, so nobody knows what {client_id} has licensed. "
            f"Write it first: totara tenant new --client-id {client_id}"
        )
    _, tenant = read_tenant(path, root)
    settings = read_stack(root, name, {"stack": stack})
    first = tenant.isolated or settings.tenants[0] == client_id
    found = Deployment.FIRST if first else Deployment.LATER
    return Situation(tenant, name, rehearse, stack, settings, deployment or found)


@dataclass(frozen=True)
class LeftOut:
    """A step that does not apply, and why."""

    step: ProvisioningStep
    reason: str


def applicable(
    steps: Sequence[ProvisioningStep], situation: Situation
) -> tuple[list[ProvisioningStep], list[LeftOut]]:
    """The steps that apply, needing one another only; and the others with the reason."""
    left = [
        LeftOut(step, reason)
        for step in steps
        if (reason := next(_unmet(step.when, situation), None)) is not None
    ]
    out = {entry.step.id for entry in left}
    return only(steps, {step.id for step in steps} - out), left


def _unmet(when: StepCondition, situation: Situation) -> Iterator[str]:
    """Why a condition does not hold, as sentences; none where it does."""
    tenant, client_id = situation.tenant, situation.tenant.client_id
    if when.environments and situation.environment not in when.environments:
        yield f"It is for {_listed(when.environments)} only."
    if when.throwaway is True and not situation.throwaway:
        yield "It is for emulators only, where all is throwaway."
    if when.throwaway is False and situation.throwaway:
        yield "It is for AWS; an emulator has another step for it."
    if when.deployment not in (None, situation.deployment):
        yield f"{client_id} is {situation.why_deployment}."
    if when.isolated not in (None, tenant.isolated):
        yield f"{client_id} {'has' if tenant.isolated else 'has not'} a stack of its own."
    if when.institution_types and tenant.institution_type not in when.institution_types:
        yield f"{client_id} is {tenant.institution_type}, not {_listed(when.institution_types)}."
    if when.jurisdictions and not set(when.jurisdictions) & set(tenant.jurisdictions):
        licensed = tenant.jurisdiction
        yield f"{client_id} is licensed in {licensed}, not in {_listed(when.jurisdictions)}."
    if when.options and not set(when.options) & set(tenant.options):
        yield f"{client_id} has not licensed {_listed(when.options, 'or')}."


def _listed(words: Sequence[str], joiner: str = "and") -> str:
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {joiner} {texts[-1]}"
