"""The committed list of attributes that the user pools have.

Cognito can add a custom attribute to a pool and never change or remove one: the only way back is a
new pool, without its users. So whatever has been in a pool stays declared, which this list guards.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from totara_infra.model import yaml_text
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY, LoadedCatalogue
from totara_infra.model.problems import Problem, ProblemsError, shown
from totara_infra.model.sign_in import POOLS, Pool, claims_of

LOCK_FILE = "claims.lock.yaml"
_HEADER = """\
# Attributes that the user pools have. Cognito can't change or remove one, so nothing here may
# change either. Written by `totara claims lock`, which only ever adds; not edited by hand.
"""


class LockedAttribute(Model):
    """An attribute of a pool, as it was when it was made."""

    name: str
    type: Literal["String"] = "String"
    mutable: bool
    maximum_length: int


class ClaimLock(Model):
    """Content of `claims.lock.yaml`."""

    pools: dict[Pool, list[LockedAttribute]]


def attributes_of(catalogue: Catalogue, pool: Pool) -> list[LockedAttribute]:
    """The custom attributes that a pool gets."""
    return [
        LockedAttribute(
            name=claim.attribute, mutable=claim.mutable, maximum_length=claim.maximum_length
        )
        for _, claim in claims_of(catalogue, pool)
        if claim.attribute is not None
    ]


def lock_problems(loaded: LoadedCatalogue, *, even_if_absent: bool = False) -> Iterator[Problem]:
    """Attributes that went, changed, or are not on the list yet.

    A catalogue elsewhere than in the package may be without a list, as no pool was made from it.

    Args:
        loaded: the catalogue with its files.
        even_if_absent: whether an absent list is a problem; it is one in the package in any case.
    """
    directory = loaded.documents["sequence"].path.parent
    root = loaded.documents["sequence"].root
    path = directory / LOCK_FILE
    if not path.is_file():
        if even_if_absent or directory.resolve() == CATALOGUE_DIRECTORY:
            yield Problem(
                shown(path, root),
                0,
                "claim-lock-missing",
                "the list of attributes that the pools have is not there",
                "without it nothing keeps a change from replacing a pool, which loses its users",
                f"restore it: git checkout -- {shown(path, root)}",
            )
        return
    try:
        document = read_document(path, root)
        lock = parse(document, ClaimLock)
    except ProblemsError as error:
        yield from error.problems
        return
    for pool in POOLS:
        yield from _lost(loaded, document, lock, pool)
        yield from _added(loaded, lock, pool)


def _lost(
    loaded: LoadedCatalogue, document: Document, lock: ClaimLock, pool: Pool
) -> Iterator[Problem]:
    declared = {a.name: a for a in attributes_of(loaded.catalogue, pool)}
    for index, locked in enumerate(lock.pools.get(pool, [])):
        found = declared.get(locked.name)
        if found is None:
            yield document.problem(
                ("pools", pool, index),
                "claim-removed",
                f"attribute `{locked.name}` of pool {pool} is no longer declared",
                "Cognito can't remove or rename an attribute: the pool would be replaced and its "
                "users lost",
                "declare it again; to be rid of it, keep it with `tokens: []` and empty "
                "`readable_by` and `writable_by`, and add the new attribute beside it",
            )
        elif found != locked:
            changes = ", ".join(
                f"{field} {getattr(locked, field)} to {getattr(found, field)}"
                for field in LockedAttribute.model_fields
                if getattr(locked, field) != getattr(found, field)
            )
            owner, number = _place(loaded, pool, locked.name)
            yield loaded.documents[owner].problem(
                ("claims", number, "attribute"),
                "claim-changed",
                f"attribute `{locked.name}` of pool {pool} changes: {changes}",
                "Cognito can't change an attribute: the pool would be replaced and its users lost",
                "take the change back; to have it otherwise, add an attribute of another name, and "
                "keep this one with `tokens: []` once nobody relies on it",
                owner,
            )


def _added(loaded: LoadedCatalogue, lock: ClaimLock, pool: Pool) -> Iterator[Problem]:
    known = {a.name for a in lock.pools.get(pool, [])}
    for attribute in attributes_of(loaded.catalogue, pool):
        if attribute.name not in known:
            owner, number = _place(loaded, pool, attribute.name)
            yield loaded.documents[owner].problem(
                ("claims", number, "attribute"),
                "claim-not-locked",
                f"attribute `{attribute.name}` of pool {pool} is not on the committed list",
                "it can never be removed again, so adding one is a decision of its own",
                "run `totara claims lock` and commit the list with it",
                owner,
            )


def _place(loaded: LoadedCatalogue, pool: Pool, attribute: str) -> tuple[str, int]:
    return next(
        (domain.id, number)
        for domain in loaded.catalogue.domains
        for number, claim in enumerate(domain.claims)
        if claim.attribute == attribute and pool in claim.pools
    )


def write_lock(loaded: LoadedCatalogue, *, only_check: bool = False) -> list[str]:
    """Add what the catalogue declares and the list lacks.

    Args:
        loaded: the catalogue, each file checked by itself.
        only_check: write nothing.

    Returns:
        What was added, or is to be, as `pool/attribute`.

    Raises:
        ProblemsError: an attribute went or changed, or the list can't be read.
    """
    path: Path = loaded.documents["sequence"].path.parent / LOCK_FILE
    refused = [p for p in lock_problems(loaded) if p.rule != "claim-not-locked"]
    if [p for p in refused if p.rule != "claim-lock-missing"]:
        raise ProblemsError(refused)
    lock = ClaimLock(pools={})
    if path.is_file():
        lock = parse(read_document(path, loaded.documents["sequence"].root), ClaimLock)
    pools = {pool: list(lock.pools.get(pool, [])) for pool in POOLS}
    added = []
    for pool in POOLS:
        known = {a.name for a in pools[pool]}
        new = [a for a in attributes_of(loaded.catalogue, pool) if a.name not in known]
        pools[pool] += new
        added += [f"{pool}/{a.name}" for a in new]
    if added and not only_check:
        content = ClaimLock(pools=pools).model_dump(mode="json")
        path.write_text(_HEADER + yaml_text.dump(content), encoding="utf-8")
    return added
