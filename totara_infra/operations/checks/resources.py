"""Checks of what only has to be as declared: buckets, keys, log groups, topics, roles."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.model.stack import RoleHandling
from totara_infra.operations.checks import alarms, sign_in, titles
from totara_infra.operations.checks.inspection import ROLLED_OUT, Inspection
from totara_infra.operations.checks.result import Result, failed, passed
from totara_infra.operations.drift.reading import unless_gone
from totara_infra.operations.pipeline_roles import policy_faults


def buckets(inspection: Inspection) -> Iterator[Result]:
    """Versions are kept, objects are encrypted with the declared key, nothing is public."""
    return inspection.compared(titles.BUCKETS)


def keys(inspection: Inspection) -> Iterator[Result]:
    """Keys are enabled, rotate, and have their policies and aliases."""
    return inspection.compared(titles.KEYS)


def log_groups(inspection: Inspection) -> Iterator[Result]:
    """Log groups keep events as long as declared."""
    return inspection.compared(titles.LOG_GROUPS)


def topics(inspection: Inspection) -> Iterator[Result]:
    """Topics are encrypted and have their policies."""
    return inspection.compared(titles.TOPICS)


def roles(inspection: Inspection) -> Iterator[Result]:
    """Roles are trusted and allowed what is declared.

    A stack that finds its roles ready made is asked only whether they are there: whoever made
    them decides what they may, but for the policies that the pipeline's bootstrap attaches.
    """
    yield from inspection.compared(titles.ROLES)
    scope = inspection.blueprint.scope
    if scope.settings.roles is RoleHandling.EXISTING:
        iam = inspection.client("iam")
        for name in sorted(_ready_made(inspection)):
            if unless_gone(iam.get_role, "NoSuchEntity", RoleName=name) is not None:
                yield passed("role", name)
            else:
                yield failed(
                    "role",
                    name,
                    "to be there",
                    "nothing",
                    "The pipeline may not make roles: bring this stack up once under the bootstrap "
                    f"identity, with `roles: create` in Pulumi.{scope.settings.stack}.yaml.",
                )
        yield from policy_faults(inspection.live, scope)


def _ready_made(inspection: Inspection) -> set[str]:
    """Names of the roles that resources refer to without the stack making them."""
    prefix = inspection.blueprint.scope.role_arn("")
    return {
        word.removeprefix(prefix)
        for resource in inspection.resources.values()
        for word in _texts(resource.properties)
        if word.startswith(prefix) and "*" not in word
    }


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for item in value.values():
                yield from _texts(item)
        case list() | tuple():
            for item in value:
                yield from _texts(item)


def others(inspection: Inspection) -> Iterator[Result]:
    """Whatever else the blueprint has."""
    rest = {r.type: r.shape for r in inspection.resources.values() if r.shape not in ROLLED_OUT}
    yield from inspection.compared({t: s for t, s in rest.items() if t not in titles.GROUPED})
    kinds = frozenset(r.kind for r in inspection.resources.values()) - sign_in.KINDS - alarms.KINDS
    yield from inspection.compared(titles.FUNCTIONS, kinds=kinds)
