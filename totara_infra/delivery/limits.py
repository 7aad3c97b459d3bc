"""What AWS would refuse of a stack, told at the line in which somebody wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.limits import quota_problems
from totara_infra.blueprint.resource import PlannedResource, logical
from totara_infra.model.documents import Document, Location
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.naming import PLACEHOLDER
from totara_infra.model.problems import Problem
from totara_infra.model.rules.places import Place, places
from totara_infra.operations.limits.documented import Refusal
from totara_infra.operations.limits.models import regions
from totara_infra.operations.limits.refusals import Seen, refused
from totara_infra.operations.limits.shapes import KEY

_SHORTEST_MATCH = 4
"""Characters that a text needs to be recognised as a part of a longer one."""
_SHOWN = 60


@dataclass(frozen=True)
class Written:
    """A value in a file.

    Attributes:
        text: as AWS would get it; where it is a part of a longer one, that part.
    """

    document: Document
    location: Location
    text: str


def aws_problems(
    loaded: LoadedCatalogue, blueprint: Blueprint, files: Sequence[Document], seen: Seen
) -> Iterator[Problem]:
    """Everything of a stack that AWS would refuse.

    Args:
        loaded: the catalogue with its files.
        blueprint: of the stack.
        files: the stack's own, the project's, and its tenants'.
        seen: what was looked at for other stacks.
    """
    resources = list(blueprint.resources.values())
    yield from quota_problems(blueprint.scope, resources)
    told = set()
    for resource, refusal in refused(resources, seen):
        written = origin(loaded, files, resource, refusal)
        place = (written.document.name, written.location, refusal.reason)
        if place not in told:
            told.add(place)
            yield _problem(written, resource, refusal)


def region_problems(
    document: Document, regions_of: Mapping[tuple[str, str], str]
) -> Iterator[Problem]:
    """Regions that AWS does not have.

    Args:
        document: the stack's file.
        regions_of: where each stands -> the region.
    """
    for location, region in regions_of.items():
        if region not in regions():
            near = sorted(r for r in regions() if r[:2] == region[:2]) or sorted(regions())
            yield document.problem(
                location,
                "unknown-region",
                f"there is no AWS region `{region}`",
                "nothing could be made there",
                f"write one of {', '.join(near)}",
            )


def _problem(written: Written, resource: PlannedResource, refusal: Refusal) -> Problem:
    words = [str(part) for part in refusal.path if part != KEY]
    shown = written.text if len(written.text) <= _SHOWN else f"{written.text[:_SHOWN]}…"
    return written.document.problem(
        written.location,
        "aws-limit",
        f"AWS would refuse `{shown}` as {'.'.join(words)} of {resource.shape} `{resource.name}`",
        f"{refusal.reason} ({refusal.source})",
        "write it so that AWS takes it",
        resource.step if resource.step.startswith("MOD-") else "",
    )


def origin(
    loaded: LoadedCatalogue,
    files: Sequence[Document],
    resource: PlannedResource,
    refusal: Refusal,
) -> Written:
    """Where somebody wrote a value that AWS would refuse.

    The declaration that the resource comes from is searched first, then the stack's own files, then
    everything else: for the very value, then for the longest text that is a part of it.

    Args:
        loaded: the catalogue with its files.
        files: the stack's own.
        resource: of the blueprint.
        refusal: of one of its properties.
    """
    declared = [p for p in places(loaded) if _makes(p, resource)]
    searched = [
        *((p.document, p.location) for p in declared),
        *((document, ()) for document in files),
        *((p.document, p.location[:2]) for p in declared[:1]),
        *((document, ()) for document in loaded.documents.values()),
    ]
    key = refusal.path[-1] == KEY
    value = str(refusal.path[-2]) if key else _text(refusal.value)
    for document, location in searched:
        for written in _values(document, location):
            if written.text == value:
                return written
    for document, location in searched:
        parts = [w for w in _values(document, location) if _part_of(w.text, value)]
        if parts:
            return max(parts, key=lambda w: len(w.text))
    document, location = searched[0]
    return Written(document, location, value)


def _makes(place: Place, resource: PlannedResource) -> bool:
    """Whether a resource comes from a declaration."""
    declaration = place.declaration
    name = next(
        (str(getattr(declaration, f)) for f in ("path", "key", "name") if hasattr(declaration, f)),
        "",
    )
    kind = str(getattr(declaration, "kind", ""))
    if _template(name.removeprefix("/bank/{env}/")).fullmatch(resource.name):
        return True
    own = logical(kind, name)
    return resource.name == own or resource.name.startswith(f"{own}/")


def _template(name: str) -> re.Pattern[str]:
    """A pattern for a name whose placeholders are filled in."""
    literal = (re.escape(part) for part in re.split(PLACEHOLDER.pattern.replace("(", "(?:"), name))
    return re.compile(".*".join(literal))


def _part_of(text: str, value: str) -> bool:
    plain = PLACEHOLDER.sub("", text)
    return len(plain) >= _SHORTEST_MATCH and _template(text).search(value) is not None


def _values(document: Document, location: Location) -> Iterator[Written]:
    data: Any = document.data
    for part in location:
        data = data[part]
    yield from _scalars(document, data, location)


def _scalars(document: Document, data: Any, here: Location) -> Iterator[Written]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _scalars(document, value, (*here, key))
    elif isinstance(data, list):
        if data and all(isinstance(item, str) for item in data):
            yield Written(document, here, ",".join(data))
        for number, value in enumerate(data):
            yield from _scalars(document, value, (*here, number))
    elif data is not None:
        yield Written(document, here, _text(data))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()
