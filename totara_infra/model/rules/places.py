"""Where each declaration of a catalogue stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from totara_infra.model import naming
from totara_infra.model.catalogue import Domain, Module
from totara_infra.model.declarations import Claim, Declaration, Parameter, Secret, Setting
from totara_infra.model.documents import Document, Location
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.vocabulary import Environment

LONGEST_CLIENT_ID = "c" * 64
"""A client id is as long as the Cognito attribute that holds it allows, at most."""


@dataclass(frozen=True)
class Place:
    """A declaration and where it stands."""

    document: Document
    domain: Domain
    module: Module
    location: Location
    declaration: Declaration

    def problem(self, field: str, rule: str, what: str, why: str, fix: str) -> Problem:
        """A problem at one of the declaration's fields."""
        return self.document.problem((*self.location, field), rule, what, why, fix, self.module.id)


def name_of(declaration: Declaration) -> str:
    """`kind:name`, by which the coverage table and error messages refer to a declaration."""
    if isinstance(declaration, Parameter):
        return f"parameter:{declaration.path}"
    if isinstance(declaration, Secret):
        return f"secret:{declaration.path}"
    if isinstance(declaration, Setting):
        return f"setting:{declaration.key}"
    if isinstance(declaration, Claim):
        return f"claim:{declaration.name}"
    # Every kind of infrastructure has both; only their common base lacks them.
    return f"{getattr(declaration, 'kind', '')}:{getattr(declaration, 'name', '')}"


def places(loaded: LoadedCatalogue) -> Iterator[Place]:
    """Every declaration of the catalogue."""
    for domain in loaded.catalogue.domains:
        document = loaded.documents[domain.id]
        for number, module in enumerate(domain.modules):
            for group in ("parameters", "secrets", "settings", "resources"):
                for index, declaration in enumerate(getattr(module, group)):
                    location = ("modules", number, group, index)
                    yield Place(document, domain, module, location, declaration)


def filled(name: str, environment: Environment = Environment.LOCAL) -> str:
    """A name with its placeholders filled in, as long as they may get."""
    return naming.fill(
        name,
        {"env": environment.value, "client_id": LONGEST_CLIENT_ID, "suffix": "-" + "s" * 8},
    )
