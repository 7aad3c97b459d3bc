"""Claims of the sign-in tokens: one owner each, and nothing writable that decides access."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations

from totara_infra.model import naming
from totara_infra.model.catalogue import Domain
from totara_infra.model.claim_lock import lock_problems
from totara_infra.model.declarations import Claim
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.rules.sign_in import sign_in_problems
from totara_infra.model.sign_in import CLIENTS, TRIGGER_CLAIMS

Placed = tuple[Domain, int, Claim]


def claim_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Every fault of the claims that the domains declare."""
    claims: list[Placed] = [
        (domain, index, claim)
        for domain in loaded.catalogue.domains
        for index, claim in enumerate(domain.claims)
    ]
    for (domain, _, claim), (other, index, second) in combinations(claims, 2):
        if claim.name == second.name and set(claim.pools) & set(second.pools):
            twice = domain.id == other.id
            yield loaded.documents[other.id].problem(
                ("claims", index, "name"),
                "duplicate-claim",
                f"claim `{claim.name}` is declared by {domain.id}"
                + (" twice" if twice else f" and {other.id}"),
                "one domain owns a fact",
                "remove one of the two" if twice else "keep it where the fact is kept",
                other.id,
            )
    for domain, index, claim in claims:
        yield from _attribute_faults(loaded, domain, index, claim)
        yield from _access_faults(loaded, domain, index, claim)
        yield from _client_faults(loaded, domain, index, claim)
        yield from _reliance_faults(loaded, domain, index, claim)
    yield from _undeclared(loaded, {claim.name for _, _, claim in claims})
    yield from _pool_faults(loaded, [(domain, claim) for domain, _, claim in claims])
    yield from sign_in_problems(loaded)
    yield from lock_problems(loaded)


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
    if claim.origin == "trigger" and claim.name not in TRIGGER_CLAIMS:
        yield document.problem(
            (*here, "origin"),
            "claim-origin",
            f"claim `{claim.name}` comes from the trigger, which does not make it",
            f"it makes {', '.join(sorted(TRIGGER_CLAIMS))}",
            "keep the fact in an attribute of the user, or teach the trigger",
            domain.id,
        )
    if claim.attribute and claim.name != f"custom:{claim.attribute}":
        yield document.problem(
            (*here, "name"),
            "claim-name",
            f"claim `{claim.name}` carries the attribute `{attribute}`",
            "Cognito itself puts the attribute into id tokens as `custom:` and its name, so the "
            "two tokens would differ",
            f"call it `custom:{attribute}`",
            domain.id,
        )


def _access_faults(
    loaded: LoadedCatalogue, domain: Domain, index: int, claim: Claim
) -> Iterator[Problem]:
    if claim.decides_access and claim.writable_by:
        yield loaded.documents[domain.id].problem(
            ("claims", index, "writable_by"),
            "claim-writable",
            f"claim `{claim.name}` decides access, yet {claim.writable_by[0]} may write it",
            "a user could give himself another tenant or jurisdiction",
            "empty `writable_by`",
            domain.id,
        )


def _client_faults(
    loaded: LoadedCatalogue, domain: Domain, index: int, claim: Claim
) -> Iterator[Problem]:
    document = loaded.documents[domain.id]
    for field in ("readable_by", "writable_by"):
        named: list[str] = getattr(claim, field)
        for position, client in enumerate(named):
            place = ("claims", index, field, position)
            if client not in CLIENTS:
                yield document.problem(
                    place,
                    "unknown-client",
                    f"claim `{claim.name}`: `{field}` names {client}, and there is no such client",
                    "the list of no client would carry it",
                    _meant(client, CLIENTS) or f"write one of {', '.join(CLIENTS)}",
                    domain.id,
                )
            elif CLIENTS[client] not in claim.pools:
                yield document.problem(
                    place,
                    "client-pool",
                    f"claim `{claim.name}` is not in the pool of {client}, {CLIENTS[client]}",
                    "a client sees the attributes of its own pool only",
                    f"remove {client}, or add {CLIENTS[client]} to `pools`",
                    domain.id,
                )
        if named and claim.origin not in ("attribute", "standard"):
            yield document.problem(
                ("claims", index, field),
                "claim-not-attribute",
                f"claim `{claim.name}` has `{field}`, and is no attribute of the user",
                "Cognito lets clients read and write attributes only",
                f"remove `{field}`",
                domain.id,
            )


def _reliance_faults(
    loaded: LoadedCatalogue, domain: Domain, index: int, claim: Claim
) -> Iterator[Problem]:
    document = loaded.documents[domain.id]
    for position, module in enumerate(claim.relied_on_by):
        place = ("claims", index, "relied_on_by", position)
        if module not in loaded.catalogue.modules:
            yield document.problem(
                place,
                "unknown-module",
                f"claim `{claim.name}` is relied on by {module}, which does not exist",
                "nothing could be verified",
                "correct the id",
                domain.id,
            )
        if module in claim.relied_on_by[:position]:
            yield document.problem(
                place,
                "claim-reliance",
                f"claim `{claim.name}` names {module} twice under `relied_on_by`",
                "one of the two was meant for another module",
                "remove or correct it",
                domain.id,
            )
    if claim.relied_on_by and not claim.tokens:
        yield document.problem(
            ("claims", index, "relied_on_by"),
            "claim-reliance",
            f"{claim.relied_on_by[0]} relies on claim `{claim.name}`, which is in no token",
            "the module would never see it",
            "give it `tokens`, or let the module rely on the claim that came in its place",
            domain.id,
        )


def _undeclared(loaded: LoadedCatalogue, declared: set[str]) -> Iterator[Problem]:
    for domain in loaded.catalogue.domains:
        for number, module in enumerate(domain.modules):
            for position, name in enumerate(module.relies_on_claims):
                if name not in declared:
                    yield loaded.documents[domain.id].problem(
                        ("modules", number, "relies_on_claims", position),
                        "unknown-claim",
                        f"it relies on claim `{name}`, which no domain declares",
                        "no token would ever carry it",
                        _meant(name, declared)
                        or "declare it under `claims` of the domain that owns the fact",
                        module.id,
                    )


def _meant(name: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean `{close[0]}`?" if close else None


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
