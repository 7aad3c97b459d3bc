"""Rules of the catalogue that a single model can't check: references, names, types, limits."""

from __future__ import annotations

from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.rules.alerts import alert_problems
from totara_infra.model.rules.claims import claim_problems
from totara_infra.model.rules.declarations import declaration_problems
from totara_infra.model.rules.identifiers import identifier_problems
from totara_infra.model.rules.places import name_of, places
from totara_infra.model.rules.references import (
    attribute_problems,
    database_secret_problems,
    duplicates,
    former_path_problems,
    module_problems,
    reader_problems,
)
from totara_infra.model.rules.stores import store_problems
from totara_infra.model.rules.tenancy import limit_problems, tenancy_problems

__all__ = ["catalogue_problems", "name_of"]


def catalogue_problems(loaded: LoadedCatalogue) -> list[Problem]:
    """Every broken rule of the catalogue but those of the order, which the resolver checks."""
    found = list(places(loaded))
    return [
        *module_problems(loaded),
        *identifier_problems(loaded),
        *duplicates(found),
        *reader_problems(loaded, found),
        *(problem for place in found for problem in declaration_problems(place)),
        *attribute_problems(found),
        *former_path_problems(found),
        *database_secret_problems(loaded),
        *claim_problems(loaded),
        *tenancy_problems(loaded),
        *limit_problems(loaded),
        *alert_problems(loaded),
        *store_problems(loaded),
    ]
