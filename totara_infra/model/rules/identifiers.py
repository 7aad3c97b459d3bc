"""What tells one thing from another stands once; no list names one thing twice; no file is idle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from totara_infra.model.documents import Document, Location, subject
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.problems import Problem

_DOMAIN_FIELDS = {
    "slug": "pages and aliases are called after it",
    "repository": "its AppConfig application would be another domain's",
    "path_segment": "roles may read secrets by it, so one domain would read the other's",
    "database": "a domain has a database of its own",
    "event_bus": "rights on a bus are granted by domain",
}
"""Fields of a domain that no other domain may share, and why not."""


def identifier_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    """Identifiers that two domains or modules share, and whatever a list names twice."""
    yield from _domain_problems(loaded)
    yield from _slug_problems(loaded)
    for document in loaded.documents.values():
        yield from _repetitions(document, document.data, ())


def _domain_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    for field, why in _DOMAIN_FIELDS.items():
        seen: dict[str, str] = {}
        for domain in loaded.catalogue.domains:
            value = getattr(domain, field)
            other = seen.setdefault(value, domain.id)
            if other != domain.id:
                yield loaded.documents[domain.id].problem(
                    (field,),
                    "duplicate-domain-name",
                    f"{field} `{value}` belongs to {other} too",
                    why,
                    "choose another name",
                    domain.id,
                )


def _slug_problems(loaded: LoadedCatalogue) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for domain in loaded.catalogue.domains:
        for number, module in enumerate(domain.modules):
            other = seen.setdefault(module.slug, module.id)
            if other != module.id:
                yield loaded.documents[domain.id].problem(
                    ("modules", number, "slug"),
                    "duplicate-slug",
                    f"slug `{module.slug}` belongs to {other} too",
                    "code and pages find a module by its slug",
                    "choose another slug",
                    module.id,
                )


def _repetitions(document: Document, data: Any, here: Location) -> Iterator[Problem]:
    """Lists that hold one word twice, one id twice, or one edge twice."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _repetitions(document, value, (*here, key))
    if not isinstance(data, list):
        return
    for number in _twice([_mark(here, entry) for entry in data]):
        yield document.problem(
            (*here, number),
            "listed-twice",
            f"`{_mark(here, data[number])}` stands twice in `{here[-1] if here else 'the file'}`",
            "one of the two was perhaps meant to be another",
            "remove it, or correct it",
            subject(document.data, here),
        )
    for number, value in enumerate(data):
        if isinstance(value, dict | list):
            yield from _repetitions(document, value, (*here, number))


_OTHERS_SAY = ("modules", "alerts", "groups", "methods", "stores", "plans", "choices")
"""Lists whose own rules tell what stands twice, or where the order of equal words means something.
"""


def _mark(here: Location, entry: Any) -> str | None:
    """What an entry of a list is told apart by; None where nothing has to."""
    if isinstance(entry, dict):
        if here and here[-1] in _OTHERS_SAY:
            return None
        key = "module" if here and here[-1] == "depends_on" else "id"
        found = entry.get(key)
        return found if isinstance(found, str) else None
    return str(entry) if isinstance(entry, str | int) else None


def _twice(marks: Sequence[str | None]) -> Iterator[int]:
    seen: set[str] = set()
    for number, mark in enumerate(marks):
        if mark is not None and mark in seen:
            yield number
        elif mark is not None:
            seen.add(mark)
