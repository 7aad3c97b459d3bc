"""What was moved, renamed or split between what was applied last and what is planned now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from totara_infra.blueprint.app_config import switched_modules
from totara_infra.blueprint.blueprint import Blueprint, marker_path
from totara_infra.blueprint.parameters import TYPE as PARAMETER
from totara_infra.blueprint.secrets import TYPE as SECRET
from totara_infra.blueprint.secrets import container_paths
from totara_infra.model.declarations import Parameter

_DEPLOYMENT = "deployment/"
"""Beginning of the logical names of markers and gates."""


class MoveKind(StrEnum):
    """What became of something."""

    DOMAIN = "module to another domain"
    RENAMED = "module renamed"
    SPLIT = "module split"
    PASSED = "passed to another module"
    PARAMETER = "path of a parameter"
    SECRET = "path of a secret"


@dataclass(frozen=True)
class Applied:
    """A tagged resource as it was applied or is planned.

    Attributes:
        type: Pulumi's type token.
        name: logical name.
        path: name in AWS, where it has one.
        module: id in its tags.
        domain: id in its tags.
        description: as AWS keeps it.
        value: of a parameter; empty for everything else, and where it is known only to AWS.
    """

    type: str
    name: str
    path: str
    module: str
    domain: str
    description: str
    value: str


@dataclass(frozen=True)
class Move:
    """Something that goes on under another parent or name.

    Attributes:
        before: id, path or name that it had.
        after: id, path or name that it has.
        what: what was changed, in a sentence.
        effect: what the update does about it, and what has to follow.
        write: what to write in the catalogue first; empty where nothing is missing.
    """

    kind: MoveKind
    before: str
    after: str
    what: str
    effect: str
    write: str = ""


def planned(blueprint: Blueprint) -> list[Applied]:
    """The tagged resources of a blueprint."""
    return [
        _applied(r.type, r.name, r.properties, r.properties.get("insecure_value"))
        for r in blueprint.resources.values()
        if r.properties.get("tags")
    ]


def applied(resources: Iterable[Mapping[str, Any]]) -> list[Applied]:
    """The tagged resources of a state.

    Args:
        resources: as the engine writes them into a deployment.
    """
    return [
        _applied(
            r["type"],
            r["urn"].split("::", 3)[3],
            r["inputs"],
            r["inputs"].get("insecureValue", r["inputs"].get("value")),
        )
        for r in resources
        if r.get("custom") and isinstance(r.get("inputs", {}).get("tags"), Mapping)
    ]


def _applied(kind: str, name: str, properties: Mapping[str, Any], value: object) -> Applied:
    tags = properties["tags"]
    return Applied(
        kind,
        name,
        str(properties.get("name", "")),
        str(tags.get("module_id", "")),
        str(tags.get("system_id", "")),
        str(properties.get("description", "")),
        value if isinstance(value, str) and kind == PARAMETER else "",
    )


def moves(before: Iterable[Applied], after: Blueprint) -> list[Move]:
    """What was moved, renamed or split, in the order of the modules.

    Args:
        before: what was applied last, or the plan of an earlier revision.
        after: the plan.
    """
    old = {(a.type, a.name): a for a in before}
    new = {(a.type, a.name): a for a in planned(after)}
    return [
        *_domains(old, new, after),
        *_modules(old, new, after),
        *_parameters(old, new, after),
        *_secrets(old, new, after),
    ]


_Known = Mapping[tuple[str, str], Applied]


def _domains(old: _Known, new: _Known, after: Blueprint) -> Iterator[Move]:
    count: Counter[tuple[str, str, str]] = Counter()
    for key, now in new.items():
        was = old.get(key)
        if was is not None and was.module == now.module and was.domain != now.domain:
            count[now.module, was.domain, now.domain] += 1
    catalogue = after.scope.catalogue
    for (module, was_in, is_in), number in sorted(count.items()):
        effect = f"{_stay(number)} tags change."
        if catalogue.modules[module].settings and was_in in catalogue.domain:
            effect += (
                f" Its settings move from {catalogue.domain[was_in].repository} to "
                f"{catalogue.domain[is_in].repository} in AppConfig: deploy {module} again right "
                "after the update."
            )
        yield Move(
            MoveKind.DOMAIN, was_in, is_in, f"{module} moves from {was_in} to {is_in}.", effect
        )


def _modules(old: _Known, new: _Known, after: Blueprint) -> Iterator[Move]:
    passed: dict[tuple[str, str], int] = Counter()
    for key, now in new.items():
        was = old.get(key)
        if was is not None and was.module != now.module and not now.name.startswith(_DEPLOYMENT):
            passed[was.module, now.module] += 1
    markers = {a.module: a for a in old.values() if _is_marker(a)}
    fresh = {a.module: a for a in new.values() if _is_marker(a) and a.module not in markers}
    gone = {m: a for m, a in markers.items() if m not in after.scope.catalogue.modules}
    renamed = _renamed(passed, gone, fresh)
    for former, present in sorted({*passed, *renamed.items()}):
        number = passed.get((former, present), 0)
        stay = f"{_stay(number)} tags change."
        if renamed.get(former) == present:
            env = after.scope.env
            effect = (
                f"{stay} Its marker {marker_path(env, former)} is replaced by "
                f"{marker_path(env, present)}."
            )
            if present in switched_modules(after.scope):
                effect += f" Its switch is now {present}.enabled: deploy it again after the update."
            yield Move(
                MoveKind.RENAMED, former, present, f"{former} is called {present} now.", effect
            )
        elif present in fresh:
            what = f"{present} is split off {former}."
            yield Move(
                MoveKind.SPLIT, former, present, what, f"{stay} {present} gets a marker of its own."
            )
        else:
            yield Move(
                MoveKind.PASSED,
                former,
                present,
                f"Resources pass from {former} to {present}.",
                stay,
            )


def _renamed(
    passed: Mapping[tuple[str, str], int],
    gone: Mapping[str, Applied],
    fresh: Mapping[str, Applied],
) -> dict[str, str]:
    """Id of a module that is gone -> its new id: by title, else by whoever took the most."""
    titles = Counter(a.description for a in fresh.values())
    found = {
        was: now
        for was, marker in gone.items()
        for now, other in fresh.items()
        if other.description == marker.description and titles[other.description] == 1
    }
    takers: dict[str, dict[str, int]] = defaultdict(dict)
    for (was, now), number in passed.items():
        if was in gone and was not in found and now in fresh:
            takers[was][now] = number
    return found | {was: max(sorted(of), key=of.__getitem__) for was, of in takers.items()}


def _parameters(old: _Known, new: _Known, after: Blueprint) -> Iterator[Move]:
    readers = _readers(after)
    for was, now in _renamed_paths(old, new, PARAMETER):
        if was.value == now.value:
            value = "the same value"
        elif was.value and now.value:
            value = f"the value {now.value} instead of {was.value}"
        else:
            value = "its value"
        effect = f"The new one is made with {value}, then the old one is deleted."
        if who := readers.get(now.path):
            effect += f" Deploy its readers again right after the update: {who}."
        yield Move(MoveKind.PARAMETER, was.path, now.path, _is_now(was, now), effect)


def _readers(after: Blueprint) -> dict[str, str]:
    scope = after.scope
    found = {}
    for module in scope.catalogue.modules.values():
        for parameter in module.parameters:
            for path in _paths(after, parameter):
                readers = parameter.readers
                names = "all modules" if readers == "all" else ", ".join(scope.modules_of(readers))
                found[path] = names
    return found


def _paths(after: Blueprint, declaration: Parameter) -> set[str]:
    scope = after.scope
    return {scope.fill(declaration.path, tenant.client_id) for tenant in scope.tenants}


def _secrets(old: _Known, new: _Known, after: Blueprint) -> Iterator[Move]:
    words = after.scope.settings.command_words
    kept = {
        before: path
        for module in after.scope.catalogue.modules.values()
        for secret in module.secrets
        for path, before in container_paths(after.scope, secret)
        if before is not None
    }
    by_path = {a.path: a for a in new.values() if a.type == SECRET}
    for former, path in kept.items():
        if former in by_path and path in by_path:
            effect = (
                f"Both containers stay. `totara secrets move {words}` copies the value after the "
                "update; remove `previously:` once every reader is deployed with the new path."
            )
            yield Move(
                MoveKind.SECRET, former, path, _is_now(by_path[former], by_path[path]), effect
            )
    for was, now in _renamed_paths(old, new, SECRET):
        if (now.type, now.name) in old:
            effect = "The old container is deleted. Its value must have been moved before."
            yield Move(MoveKind.SECRET, was.path, now.path, _is_now(was, now), effect)
            continue
        declared = was.path.replace(f"/bank/{after.scope.env}/", "/bank/{env}/", 1)
        yield Move(
            MoveKind.SECRET,
            was.path,
            now.path,
            _is_now(was, now),
            "The new container would be empty and the old one deleted with its value: "
            "`totara up` refuses that.",
            f"`previously: {declared}` under the secret's `path:` in {now.module}",
        )


def _renamed_paths(old: _Known, new: _Known, kind: str) -> Iterator[tuple[Applied, Applied]]:
    """Pairs of what is gone and what stands for it now: the same words, or the same last part.

    What is there already may stand for it too: an update may have stopped between the two.
    """
    gone = [a for k, a in old.items() if a.type == kind and k not in new and not _deployment(a)]
    there = [a for a in new.values() if a.type == kind and not _deployment(a)]
    said = Counter(a.description for a in there)
    told = Counter(a.description for a in gone)
    for was in gone:
        same = [a for a in there if a.description == was.description]
        if len(same) == 1 and said[was.description] == told[was.description] == 1:
            yield was, same[0]
            continue
        last = was.path.rsplit("/", 1)[-1]
        alike = [
            a
            for a in there
            if (a.type, a.name) not in old
            and a.module == was.module
            and a.path.rsplit("/", 1)[-1] == last
        ]
        if len(alike) == 1:
            yield was, alike[0]


def _deployment(resource: Applied) -> bool:
    return resource.name.startswith(_DEPLOYMENT)


def _is_marker(resource: Applied) -> bool:
    return resource.type == PARAMETER and resource.name == (
        f"{_DEPLOYMENT}{resource.module.lower()}"
    )


def _is_now(was: Applied, now: Applied) -> str:
    return f"{was.path} is {now.path} now."


def _stay(number: int) -> str:
    if number == 1:
        return "1 resource stays in AWS as it is;"
    return f"{number} resources stay in AWS as they are;"
