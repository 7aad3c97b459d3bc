"""Which secrets an environment has to have, and in which state each of them is. Never a value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.secrets import container_paths, needs
from totara_infra.model.declarations import Secret
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import StackSettings
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained

CURRENT = "AWSCURRENT"
THROWAWAY = "THROWAWAY"
"""Label of a value that `totara secrets seed` made up."""
PARALLEL = 8
"""Calls side by side: far under the 50 a second that ListSecretVersionIds and its like allow."""


_PATH = re.compile(r"/bank/[a-z]+(/[a-z][a-z0-9-]{0,62}){2,4}")


class State(StrEnum):
    """How a secret stands in AWS."""

    ABSENT = "absent"
    """There is no container of that name."""
    EMPTY = "empty"
    """The container has no current value."""
    FILLED = "filled"
    OVERDUE = "overdue"
    """Filled, but its value is older than the catalogue allows."""
    TO_BE_DELETED = "to be deleted"
    """Deleted, and still within its recovery window: the name is taken."""


@dataclass(frozen=True)
class Entry:
    """A secret that an environment has.

    Attributes:
        path: its full name.
        module: id of the module that declares it.
        secret: its declaration.
        tenants: client ids of those that need it.
        previously: full name that it had before, where its container stays until it is moved.
    """

    path: str
    module: str
    secret: Secret
    tenants: tuple[str, ...]
    previously: str | None = None


@dataclass(frozen=True)
class Standing:
    """An entry as AWS has it.

    Attributes:
        changed: when the current value was written.
        goes: when a deleted one is gone for good.
        live: what AWS says of the container, as DescribeSecret answers.
    """

    entry: Entry
    state: State
    changed: datetime | None = None
    goes: datetime | None = None
    live: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def filled(self) -> bool:
        """Whether there is a value that can be read."""
        return self.state in (State.FILLED, State.OVERDUE)

    @property
    def due(self) -> datetime | None:
        """When the next rotation has to have happened, where the catalogue gives a period."""
        days = self.entry.secret.rotation_days
        return self.changed + timedelta(days=days) if self.changed and days else None


def entries(blueprint: Blueprint) -> dict[str, Entry]:
    """The secrets of an environment by path, in the order of the modules."""
    scope = blueprint.scope
    found: dict[str, Entry] = {}
    for module_id in blueprint.sequence.module:
        for secret in scope.catalogue.modules[module_id].secrets:
            for path, before in container_paths(scope, secret):
                tenants = tuple(
                    t.client_id
                    for t in scope.tenants
                    if needs(t, secret) and scope.fill(secret.path, t.client_id) == path
                )
                found[path] = Entry(path, module_id, secret, tenants, before)
    return found


def entry_at(blueprint: Blueprint, path: str) -> Entry:
    """The entry of a path; the part after `/bank/{env}/` will do.

    Raises:
        UsageError: the catalogue has no such secret here; names the nearest.
    """
    known = entries(blueprint)
    prefix = f"/bank/{blueprint.scope.env}/"
    full = path if path.startswith("/") else prefix + path
    if full in known:
        return known[full]
    if not looks_like_path(full):
        raise UsageError(
            "The second word must be the path of a secret; it is not repeated here, as it could "
            "be a value. `totara secrets list` shows the paths. A value goes in by prompt, "
            "standard input or --fd; if it has been typed as an argument, replace it: your shell "
            "and the list of processes have shown it."
        )
    raise UsageError(unknown_path(full, known))


def looks_like_path(text: str) -> bool:
    """Whether a text may be repeated in a message: anything but a path could be a value."""
    return _PATH.fullmatch(text) is not None


def unknown_path(path: str, known: Mapping[str, Entry]) -> str:
    """One sentence for a path that no secret has, with the nearest ones."""
    near = difflib.get_close_matches(path, known, n=3, cutoff=0.6)
    hint = f"The nearest: {', '.join(near)}" if near else "`totara secrets list` shows them all"
    return f"The catalogue has no secret `{path}` in this environment. {hint}."


def standings(live: Live, chosen: Sequence[Entry], env: str, now: datetime) -> list[Standing]:
    """How secrets stand in AWS.

    Args:
        live: access to the environment.
        chosen: the entries to look at.
        env: name of the environment, as it enters paths.
        now: the time against which rotation is measured, with a time zone.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    client = live.client("secretsmanager")
    listed: dict[str, Mapping[str, Any]] = {}
    with explained("reading the list of secrets"):
        for page in client.get_paginator("list_secrets").paginate(
            IncludePlannedDeletion=True,
            Filters=[{"Key": "name", "Values": [f"/bank/{env}/"]}],
        ):
            listed |= {s["Name"]: s for s in page["SecretList"]}

    def standing(entry: Entry) -> Standing:
        container = listed.get(entry.path)
        if container is None:
            return Standing(entry, State.ABSENT)
        if container.get("DeletedDate"):
            goes = container["DeletedDate"]
            return Standing(entry, State.TO_BE_DELETED, goes=goes, live=container)
        described = client.describe_secret(SecretId=entry.path)
        changed = current_since(live, entry.path)
        if changed is None:
            return Standing(entry, State.EMPTY, live=described)
        filled = Standing(entry, State.FILLED, changed, live=described)
        if filled.due is not None and filled.due < now:
            return Standing(entry, State.OVERDUE, changed, live=described)
        return filled

    with explained("reading the versions of secrets"), ThreadPoolExecutor(PARALLEL) as executor:
        return list(executor.map(standing, chosen))


def current_since(live: Live, path: str) -> datetime | None:
    """When the current value of a secret was written; None where there is none.

    The container's own date of change would do worse: a new tag moves it too.
    """
    if live.settings.emulated:
        # MiniStack gives an empty container a current version without a value; AWS gives none.
        try:
            value = live.client("secretsmanager").get_secret_value(SecretId=path)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        if "SecretString" not in value and "SecretBinary" not in value:
            return None
    version = _current_version(live, path)
    return None if version is None else version["CreatedDate"]


def made_up(live: Live, path: str) -> bool:
    """Whether the current value of a secret is one that `totara secrets seed` made up."""
    version = _current_version(live, path)
    return version is not None and THROWAWAY in version["VersionStages"]


def _current_version(live: Live, path: str) -> dict[str, Any] | None:
    client = live.client("secretsmanager")
    request: dict[str, Any] = {"SecretId": path}
    # boto3 has no paginator for this call.
    while True:
        page = client.list_secret_version_ids(**request)
        for version in page["Versions"]:
            if CURRENT in version.get("VersionStages", []):
                return dict(version)
        if not page.get("NextToken"):
            return None
        request["NextToken"] = page["NextToken"]


def command(settings: StackSettings, verb: str, *words: str) -> str:
    """The `totara secrets` command for this stack, to be named in advice."""
    stack, *flags = settings.command_words.split()
    return " ".join(["totara secrets", verb, stack, *words, *flags])
