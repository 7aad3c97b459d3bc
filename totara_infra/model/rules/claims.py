"""Claims of the sign-in tokens: one owner each, Cognito's limits, nothing writable that decides access."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from totara_infra.model import naming
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem


def claim_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    claims = [(d, i, c) for d in loaded.catalogue.domains for i, c in enumerate(d.claims)]
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
    attributes: dict[str, int] = {}
    for domain, index, claim in claims:
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
        if claim.attribute is not None:
            if claim.attribute.startswith("custom:"):
                yield document.problem(
                    (*here, "attribute"),
                    "claim-prefix",
                    f"attribute `{claim.attribute}`",
                    "Cognito adds `custom:` itself",
                    "write it without the prefix",
                    domain.id,
                )
            if len(claim.attribute) > naming.COGNITO_ATTRIBUTE_MAXIMUM_LENGTH:
                yield document.problem(
                    (*here, "attribute"),
                    "aws-name",
                    f"attribute `{claim.attribute}` is too long",
                    f"Cognito takes {naming.COGNITO_ATTRIBUTE_MAXIMUM_LENGTH} characters",
                    "shorten it",
                    domain.id,
                )
            for pool in claim.pools:
                attributes[pool] = attributes.get(pool, 0) + 1
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
    for pool, count in attributes.items():
        if count > naming.COGNITO_MAXIMUM_ATTRIBUTES:
            domain = loaded.catalogue.domains[0]
            yield loaded.documents[domain.id].problem(
                ("claims",),
                "aws-limit",
                f"pool {pool} would have {count} custom attributes",
                f"Cognito takes {naming.COGNITO_MAXIMUM_ATTRIBUTES}",
                "merge attributes",
                domain.id,
            )
