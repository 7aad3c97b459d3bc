"""What the pages are written from: the catalogue, its order, and the tenants' modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from totara_infra.delivery.activation_matrix import Column, columns
from totara_infra.model.catalogue import Catalogue, Module
from totara_infra.model.declarations import Parameter, Readers, Secret, Setting
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver import Edge, Sequence, load_catalogue, resolve


def values_of(module: Module) -> list[Parameter | Setting]:
    """The non-secret values that a module declares."""
    return [*module.parameters, *module.settings]


@dataclass(frozen=True)
class Facts:
    """Everything that a page may ask for.

    Attributes:
        loaded: the catalogue.
        matrix: each tenant that has a file, in each environment.
    """

    loaded: LoadedCatalogue
    matrix: tuple[Column, ...]

    @classmethod
    def read(cls) -> Facts:
        """Read the catalogue and the tenants' files.

        Raises:
            ProblemsError: what is wrong in the files.
        """
        loaded = load_catalogue()
        return cls(loaded, tuple(columns(loaded, list(Environment), None)))

    @property
    def catalogue(self) -> Catalogue:
        """The validated catalogue."""
        return self.loaded.catalogue

    @cached_property
    def sequence(self) -> Sequence:
        """The order with every module active, in the environment where most of them exist."""
        fullest = max(
            Environment,
            key=lambda e: sum(e in m.environments for m in self.catalogue.modules.values()),
        )
        return resolve(self.catalogue, fullest)

    @cached_property
    def needed_by(self) -> dict[str, list[Edge]]:
        """Module id -> the edges of those that need it."""
        found: dict[str, list[Edge]] = {m: [] for m in self.catalogue.modules}
        for module in self.sequence.modules:
            for edge in module.depends_on:
                found[edge.depends_on].append(edge)
        return {m: sorted(edges, key=lambda e: e.module) for m, edges in found.items()}

    def missing_in(self, module: Module) -> list[Environment]:
        """Environments in which a module does not exist."""
        return [e for e in Environment if e not in module.environments]

    def reads(self, module_id: str, readers: Readers) -> bool:
        """Whether a module is among the readers: by name, with its domain, or with all."""
        domain = self.catalogue.domain_of[module_id].id
        return readers == "all" or module_id in readers or domain in readers

    def secrets_read(self, module_id: str) -> Iterator[tuple[Module, Secret]]:
        """The secrets that a module reads, each with the module that declares it."""
        for module in self.catalogue.modules.values():
            for secret in module.secrets:
                if self.reads(module_id, secret.readers):
                    yield module, secret

    def values_read(self, module_id: str) -> Iterator[tuple[Module, Parameter | Setting]]:
        """Values of other modules that name this one among their readers."""
        for module in self.catalogue.modules.values():
            for declared in values_of(module):
                if module.id != module_id and module_id in declared.readers:
                    yield module, declared
