"""Proofs that look at the project's files: the client's, its stack's, what follows from both."""

from __future__ import annotations

from totara_infra.blueprint import plan
from totara_infra.delivery.new_tenant import membership
from totara_infra.delivery.runbooks import Finding
from totara_infra.delivery.validation import validate_tenants
from totara_infra.local.project import project_root
from totara_infra.model.documents import read_document
from totara_infra.model.tenants import tenant_file
from totara_infra.provisioning.proofs.asking import Asking
from totara_infra.resolver.licences import checked_tenants


def tenant_file_valid(asking: Asking) -> Finding:
    """The client's file passes every rule."""
    path = tenant_file(project_root(), asking.client_id)
    _, problems = validate_tenants([path])
    if problems:
        said = "\n".join(map(str, problems))
        return Finding(False, f"{len(problems)} problems:\n{said}")
    return Finding(True, f"stacks/{path.name} passes every rule.")


def tenant_in_stack(asking: Asking) -> Finding:
    """The stack's list has the client."""
    situation, root = asking.situation, project_root()
    name = f"Pulumi.{situation.name}.yaml"
    if asking.client_id in situation.settings.tenants:
        return Finding(True, f"{name} lists it.")
    document = read_document(root / name, root)
    return Finding(False, f"It is not in the list. {membership(document, asking.client_id)}")


def plan_possible(asking: Asking) -> Finding:
    """Everything can be planned within AWS's limits."""
    settings = asking.situation.settings
    tenants = checked_tenants(
        asking.catalogue, project_root(), settings.tenants, asking.situation.name
    )
    blueprint = plan(asking.catalogue, settings, tenants)
    phases = len(blueprint.sequence.phases)
    return Finding(True, f"{len(blueprint.resources)} resources in {phases} phases.")
