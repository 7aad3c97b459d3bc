"""The claim map: what stands in sign-in tokens, as the catalogue says it."""

from __future__ import annotations

from typing import Any

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.problems import UsageError
from totara_infra.model.sign_in import CLIENTS, POOLS, Pool, claims_of
from totara_infra.resolver import load_catalogue


def pool_named(name: str) -> Pool:
    """The pool of that name.

    Raises:
        UsageError: there is none.
    """
    for pool in POOLS:
        if pool == name:
            return pool
    raise UsageError(f"There is no pool `{name}`. Write one of {', '.join(POOLS)}.")


def claim_map(pool: str | None = None) -> list[dict[str, Any]]:
    """Every claim of one pool or of both: where it comes from, who may see it, who relies on it.

    Raises:
        UsageError: no such pool.
        ProblemsError: what is wrong in the catalogue.
    """
    catalogue = load_catalogue().catalogue
    chosen = POOLS if pool is None else (pool_named(pool),)
    return [entry for name in chosen for entry in _entries(catalogue, name)]


def _entries(catalogue: Catalogue, pool: Pool) -> list[dict[str, Any]]:
    entries = []
    for domain, claim in claims_of(catalogue, pool):
        relying = {m.id for m in catalogue.modules.values() if claim.name in m.relies_on_claims}
        entries.append(
            {
                "name": claim.name,
                "pool": pool,
                "tokens": claim.tokens,
                "owner": domain.id,
                "origin": claim.origin,
                "attribute": claim.attribute,
                "mutable": claim.mutable if claim.attribute else None,
                "format": claim.format,
                "maximum_length": claim.maximum_length,
                "values": claim.values,
                "required": claim.required,
                "readable_by": [c for c in claim.readable_by if CLIENTS[c] == pool],
                "writable_by": [c for c in claim.writable_by if CLIENTS[c] == pool],
                "decides_access": claim.decides_access,
                "relied_on_by": sorted({*claim.relied_on_by, *relying}),
                "provenance": claim.provenance.value,
                "why": claim.why,
            }
        )
    return entries
