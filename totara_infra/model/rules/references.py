"""Ids, names and attributes that refer to something must find it, and find it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from totara_infra.model import naming
from totara_infra.model.declarations import Parameter, Secret
from totara_infra.model.documents import Location
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem
from totara_infra.model.rules.places import Place, name_of
from totara_infra.model.vocabulary import DOMAIN_ID, MODULE_ID, Source


def module_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Ids and services that stand twice, and edges that lead nowhere or where nothing is."""
    seen: dict[str, str] = {}
    services: dict[str, str] = {}
    for domain in loaded.catalogue.domains:
        document = loaded.documents[domain.id]
        for number, module in enumerate(domain.modules):
            here: Location = ("modules", number)
            if module.id in seen:
                yield document.problem(
                    (*here, "id"),
                    "duplicate-module",
                    f"{module.id} is declared twice",
                    f"it stands in {seen[module.id]} already",
                    "remove one of the two",
                    module.id,
                )
            seen.setdefault(module.id, document.name)
            if module.service in services:
                yield document.problem(
                    (*here, "service"),
                    "duplicate-service",
                    f"service `{module.service}` belongs to {services[module.service]} too",
                    "their parameters would share one path",
                    "choose another segment",
                    module.id,
                )
            services.setdefault(module.service, module.id)
    known = loaded.catalogue.modules
    for domain in loaded.catalogue.domains:
        document = loaded.documents[domain.id]
        for number, module in enumerate(domain.modules):
            for index, edge in enumerate(module.depends_on):
                here = ("modules", number, "depends_on", index, "module")
                if edge.module not in known:
                    yield document.problem(
                        here,
                        "unknown-module",
                        f"it depends on {edge.module}, which does not exist",
                        "the order can't be computed",
                        "correct the id or declare the module",
                        module.id,
                    )
                    continue
                elsewhere = set(module.environments) - set(known[edge.module].environments)
                if edge.required and elsewhere:
                    where = ", ".join(sorted(elsewhere))
                    yield document.problem(
                        here,
                        "absent-dependency",
                        f"it needs {edge.module}, which does not exist in {where}",
                        "a hard dependency must be up first",
                        f"make the edge optional, or limit `environments` of {module.id}",
                        module.id,
                    )
            if not module.depends_on and not module.dependency_note:
                yield document.problem(
                    here_of(number),
                    "unexplained-root",
                    "it depends on nothing and says not why",
                    "an order that nobody explained can't be trusted",
                    "add the edges, or `dependency_note:` with the reason",
                    module.id,
                )


def here_of(number: int) -> Location:
    """Location of a module in its domain file."""
    return ("modules", number, "id")


def duplicates(places: list[Place]) -> Iterator[Problem]:
    """Names that are declared twice, anywhere in the catalogue."""
    first: dict[str, Place] = {}
    for place in places:
        name = name_of(place.declaration)
        other = first.setdefault(name, place)
        if other is not place:
            field = name.split(":", 1)[0]
            key = {"parameter": "path", "secret": "path", "setting": "key"}.get(field, "name")
            line = other.document.line((*other.location, key))
            yield place.problem(
                key,
                "duplicate-name",
                f"{name} is declared twice",
                f"{other.module.id} declares it at {other.document.name}:{line}",
                "declare it once, with the module that owns it, and add readers there",
            )


def reader_problems(loaded: LoadedCatalogue, places: list[Place]) -> Iterator[Problem]:
    """Readers, publishers and writers that do not exist."""
    modules, domains = loaded.catalogue.modules, loaded.catalogue.domain
    for place in places:
        for field in ("readers", "publishers", "writers"):
            named = getattr(place.declaration, field, [])
            for index, reader in enumerate([] if named == "all" else named):
                is_id = MODULE_ID.match(reader) or DOMAIN_ID.match(reader)
                words = field == "writers" and not is_id
                if reader in modules or reader in domains or words:
                    continue
                yield place.document.problem(
                    (*place.location, field, index),
                    "unknown-reader",
                    f"{field[:-1]} `{reader}` of {name_of(place.declaration)} does not exist",
                    "nobody could be granted access",
                    "name a module (MOD-NNN) or a domain (SD0N)",
                    place.module.id,
                )


def attribute_problems(places: list[Place]) -> Iterator[Problem]:
    """Parameters whose `attribute` names nothing that is made here."""
    made = {
        name_of(p.declaration).replace(":", "/", 1)
        for p in places
        if getattr(p.declaration, "source", None) is Source.RESOURCE
    }
    made |= {"user_pool/customers", "user_pool/staff"}
    made |= {f"client/{c}" for c in ("mobile-app", "service", "staff-portal", "password")}
    for place in places:
        attribute = getattr(place.declaration, "attribute", None)
        if attribute is None or not isinstance(place.declaration, Parameter):
            continue
        thing, separator, output = attribute.partition("#")
        if thing not in made or not separator or output not in ("arn", "name", "id", "url"):
            yield place.problem(
                "attribute",
                "unknown-attribute",
                f"`{attribute}` names nothing that is made here",
                "the parameter would have no value",
                "write `<kind>/<name>#arn` (or #name, #id, #url) of a thing with source `resource`",
            )


def former_path_problems(places: list[Place]) -> Iterator[Problem]:
    """Former paths of secrets that are not paths, or that something else has."""
    secrets = [(p, p.declaration) for p in places if isinstance(p.declaration, Secret)]
    taken = Counter(path for _, s in secrets for path in (s.path, s.previously) if path)
    for place, secret in secrets:
        if secret.previously is None:
            continue
        if not naming.SECRET_CONVENTION.match(secret.previously):
            yield place.problem(
                "previously",
                "convention",
                f"`{secret.previously}` is not the path of a secret",
                "secrets are /bank/{env}/{domain}/{secret-name}",
                "write the path as it was before, with {env}",
            )
        elif naming.placeholders(secret.previously) != naming.placeholders(secret.path):
            yield place.problem(
                "previously",
                "former-path",
                f"`{secret.previously}` and `{secret.path}` have different placeholders",
                "each value moves from one container to one other",
                "keep {client_id} in both or in neither; a secret that becomes one for each "
                "tenant is a new secret",
            )
        elif taken[secret.previously] > 1:
            yield place.problem(
                "previously",
                "former-path",
                f"`{secret.previously}` is the path of more than one secret",
                "one container can't hold the value of both",
                "remove `previously:`, or the other declaration of that path",
            )


def database_secret_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Domains without the secret through which their modules reach their database."""
    declared = {s.path for m in loaded.catalogue.modules.values() for s in m.secrets}
    for domain in loaded.catalogue.domains:
        path = f"/bank/{{env}}/{domain.path_segment}/neon-db-url"
        if path not in declared:
            yield loaded.documents[domain.id].problem(
                ("database",),
                "database-secret",
                f"nobody declares `{path}`",
                f"modules of {domain.id} could not reach {domain.database}",
                "declare the secret with MOD-103",
                domain.id,
            )
