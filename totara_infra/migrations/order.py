"""In which order the databases are migrated: as the modules that own what is in them go up."""

from __future__ import annotations

from dataclasses import dataclass

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.databases import Database, DatabaseCatalogue
from totara_infra.resolver import Sequence


@dataclass(frozen=True)
class Place:
    """A database and why it stands where it stands.

    Attributes:
        database: what is in it.
        secret: path of the secret with its direct URL, with the placeholder `{env}`.
        first: the owner that goes up first; empty where none is active.
        phase: of that module; 0 where none is active.
        wave: of that module.
    """

    database: Database
    secret: str
    first: str
    phase: int
    wave: int

    @property
    def name(self) -> str:
        """Name of the database."""
        return self.database.name

    @property
    def reason(self) -> str:
        """Why it stands here."""
        if not self.first:
            return "no module that owns something in it is active"
        return f"before {self.first}, phase {self.phase}, wave {self.wave}"


def database_order(
    catalogue: Catalogue, databases: DatabaseCatalogue, sequence: Sequence
) -> list[Place]:
    """The databases in the order in which they are migrated.

    A database must have its tables before the first module comes up that owns some of them, so it
    takes that module's place in the sequence; ties go by domain.
    """
    position = {module.id: index for index, module in enumerate(sequence.modules)}
    placed: list[tuple[tuple[int, int, int, str], Place]] = []
    for database in databases.databases:
        domain = catalogue.domain[database.domain]
        secret = f"/bank/{{env}}/{domain.path_segment}/neon-db-migrate-url"
        active = sorted(database.owners & position.keys(), key=position.__getitem__)
        if not active:
            late = (len(position), 0, 0, database.domain)
            placed.append((late, Place(database, secret, "", 0, 0)))
            continue
        first = sequence.module[active[0]]
        key = (first.phase, first.wave, position[first.id], database.domain)
        placed.append((key, Place(database, secret, first.id, first.phase, first.wave)))
    return [place for _, place in sorted(placed, key=lambda p: p[0])]
