"""Checks of all secrets of an environment: there, filled, fresh, tagged, encrypted, closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from botocore.exceptions import ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.secrets import reader_arns
from totara_infra.model.vocabulary import KeyClass, Rotation
from totara_infra.operations.checks import Result, failed, passed, skipped
from totara_infra.operations.checks.result import put_back
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.exposure import account, exposures, secret_target
from totara_infra.operations.secrets.filling import rotation_function
from totara_infra.operations.secrets.inventory import (
    PARALLEL,
    Standing,
    State,
    command,
    entries,
    standings,
)
from totara_infra.operations.secrets.policies import Document, Principal
from totara_infra.operations.secrets.readers import (
    Readers,
    key_policies,
    principals,
    readers,
    secret_policy,
)


def audit(live: Live, blueprint: Blueprint, now: datetime) -> list[Result]:
    """Check every secret of an environment.

    Args:
        live: access to the environment.
        blueprint: what the environment consists of.
        now: the time against which rotation is measured, with a time zone.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    found = standings(live, list(entries(blueprint).values()), blueprint.scope.env, now)
    rotates = rotation_function(live, blueprint) is not None
    keys = _keys(live, blueprint)
    there = [s for s in found if s.live and s.state is not State.TO_BE_DELETED]
    everybody = principals(live)
    documents = key_policies(live, list(keys.values()))
    with ThreadPoolExecutor(PARALLEL) as executor:
        policies = dict(
            zip(
                [s.entry.path for s in there],
                executor.map(lambda s: secret_policy(live, s.entry.path), there),
                strict=True,
            )
        )
    results = [r for s in found for r in _presence(blueprint, s)]
    targets = []
    for standing in there:
        path, key = standing.entry.path, keys.get(standing.entry.secret.key_class, "")
        results += _rotation(blueprint, standing, rotates)
        results += _container(blueprint, standing, key)
        results += _access(
            blueprint, standing, everybody, policies[path], (key, documents.get(key, {}))
        )
        targets.append(
            secret_target(
                blueprint.scope,
                standing.entry.secret,
                path,
                standing.live["ARN"],
                policies[path],
                (key, documents.get(key, {})),
                {t["Key"]: t["Value"] for t in standing.live.get("Tags", [])},
            )
        )
    deployed = account(live, blueprint, everybody)
    return [*results, *exposures(blueprint.scope, deployed, targets)]


def _keys(live: Live, blueprint: Blueprint) -> dict[KeyClass, str]:
    """The deployed key of each class, by the alias that the blueprint gives it."""
    found: dict[KeyClass, str] = {}
    for key_class in KeyClass:
        alias = blueprint.resources.get(f"key/{key_class}/alias")
        if alias is None:
            continue
        name = alias.properties["name"]
        with explained(f"looking up {name}"):
            try:
                answer = live.client("kms").describe_key(KeyId=name)
                found[key_class] = answer["KeyMetadata"]["Arn"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "NotFoundException":
                    raise
    return found


def _presence(blueprint: Blueprint, standing: Standing) -> Iterator[Result]:
    path, secret = standing.entry.path, standing.entry.secret
    if standing.state is State.ABSENT:
        fix = f"Run {put_back(blueprint.scope.settings)}, which makes it."
        yield failed("secret there", path, "a container", "nothing", fix)
        return
    if standing.state is State.TO_BE_DELETED:
        found = f"deleted, gone for good on {standing.goes:%Y-%m-%d}"
        fix = f"Bring it back: {command(blueprint.scope.settings, 'put', path, '--restore')}"
        yield failed("secret there", path, "a container", found, fix)
        return
    yield passed("secret there", path)
    if standing.filled:
        yield passed("secret value", path)
    elif secret.required:
        fix = f"Fill it: {command(blueprint.scope.settings, 'put', path)}"
        yield failed("secret value", path, "a value", "an empty container", fix)
    else:
        yield skipped("secret value", path, "It is empty, and not required.")


def _rotation(blueprint: Blueprint, standing: Standing, rotates: bool) -> Iterator[Result]:
    path, secret = standing.entry.path, standing.entry.secret
    if not standing.filled or secret.rotation_days is None:
        return
    if standing.state is State.OVERDUE:
        yield failed(
            "secret rotation",
            path,
            f"a value of at most {secret.rotation_days} days",
            f"one of {standing.changed:%Y-%m-%d}",
            f"Get a new one and store it: {command(blueprint.scope.settings, 'put', path)}",
        )
        return
    if secret.rotation is Rotation.AUTOMATIC:
        if not standing.live.get("RotationEnabled"):
            if rotates:
                fix = f"Attach it: {command(blueprint.scope.settings, 'schedule')}"
                yield failed("secret rotation", path, "a rotation schedule", "none", fix)
            else:
                why = "MOD-045's function is not deployed yet, so nothing rotates."
                yield skipped("secret rotation", path, why)
            return
        rules = standing.live.get("RotationRules") or {}
        days = rules.get("AutomaticallyAfterDays")
        if days is not None and days > secret.rotation_days:
            fix = f"Attach it anew: {command(blueprint.scope.settings, 'put', path)}"
            expected = f"every {secret.rotation_days} days"
            yield failed("secret rotation", path, expected, f"every {days} days", fix)
            return
    yield passed("secret rotation", path)


def _container(blueprint: Blueprint, standing: Standing, key: str) -> Iterator[Result]:
    path, env = standing.entry.path, blueprint.scope.env
    mend = f"Somebody changed it: run {put_back(blueprint.scope.settings)}."
    tag = next((t["Value"] for t in standing.live.get("Tags", []) if t["Key"] == "env"), None)
    if tag == env:
        yield passed("secret tag", path)
    else:
        yield failed("secret tag", path, f"tag env = {env}", str(tag or "no such tag"), mend)
    used = str(standing.live.get("KmsKeyId") or "AWS's own key")
    # A key can be given as its ARN or by its id alone.
    if key and (used == key or key.endswith(f":key/{used}")):
        yield passed("secret key", path)
    else:
        expected = f"the key of class {standing.entry.secret.key_class} ({key or 'not there'})"
        yield failed("secret key", path, expected, used, mend)


def _access(
    blueprint: Blueprint,
    standing: Standing,
    everybody: Sequence[Principal],
    policy: Document | None,
    key: tuple[str, Document],
) -> Iterator[Result]:
    path, scope = standing.entry.path, blueprint.scope
    found = readers(blueprint, standing, everybody, policy, key)
    named = reader_arns(scope, standing.entry.secret)
    may = ", ".join(_short(arn) for arn in named)
    wrong = [f"no role {_short(a)}" for a in found.missing]
    wrong += [f"{_short(a)} lacks {lack}" for a, lack in sorted(found.locked_out.items())]
    if wrong:
        fix = (
            f"Run {put_back(scope.settings)}; in a stack that finds its roles ready made, correct "
        )
        fix += "the role."
        yield failed("secret readers", path, f"readable for {may}", "; ".join(wrong), fix)
    else:
        yield passed("secret readers", path)
    yield _closed(found, path, may, put_back(scope.settings))


def _closed(found: Readers, path: str, may: str, back: str) -> Result:
    if not found.intruders:
        return passed("secret closed", path)
    others = ", ".join(_short(arn) for arn in found.intruders)
    fix = f"Run {back}, which puts the policy back."
    return failed("secret closed", path, f"nobody but {may}", f"{others} may read it too", fix)


def _short(arn: str) -> str:
    return arn.split(":", 5)[-1].removeprefix("role/")
