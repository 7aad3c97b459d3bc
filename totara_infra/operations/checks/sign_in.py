"""Check of sign-in: pools and clients as declared, and a token for a user made for the purpose."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.blueprint.sign_in_trigger import mfa_enforced
from totara_infra.model.sign_in import POOLS, Pool
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Environment, TenantStatus
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.probe_user import probe_findings
from totara_infra.operations.checks.result import Result, failed, passed, put_back, skipped
from totara_infra.operations.sign_in_tokens import Finding

KINDS = frozenset({"identity"})
"""Kinds of the functions that serve sign-in."""
_TITLE = "sign-in token"


def check(inspection: Inspection) -> Iterator[Result]:
    """Pools, clients, groups and triggers are as declared; below prod a probe user signs in."""
    yield from tokens(inspection)
    yield from inspection.compared(titles.SIGN_IN)
    yield from inspection.compared(titles.FUNCTIONS, kinds=KINDS)


def tokens(inspection: Inspection) -> list[Result]:
    """Whether a probe user of each pool gets tokens with the claims of the claim map."""
    pools = [p for p in POOLS if f"user_pool/{p}" in inspection.resources]
    return inspection.each(lambda pool: _token(inspection, pool), pools)


def _token(inspection: Inspection, pool: Pool) -> Result:
    scope = inspection.blueprint.scope
    if scope.settings.environment is Environment.PROD:
        return skipped(_TITLE, pool, "No user is made in prod for a check.")
    if mfa_enforced(scope, pool):
        why = "Nobody signs in here without a second factor, and a probe user has none."
        return skipped(_TITLE, pool, why)
    tenant = _tenant(inspection)
    if tenant is None:
        why = "No tenant that is looked at is live, so the trigger refuses everybody."
        return skipped(_TITLE, pool, why)
    outcome = probe_findings(inspection.live, inspection.blueprint, pool, tenant)
    subject = f"{pool}, a probe user of {tenant.client_id}"
    if isinstance(outcome, str):
        return failed(_TITLE, subject, "a token", outcome, _advice(inspection, pool))
    if not outcome:
        return passed(_TITLE, subject)
    expected = "; ".join(f"{f.claim}: {f.expected}" for f in outcome)
    found = "; ".join(_shown(f) for f in outcome)
    return failed(_TITLE, subject, expected, found, _advice(inspection, pool))


def _tenant(inspection: Inspection) -> Tenant | None:
    """Whose user it is: of the tenant that is asked for, else of the first one that is live."""
    scope = inspection.blueprint.scope
    wanted = inspection.extent.tenant
    ordered = [scope.default_tenant, *scope.tenants]
    chosen = [t for t in ordered if wanted in (None, t.client_id)]
    return next((t for t in chosen if t.status is TenantStatus.LIVE), None)


def _shown(finding: Finding) -> str:
    return f"{finding.claim} {finding.kind}: {finding.found}"


def _advice(inspection: Inspection, pool: Pool) -> str:
    function = inspection.resources[f"trigger/{pool}"].properties["name"]
    return (
        f"The log of the trigger says why: aws logs tail /aws/lambda/{function}. If somebody "
        f"changed pool or trigger, run {put_back(inspection.settings)}."
    )
