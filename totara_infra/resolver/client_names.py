"""The names that a client id enters, and how long each lets it be.

One rule decides the length of a client id: it fits every name of the catalogue that holds it, in
every environment, and for an isolated client also the names that carry its stack's bucket suffix.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from totara_infra.model import naming
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Bucket
from totara_infra.model.vocabulary import Environment

TENANT_ATTRIBUTE = "tenant_id"
"""The pool attribute whose value is the client id."""
_FIXED = {"env": max((e.value for e in Environment), key=len)}


@dataclass(frozen=True)
class ClientName:
    """A name, path or value that holds a client id.

    Attributes:
        kind: what it is, in words.
        name: as the catalogue writes it, with placeholders.
        maximum: characters that AWS takes, or the place that it is stored in.
        fixed: characters of it that are not the client id.
    """

    kind: str
    name: str
    maximum: int
    fixed: int = 0

    @property
    def room(self) -> int:
        """Characters that are left for the client id."""
        return self.maximum - self.fixed

    def with_id(self, client_id: str) -> str:
        """How long it becomes, in words."""
        return f"{self.kind} `{self.name}` ({self.fixed + len(client_id)} of {self.maximum})"


def client_names(catalogue: Catalogue, *, isolated: bool) -> list[ClientName]:
    """Every name that the client id of a tenant enters, the one with the least room first.

    Args:
        catalogue: validated.
        isolated: the tenant has a stack of its own, whose bucket suffix is its client id.
    """
    found = [*_declared(catalogue), *_values(catalogue)]
    if isolated:
        found += _own_stack(catalogue)
    return sorted(found, key=lambda n: (n.room, n.kind, n.name))


def _declared(catalogue: Catalogue) -> Iterator[ClientName]:
    for module in catalogue.modules.values():
        for parameter in module.parameters:
            yield from _holding("parameter", parameter.path, naming.SSM_MAXIMUM_LENGTH)
        for secret in module.secrets:
            for path in filter(None, (secret.path, secret.previously)):
                yield from _holding("secret", path, naming.SECRET_MAXIMUM_LENGTH)
        for resource in module.resources:
            maximum = naming.NAME_MAXIMUM_LENGTHS.get(resource.kind, naming.OTHER_MAXIMUM_LENGTH)
            yield from _holding(resource.kind.replace("_", " "), resource.name, maximum)
            if isinstance(resource, Bucket):
                for prefix in resource.prefixes:
                    yield from _holding("S3 prefix", prefix, naming.OBJECT_KEY_MAXIMUM_BYTES)


def _holding(kind: str, name: str, maximum: int) -> Iterator[ClientName]:
    if "client_id" in naming.placeholders(name):
        rest = naming.fill(name, {**_FIXED, "client_id": "", "suffix": ""})
        yield ClientName(kind, name, maximum, len(rest))


def _values(catalogue: Catalogue) -> Iterator[ClientName]:
    for domain in catalogue.domains:
        for claim in domain.claims:
            if claim.attribute == TENANT_ATTRIBUTE:
                yield ClientName("Cognito attribute", claim.name, claim.maximum_length)
    yield ClientName("tag value", "tenant_id", naming.TAG_VALUE_MAXIMUM_LENGTH)


def _own_stack(catalogue: Catalogue) -> Iterator[ClientName]:
    stack = f"{_FIXED['env']}-"
    yield ClientName("stack", "{env}-{client_id}", naming.STACK_NAME_MAXIMUM_LENGTH, len(stack))
    yield ClientName(
        "setting of the stack", "bucket-suffix", naming.BUCKET_SUFFIX_MAXIMUM_LENGTH, 1
    )
    for module in catalogue.modules.values():
        for resource in module.resources:
            if isinstance(resource, Bucket) and "suffix" in naming.placeholders(resource.name):
                # The suffix is a hyphen and the client id.
                rest = naming.fill(resource.name, {**_FIXED, "suffix": "-"})
                yield ClientName(
                    "bucket", resource.name, naming.BUCKET_NAME_MAXIMUM_LENGTH, len(rest)
                )
