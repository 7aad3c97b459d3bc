"""Activation conditions, and the limits of AppConfig."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model import naming
from totara_infra.model.documents import Location
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem


def tenancy_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Conditions and always-on lists that name what does not exist, or contradict each other."""
    tenancy, document = loaded.catalogue.tenancy, loaded.documents["tenancy"]
    options = {o.id for o in tenancy.options}
    conditional: dict[str, int] = {}
    for index, condition in enumerate(tenancy.conditions):
        for position, module in enumerate(condition.modules):
            if module not in loaded.catalogue.modules:
                yield document.problem(
                    ("conditions", index, "modules", position),
                    "unknown-module",
                    f"condition for {module}, which does not exist",
                    "it could never apply",
                    "correct the id",
                    module,
                )
            if module in conditional:
                yield document.problem(
                    ("conditions", index, "modules", position),
                    "duplicate-condition",
                    f"{module} has a condition already",
                    "two conditions may contradict each other",
                    "put both into one",
                    module,
                )
            conditional[module] = index
        for position, option in enumerate(condition.options):
            if option not in options:
                yield document.problem(
                    ("conditions", index, "options", position),
                    "unknown-option",
                    f"licence option `{option}` does not exist",
                    "no tenant could license it",
                    f"write one of {', '.join(sorted(options))}",
                )
    for index, group in enumerate(tenancy.always_on):
        for position, module in enumerate(group.modules):
            here: Location = ("always_on", index, "modules", position)
            if module not in loaded.catalogue.modules:
                yield document.problem(
                    here,
                    "unknown-module",
                    f"{module} does not exist",
                    "it could never be on",
                    "correct the id",
                    module,
                )
            if module in conditional:
                yield document.problem(
                    here,
                    "always-on-condition",
                    f"{module} is always on, yet has a condition",
                    "one of the two is wrong",
                    "remove the one that does not hold",
                    module,
                )


def limit_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Limits of AppConfig, and flags that follow a module that does not exist."""
    for domain in loaded.catalogue.domains:
        profiles = {s.profile for m in domain.modules for s in m.settings} | {"runtime"}
        if len(profiles) > naming.APPCONFIG_MAXIMUM_PROFILES:
            yield loaded.documents[domain.id].problem(
                ("modules",),
                "aws-limit",
                f"{len(profiles)} AppConfig profiles",
                f"an application has at most {naming.APPCONFIG_MAXIMUM_PROFILES}",
                "merge profiles",
                domain.id,
            )
        for number, module in enumerate(domain.modules):
            for index, setting in enumerate(module.settings):
                if (
                    setting.follows_activation
                    and setting.follows_activation not in loaded.catalogue.modules
                ):
                    yield loaded.documents[domain.id].problem(
                        ("modules", number, "settings", index, "follows_activation"),
                        "unknown-module",
                        f"{setting.follows_activation} does not exist",
                        "the flag could never be on",
                        "correct the id",
                        module.id,
                    )
