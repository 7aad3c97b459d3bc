"""Check of the secrets: the platform's published check 3. No value is shown or kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from totara_infra.blueprint.secrets import reader_arns
from totara_infra.operations.checks import titles
from totara_infra.operations.checks.inspection import Inspection
from totara_infra.operations.checks.result import Result, failed, passed, put_back, skipped
from totara_infra.operations.secrets.inventory import (
    Standing,
    State,
    command,
    current_since,
    standings,
)
from totara_infra.operations.secrets.policies import Document, Principal
from totara_infra.operations.secrets.readers import (
    key_policies,
    principals,
    readers,
    secret_policy,
)


def check(inspection: Inspection) -> Iterator[Result]:
    """Containers are as declared, required ones are filled, and each role can read a sample."""
    if not inspection.secrets:
        return
    keeps = inspection.settings.environment.keeps_state
    required = [e for e in inspection.secrets.values() if e.secret.required] if keeps else []
    samples = _samples(inspection)
    paths = dict.fromkeys([*(e.path for e in required), *samples.values()])
    now, env = datetime.now(UTC), inspection.blueprint.scope.env
    chosen = [inspection.secrets[path] for path in paths]
    there = {s.entry.path: s for s in standings(inspection.live, chosen, env, now)}
    yield from inspection.compared(titles.SECRETS)
    if keeps:
        for entry in required:
            yield from _value(inspection, there[entry.path])
    else:
        why = f"{env} holds throwaway data and starts with empty containers."
        yield skipped("secret value", f"{len(inspection.secrets)} secrets", why)
    yield from _readable(inspection, {arn: there[path] for arn, path in samples.items()})


def _value(inspection: Inspection, standing: Standing) -> Iterator[Result]:
    """Nothing for a container that is gone, which the comparison names."""
    path = standing.entry.path
    if standing.filled:
        yield passed("secret value", path)
    elif standing.state is State.EMPTY:
        settings, before = inspection.blueprint.scope.settings, standing.entry.previously
        if before is not None and current_since(inspection.live, before) is not None:
            # A release must not stop here: nothing reads the new path before it is deployed.
            move = command(settings, "move")
            yield skipped("secret value", path, f"Its value is still at {before}. Run `{move}`.")
            return
        fix = f"Fill it: {command(settings, 'put', path)}"
        yield failed("secret value", path, "a value", "an empty container", fix)


def _samples(inspection: Inspection) -> dict[str, str]:
    """ARN of each domain's role -> path of a secret that it must be able to read."""
    scope = inspection.blueprint.scope
    found: dict[str, str] = {}
    for role in scope.domain_roles.values():
        arn = scope.role_arn(role)
        for path, entry in inspection.secrets.items():
            if arn in reader_arns(scope, entry.secret):
                found[arn] = path
                break
    return found


def _readable(inspection: Inspection, samples: dict[str, Standing]) -> Iterator[Result]:
    """Whether each role can read its sample, decided from the policies that are deployed."""
    live = inspection.live
    there = {a: s for a, s in samples.items() if s.live and s.state is not State.TO_BE_DELETED}
    everybody = principals(live)
    keys = {a: _key_arn(inspection, s) for a, s in there.items()}
    documents = key_policies(live, [key for key in keys.values() if key])
    paths = [s.entry.path for s in there.values()]
    policies = inspection.each(lambda path: secret_policy(live, path), paths)
    for (arn, standing), policy in zip(there.items(), policies, strict=True):
        key = (keys[arn], documents.get(keys[arn], {}))
        yield _sample(inspection, arn, standing, everybody, policy, key)


def _sample(
    inspection: Inspection,
    arn: str,
    standing: Standing,
    everybody: Sequence[Principal],
    policy: Document | None,
    key: tuple[str, Document],
) -> Result:
    found = readers(inspection.blueprint, standing, everybody, policy, key)
    role = arn.rsplit("/", 1)[-1]
    subject = f"{standing.entry.path} for {role}"
    if arn not in found.missing and arn not in found.locked_out:
        return passed("readable secret", subject)
    lacks = f"{role} lacks {found.locked_out[arn]}" if arn in found.locked_out else f"no {role}"
    fix = (
        f"Run {put_back(inspection.settings)}; in a stack that finds its roles ready made, correct "
        "the role."
    )
    return failed("readable secret", subject, f"readable for {role}", lacks, fix)


def _key_arn(inspection: Inspection, standing: Standing) -> str:
    """A key can be given as its ARN or by its id alone; none means AWS's own key."""
    key = str(standing.live.get("KmsKeyId") or "")
    scope = inspection.blueprint.scope
    return key if not key or key.startswith("arn:") else scope.arn("kms", f"key/{key}")
