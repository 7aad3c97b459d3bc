"""What signing in can't do without: its parameters within their limits, and lists that hold."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model.declarations import Parameter
from totara_infra.model.documents import Document
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.sign_in import (
    CLIENTS,
    JURISDICTION_CLAIM,
    LIMITS,
    POOLS,
    STAFF_ACCESS,
    STAFF_SESSION,
    TENANT_CLAIM,
    attribute_lists,
    claims_of,
    number,
)
from totara_infra.model.values import default_in
from totara_infra.model.vocabulary import Environment


def sign_in_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Every fault that would leave a pool, a client or the trigger without what it needs."""
    faults = [*_parameter_faults(loaded)]
    yield from faults
    if not faults:
        yield from _session_faults(loaded)
    yield from _list_faults(loaded)
    yield from _trigger_faults(loaded)


def _found(
    loaded: LoadedCatalogue, path: str
) -> tuple[Document, tuple[str | int, ...], str, Parameter] | None:
    for domain in loaded.catalogue.domains:
        for index, module in enumerate(domain.modules):
            for position, parameter in enumerate(module.parameters):
                if parameter.path == path:
                    place = ("modules", index, "parameters", position)
                    return loaded.documents[domain.id], place, module.id, parameter
    return None


def _parameter_faults(loaded: LoadedCatalogue) -> Iterator[Problem]:
    for path, (least, most, why) in LIMITS.items():
        found = _found(loaded, path)
        if found is None:
            # MOD-104 makes the pools, MOD-068 signs in.
            owner = "MOD-104" if "appconfig" in path else "MOD-068"
            domain = loaded.catalogue.domain_of.get(owner, loaded.catalogue.domains[0])
            yield loaded.documents[domain.id].problem(
                ("modules",),
                "sign-in-parameter",
                f"no module declares `{path}`",
                "pools, clients or the sign-in trigger take their value from it",
                "declare it with a whole number as its default",
                owner,
            )
            continue
        document, place, module, parameter = found
        values = {default_in(parameter, environment) for environment in Environment}
        wrong = [v for v in values if not isinstance(v, int) or not least <= v <= most]
        if wrong:
            yield document.problem(
                (*place, "default"),
                "sign-in-parameter",
                f"`{path}` is {wrong[0]}",
                why,
                f"give it a whole number from {least} to {most}",
                module,
            )


def _session_faults(loaded: LoadedCatalogue) -> Iterator[Problem]:
    for environment in Environment:
        access = number(loaded.catalogue, environment, STAFF_ACCESS)
        session = number(loaded.catalogue, environment, STAFF_SESSION)
        found = _found(loaded, STAFF_ACCESS)
        if access >= session and found is not None:
            document, place, module, _ = found
            yield document.problem(
                (*place, "default"),
                "sign-in-parameter",
                f"an access token of staff lives {access} hours in {environment}, and a session "
                f"{session}",
                "no time would be left for a refresh token",
                "let the access token live shorter than the session",
                module,
            )
            return


def _list_faults(loaded: LoadedCatalogue) -> Iterator[Problem]:
    owner = "SD08"
    for client in CLIENTS:
        lists = attribute_lists(loaded.catalogue, client)
        for field, names in zip(("readable_by", "writable_by"), lists, strict=True):
            if not names:
                yield loaded.documents[owner].problem(
                    ("claims",),
                    "empty-client-list",
                    f"no claim names client {client} under `{field}`",
                    "to Cognito an empty list means every attribute, among them those that decide "
                    "access",
                    "name it there in one claim at least, such as phone_number or email",
                    owner,
                )


def _trigger_faults(loaded: LoadedCatalogue) -> Iterator[Problem]:
    for pool in POOLS:
        sources = {c.name: c.origin for _, c in claims_of(loaded.catalogue, pool)}
        for name in (TENANT_CLAIM, JURISDICTION_CLAIM):
            if sources.get(name) != "attribute":
                yield loaded.documents["SD07"].problem(
                    ("claims",),
                    "unknown-claim",
                    f"the sign-in trigger relies on claim `{name}` of pool {pool}, which no domain "
                    "declares as an attribute",
                    "it would refuse everybody",
                    "declare it with origin `attribute`",
                    "SD07",
                )
