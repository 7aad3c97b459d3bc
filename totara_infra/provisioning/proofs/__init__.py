"""The checks behind the signals of the playbook. Each asks what is there and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from totara_infra.delivery.runbooks import Finding, Proof
from totara_infra.model.provisioning import ProofName, ProvisioningStep
from totara_infra.model.runbook import Step
from totara_infra.provisioning.proofs import (
    accounts,
    closing,
    customers,
    databases,
    environment,
    files,
    github,
)
from totara_infra.provisioning.proofs.asking import Asking

PROOFS: Mapping[ProofName, Callable[[Asking], Finding]] = {
    ProofName.ORGANISATION: accounts.organisation,
    ProofName.MEMBER_ACCOUNT: accounts.member_account,
    ProofName.BOOTSTRAP_ROLE: accounts.bootstrap_role,
    ProofName.GITHUB_OIDC_PROVIDER: accounts.github_oidc_provider,
    ProofName.DEPLOYMENT_ROLES: accounts.deployment_roles,
    ProofName.GITHUB_REPOSITORIES: github.repositories,
    ProofName.NEON_API_KEY: github.neon_api_key,
    ProofName.SNOWFLAKE: environment.snowflake,
    ProofName.TENANT_FILE: files.tenant_file_valid,
    ProofName.TENANT_IN_STACK: files.tenant_in_stack,
    ProofName.PLAN: files.plan_possible,
    ProofName.SECRET_CONTAINERS: environment.secret_containers,
    ProofName.SECRETS_FILLED: environment.secrets_filled,
    ProofName.DATABASES: databases.databases,
    ProofName.MIGRATIONS: databases.migrations,
    ProofName.MODULES_UP: environment.modules_up,
    ProofName.VERIFIED: environment.verified,
    ProofName.NOTHING_ASSUMED: environment.nothing_assumed,
    ProofName.TENANT_LIVE: environment.tenant_live,
    ProofName.CUSTOMER_SIGNED_IN: customers.customer_signed_in,
    ProofName.CUSTOMER_SESSION: databases.customer_session,
    ProofName.NOTICE: closing.notice,
    ProofName.PAYMENTS_DRAINED: closing.payments_drained,
    ProofName.TENANT_SUSPENDED: closing.tenant_suspended,
    ProofName.USERS_DISABLED: closing.users_disabled,
    ProofName.EXPORTED: closing.exported,
    ProofName.FINAL_RETURNS: closing.final_returns,
    ProofName.TENANT_CLOSED: closing.tenant_closed,
    ProofName.CREDENTIALS_GONE: closing.credentials_gone,
    ProofName.RETAINED: closing.retained,
}
"""All but that of a supplier's credentials, which is one for each supplier."""


def ready(asking: Asking, steps: Sequence[ProvisioningStep]) -> tuple[list[Step], dict[str, Proof]]:
    """Steps with the proofs that they name, ready to be asked.

    Args:
        asking: about which client in which stack.
        steps: of the playbook.

    Returns:
        The steps, those of a supplier with a proof of its own; and the proofs by name.
    """
    proofs: dict[str, Proof] = {
        name.value: partial(proof, asking) for name, proof in PROOFS.items()
    }
    suppliers = {s.id: s for s in asking.playbook.suppliers}
    taken: list[Step] = []
    for step in steps:
        if step.supplier is None:
            taken.append(step)
            continue
        name = f"{step.proof}-{step.supplier}"
        supplier = suppliers[step.supplier]
        proofs[name] = partial(environment.supplier_credentials, asking, supplier)
        taken.append(step.model_copy(update={"proof": name}))
    return taken, proofs
