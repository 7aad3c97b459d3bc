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


def _names(readers: Readers) -> set[str]:
    return {"all"} if readers == "all" else set(readers)


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

    def secrets_read(self, module_id: str) -> Iterator[tuple[Module, Secret]]:
        """The secrets that a module reads, each with the module that declares it."""
        # By name, with its domain, or with all; in the order in which they are declared.
        names = (module_id, self.catalogue.domain_of[module_id].id, "all")
        found = {n: pair for name in names for n, pair in self._secrets_by_reader.get(name, ())}
        yield from (found[n] for n in sorted(found))

    def values_read(self, module_id: str) -> list[tuple[Module, Parameter | Setting]]:
        """Values of other modules that name this one among their readers."""
        return self._values_by_reader.get(module_id, [])

    @cached_property
    def _secrets_by_reader(self) -> dict[str, list[tuple[int, tuple[Module, Secret]]]]:
        found: dict[str, list[tuple[int, tuple[Module, Secret]]]] = {}
        pairs = ((m, s) for m in self.catalogue.modules.values() for s in m.secrets)
        for number, (module, secret) in enumerate(pairs):
            for reader in _names(secret.readers):
                found.setdefault(reader, []).append((number, (module, secret)))
        return found

    @cached_property
    def _values_by_reader(self) -> dict[str, list[tuple[Module, Parameter | Setting]]]:
        found: dict[str, list[tuple[Module, Parameter | Setting]]] = {}
        for module in self.catalogue.modules.values():
            for declared in values_of(module):
                for reader in _names(declared.readers) - {module.id}:
                    found.setdefault(reader, []).append((module, declared))
        return found
