"""Puts values into secrets: one by one, made here, or throwaway ones.

A value travels as pydantic's `SecretStr`, which prints as asterisks wherever it ends up by
mistake, and goes to AWS and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from pydantic import SecretStr

from totara_infra.blueprint import Blueprint
from totara_infra.model.problems import UsageError
from totara_infra.model.vocabulary import Rotation, SecretFormat
from totara_infra.operations.live import Live
from totara_infra.operations.secrets import formats
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.inventory import (
    PARALLEL,
    THROWAWAY,
    Entry,
    Standing,
    State,
    command,
    entries,
    standings,
)

ROTATION_FUNCTION = "/bank/{env}/secrets-key-management/rotation-function-arn"
"""Parameter in which MOD-045 says which function rotates."""


def standing_of(live: Live, blueprint: Blueprint, entry: Entry) -> Standing:
    """How one secret stands in AWS."""
    return standings(live, [entry], blueprint.scope.env, datetime.now(UTC))[0]


def require_place(blueprint: Blueprint, standing: Standing, restore: bool) -> None:
    """Refuse a secret that can't take a value.

    Raises:
        UsageError: there is no container, or it is deleted and nobody asked to restore it.
    """
    path = standing.entry.path
    if standing.state is State.ABSENT:
        settings = blueprint.scope.settings
        raise UsageError(
            f"There is no container {path} in AWS yet: `totara up {settings.environment}` makes "
            "them all, before the first gate asks for values."
        )
    if standing.state is State.TO_BE_DELETED and not restore:
        raise UsageError(
            f"{path} was deleted and is gone for good on {standing.goes:%Y-%m-%d}; until then its "
            "name is taken. Say --restore to bring it back and fill it."
        )


def put(
    live: Live, blueprint: Blueprint, entry: Entry, value: SecretStr, *, restore: bool = False
) -> list[str]:
    """Store a value in a secret and attach its rotation, where the catalogue has one.

    Args:
        live: access to the environment.
        blueprint: what the environment consists of.
        entry: the secret.
        value: what to store.
        restore: bring the secret back first if it is deleted.

    Returns:
        What was done, in sentences.

    Raises:
        UsageError: the value has another format than the catalogue says, or the secret can't
            take one.
        AwsRefusedError: AWS does not take it.
    """
    wrong = formats.fault(entry.secret.format, value.get_secret_value())
    if wrong is not None:
        raise UsageError(
            f"{entry.path} was not changed: {wrong}. The catalogue wants {entry.secret.content} "
            f"({entry.secret.format})."
        )
    standing = standing_of(live, blueprint, entry)
    require_place(blueprint, standing, restore)
    return [*store(live, standing, value), *attach_rotation(live, blueprint, entry)]


def store(
    live: Live, standing: Standing, value: SecretStr, *, throwaway: bool = False
) -> Iterator[str]:
    """Restore a secret where that is needed and write its value, already checked.

    A throwaway value is labelled as one, so that nobody takes it for a third party's.
    """
    client, path = live.client("secretsmanager"), standing.entry.path
    if standing.state is State.TO_BE_DELETED:
        with explained(f"restoring {path}"):
            client.restore_secret(SecretId=path)
        yield f"{path}: restored."
    with explained(f"storing {path}"):
        written = client.put_secret_value(SecretId=path, SecretString=value.get_secret_value())
        if throwaway:
            client.update_secret_version_stage(
                SecretId=path, VersionStage=THROWAWAY, MoveToVersionId=written["VersionId"]
            )
    yield f"{path}: {'replaced' if standing.filled else 'filled'}."


def current_value(live: Live, path: str) -> SecretStr:
    """The current value of a filled secret, only to compare with."""
    with explained(f"reading {path} to compare"):
        answer = live.client("secretsmanager").get_secret_value(SecretId=path)
    return SecretStr(answer.get("SecretString", ""))


def generate(
    live: Live, blueprint: Blueprint, entry: Entry, *, replace: bool = False, restore: bool = False
) -> tuple[list[str], str | None]:
    """Make a new value here and store it.

    Args:
        live: access to the environment.
        blueprint: what the environment consists of.
        entry: a secret of a format that we make ourselves.
        replace: also where there is a value already.
        restore: bring the secret back first if it is deleted.

    Returns:
        What was done, and of a key pair the public half as PEM.

    Raises:
        UsageError: somebody else issues this secret, or it has a value already.
    """
    form = entry.secret.format
    if form not in formats.GENERATED:
        raise UsageError(
            f"{entry.path} holds {entry.secret.content}: whoever issues it makes it, we can't. "
            f"Store what you were given: {command(blueprint.scope.settings, 'put', entry.path)}"
        )
    standing = standing_of(live, blueprint, entry)
    if standing.filled and not replace:
        raise UsageError(
            f"{entry.path} has a value already, which its readers use. Say --replace to put a new "
            "one in its place."
        )
    value = SecretStr(formats.generated(form))
    done = put(live, blueprint, entry, value, restore=restore)
    if form is SecretFormat.PRIVATE_KEY_PEM:
        return done, formats.public_half(value.get_secret_value())
    return done, None


def seed(live: Live, blueprint: Blueprint) -> Iterator[str]:
    """Fill every empty secret of an emulated environment with a throwaway value.

    Raises:
        UsageError: the environment is a real one, or its containers are not there yet.
    """
    settings = blueprint.scope.settings
    if not settings.emulated:
        raise UsageError(
            f"`{settings.environment}` is no emulated environment: throwaway values would look "
            f"like credentials there. Rehearse it (`totara secrets seed {settings.environment} "
            f"--rehearse`), or fill it: `totara secrets import {settings.environment} FILE`."
        )
    found = standings(live, list(entries(blueprint).values()), settings.environment.value, _now())
    for standing in found:
        require_place(blueprint, standing, restore=True)
    empty = [s for s in found if not s.filled]

    def fill(standing: Standing) -> list[str]:
        entry = standing.entry
        value = SecretStr(formats.throwaway(entry.secret, entry.path))
        return list(store(live, standing, value, throwaway=True))

    with ThreadPoolExecutor(PARALLEL) as executor:
        for lines in executor.map(fill, empty):
            yield from lines
    kept = len(found) - len(empty)
    yield f"{len(empty)} secrets filled with throwaway values, {kept} had one already."


def attach_rotation(live: Live, blueprint: Blueprint, entry: Entry) -> list[str]:
    """Let MOD-045's function rotate a filled secret, if the catalogue says so and it is there.

    The first rotation comes after the full period, not at once.

    Returns:
        What was done, in sentences; nothing where the catalogue has no automatic rotation.
    """
    if entry.secret.rotation is not Rotation.AUTOMATIC:
        return []
    function = rotation_function(live, blueprint)
    if function is None:
        return [f"{entry.path}: not rotated yet, as MOD-045's function is not deployed."]
    days = entry.secret.rotation_days
    with explained(f"attaching rotation to {entry.path}"):
        live.client("secretsmanager").rotate_secret(
            SecretId=entry.path,
            RotationLambdaARN=function,
            RotationRules={"AutomaticallyAfterDays": days},
            RotateImmediately=False,
        )
    return [f"{entry.path}: rotated every {days} days."]


def attach_all(live: Live, blueprint: Blueprint) -> Iterator[str]:
    """Attach rotation to every filled secret that should have it and has none.

    Raises:
        UsageError: MOD-045's function is not deployed.
    """
    wanted = [e for e in entries(blueprint).values() if e.secret.rotation is Rotation.AUTOMATIC]
    found = standings(live, wanted, blueprint.scope.env, _now())
    due = [s.entry for s in found if s.filled and not s.live.get("RotationEnabled")]
    if due and rotation_function(live, blueprint) is None:
        path = blueprint.scope.fill(ROTATION_FUNCTION)
        raise UsageError(f"MOD-045 has not been deployed: its function's ARN is not at {path}.")
    for entry in due:
        yield from attach_rotation(live, blueprint, entry)
    yield f"Rotation attached to {len(due)} secrets."


def rotation_function(live: Live, blueprint: Blueprint) -> str | None:
    """ARN of the function that rotates, once MOD-045's pipeline has published it."""
    path = blueprint.scope.fill(ROTATION_FUNCTION)
    with explained(f"reading {path}"):
        try:
            found: Any = live.client("ssm").get_parameter(Name=path)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise
    value: str = found["Parameter"]["Value"]
    return value


def _now() -> datetime:
    return datetime.now(UTC)
