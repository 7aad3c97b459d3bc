"""Claims of the sign-in tokens: one owner each, and nothing writable that decides access."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from totara_infra.model import naming
from totara_infra.model.catalogue import Domain
from totara_infra.model.declarations import Claim
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem


def claim_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Every fault of the claims that the domains declare."""
    claims = [
        (domain, index, claim)
        for domain in loaded.catalogue.domains
        for index, claim in enumerate(domain.claims)
    ]
    for (domain, _, claim), (other, index, second) in combinations(claims, 2):
        if claim.name == second.name and set(claim.pools) & set(second.pools):
            yield loaded.documents[other.id].problem(
                ("claims", index, "name"),
                "duplicate-claim",
                f"claim `{claim.name}` is declared by {domain.id} and {other.id}",
                "one domain owns a fact",
                "keep it where the fact is kept",
                other.id,
            )
    for domain, index, claim in claims:
        yield from _attribute_faults(loaded, domain, index, claim)
        yield from _access_faults(loaded, domain, index, claim)
    yield from _pool_faults(loaded, [(domain, claim) for domain, _, claim in claims])


def _attribute_faults(
    loaded: LoadedCatalogue, domain: Domain, index: int, claim: Claim
) -> Iterator[Problem]:
    document, here = loaded.documents[domain.id], ("claims", index)
    if (claim.origin == "attribute") != (claim.attribute is not None):
        yield document.problem(
            (*here, "origin"),
            "claim-attribute",
            f"claim `{claim.name}`: origin `attribute` and `attribute:` go together",
            "the pool needs the attribute's name",
            "add the one or remove the other",
            domain.id,
        )
    attribute = claim.attribute or ""
    if attribute.startswith("custom:"):
        yield document.problem(
            (*here, "attribute"),
            "claim-prefix",
            f"attribute `{attribute}`",
            "Cognito adds `custom:` itself",
            "write it without the prefix",
            domain.id,
        )
    if len(attribute) > naming.COGNITO_ATTRIBUTE_MAXIMUM_LENGTH:
        yield document.problem(
            (*here, "attribute"),
            "aws-name",
            f"attribute `{attribute}` is too long",
            f"Cognito takes {naming.COGNITO_ATTRIBUTE_MAXIMUM_LENGTH} characters",
            "shorten it",
            domain.id,
        )


def _access_faults(
    loaded: LoadedCatalogue, domain: Domain, index: int, claim: Claim
) -> Iterator[Problem]:
    document, here = loaded.documents[domain.id], ("claims", index)
    if claim.decides_access and claim.writable_by:
        yield document.problem(
            (*here, "writable_by"),
            "claim-writable",
            f"claim `{claim.name}` decides access, yet {claim.writable_by[0]} may write it",
            "a user could give himself another tenant or jurisdiction",
            "empty `writable_by`",
            domain.id,
        )
    for position, module in enumerate(claim.relied_on_by):
        if module not in loaded.catalogue.modules:
            yield document.problem(
                (*here, "relied_on_by", position),
                "unknown-module",
                f"claim `{claim.name}` is relied on by {module}, which does not exist",
                "nothing could be verified",
                "correct the id",
                domain.id,
            )


def _pool_faults(loaded: LoadedCatalogue, claims: list[tuple[Domain, Claim]]) -> Iterator[Problem]:
    counts = Counter(pool for _, claim in claims if claim.attribute for pool in claim.pools)
    for pool, count in counts.items():
        if count > naming.COGNITO_MAXIMUM_ATTRIBUTES:
            owner = next(domain for domain, claim in claims if pool in claim.pools)
            yield loaded.documents[owner.id].problem(
                ("claims",),
                "aws-limit",
                f"pool {pool} would have {count} custom attributes",
                f"Cognito takes {naming.COGNITO_MAXIMUM_ATTRIBUTES}",
                "merge attributes",
                owner.id,
            )
