"""Carries the values of secrets over to their new paths, straight from container to container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.secrets import TYPE
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.filling import attach_rotation
from totara_infra.operations.secrets.inventory import CURRENT, command, current_since, entries
from totara_infra.operations.secrets.versions import version_at, write


class LostValueError(TotaraError):
    """An update would delete the only container that has a value of a secret."""

    exit_code = 1


class Outcome(StrEnum):
    """What became of the value of a secret that has two paths."""

    COPIED = "copied to the new path"
    COPIED_BACK = "copied to the old path, which had an older value"
    SAME = "the same at both paths"
    EMPTY = "there is no value at either path"


@dataclass(frozen=True)
class Moved:
    """One secret with its former and its present path."""

    before: str
    path: str
    outcome: Outcome


def move(live: Live, blueprint: Blueprint, *, dry_run: bool = False) -> Iterator[Moved]:
    """Give both containers of each secret that has a former path the newer of their values.

    So the same command serves the way there and the way back, and can be run again.

    Args:
        live: access to the environment, by somebody who may read these secrets.
        blueprint: what the environment consists of.
        dry_run: change nothing.

    Raises:
        UsageError: no secret has a former path, or a container is not there yet.
        AwsRefusedError: AWS does not answer or refuses.
    """
    settings = blueprint.scope.settings
    moving = [e for e in entries(blueprint).values() if e.previously is not None]
    if not moving:
        raise UsageError(
            "No secret of this environment has a former path. Write `previously: OLD_PATH` under "
            "the secret's `path:` in the catalogue, then `totara up "
            f"{settings.command_words}`, then run this again."
        )
    _require_containers(live, blueprint, [p for e in moving for p in (e.path, e.previously or "")])
    for entry in moving:
        before = entry.previously or ""
        old, new = version_at(live, before), version_at(live, entry.path)
        if old is None and new is None:
            outcome = Outcome.EMPTY
        elif old is not None and new is not None and old.value == new.value:
            outcome = Outcome.SAME
        elif old is not None and (new is None or new.since < old.since):
            outcome = Outcome.COPIED
            if not dry_run:
                write(live, entry.path, old.value)
                list(attach_rotation(live, blueprint, entry))
        else:
            assert new is not None
            outcome = Outcome.COPIED_BACK
            if not dry_run:
                write(live, before, new.value)
        yield Moved(before, entry.path, outcome)


def _require_containers(live: Live, blueprint: Blueprint, paths: list[str]) -> None:
    there = _containers(live, blueprint.scope.env)
    missing = [path for path in paths if path not in there]
    if missing:
        raise UsageError(
            f"There is no container yet at {', '.join(missing)}. "
            f"`totara up {blueprint.scope.settings.command_words}` makes it; then run this again."
        )


def guard_values(live: Live, blueprint: Blueprint) -> None:
    """Refuse an update that deletes a secret with a value and makes it anew at another path.

    The engine would make the new container empty, and delete the old one with its value. That
    they are one secret is told by what they say of themselves, their descriptions.

    Raises:
        LostValueError: names each pair and what to write.
        AwsRefusedError: AWS does not answer.
    """
    scope = blueprint.scope
    there = _containers(live, scope.env)
    declared = {
        str(r.properties["name"]): str(r.properties["description"])
        for r in blueprint.resources.values()
        if r.type == TYPE
    }
    new = {text: path for path, text in declared.items() if path not in there}
    lines = []
    for path, container in there.items():
        text = container.get("Description", "")
        if path not in declared and text in new and _filled(live, container):
            former = path.replace(f"/bank/{scope.env}/", "/bank/{env}/", 1)
            lines.append(f"  - {new[text]} was {path}: write `previously: {former}`")
    if lines:
        settings = scope.settings
        raise LostValueError(
            f"Refused: in {scope.env} secrets have got another path. This update would delete "
            "their old containers, and the values with them:\n" + "\n".join(lines) + "\n"
            "With that line under the secret's `path:` both containers stay. "
            f"`totara up {settings.command_words}`, then `{command(settings, 'move')}`, which "
            "copies the values; once every reader is deployed with the new path, remove the line."
        )


def _containers(live: Live, env: str) -> dict[str, Mapping[str, Any]]:
    """Every container of an environment that is not being deleted, by path."""
    paginator = live.client("secretsmanager").get_paginator("list_secrets")
    with explained("reading the list of secrets"):
        pages = list(paginator.paginate(Filters=[{"Key": "name", "Values": [f"/bank/{env}/"]}]))
    return {
        secret["Name"]: secret
        for page in pages
        for secret in page["SecretList"]
        if not secret.get("DeletedDate")
    }


def _filled(live: Live, container: Mapping[str, Any]) -> bool:
    """Whether a container has a value, without a call for which the pipeline has no right."""
    if live.settings.emulated:
        # MiniStack gives an empty container a current version without a value.
        return current_since(live, container["Name"]) is not None
    labels = (container.get("SecretVersionsToStages") or {}).values()
    return any(CURRENT in stages for stages in labels)
