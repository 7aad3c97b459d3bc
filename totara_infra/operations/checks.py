"""Checks of a live environment. Each gives results; none raises for what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint, PlannedResource
from totara_infra.operations.alerts.wiring import links
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.inventory import command, current_since
from totara_infra.resolver.sequence import IDENTITY_BEFORE, SECRETS_STEP

HEALTH_SOURCE = "deployment.healthcheck"
HEALTH_DETAIL_TYPE = "HealthCheck"


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """One check of one thing.

    Attributes:
        check: name of the check.
        subject: what was looked at.
        expected, found: for a failed one.
        fix: how to mend it; for a skipped one, why.
    """

    check: str
    subject: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """One line for people."""
        if self.outcome is Outcome.FAILED:
            return f"{self.subject}: expected {self.expected}, found {self.found}. {self.fix}"
        return f"{self.subject}: {self.outcome}"


Check = Callable[[Live, Blueprint, int], Iterator[Result]]


def passed(check: str, subject: str) -> Result:
    """The thing is as it must be."""
    return Result(check, subject, Outcome.PASSED)


def failed(check: str, subject: str, expected: str, found: str, fix: str) -> Result:
    """The thing is not as it must be."""
    return Result(check, subject, Outcome.FAILED, expected, found, fix)


def checks_of(blueprint: Blueprint, phase: int) -> list[tuple[str, Check]]:
    """The checks that a phase's gate runs."""
    chosen: list[tuple[str, Check]] = [
        ("module markers", _markers),
        ("parameters", _parameters),
        ("alerts", _alerts),
    ]
    if blueprint.phase_of(IDENTITY_BEFORE) == phase:
        chosen += [
            ("event buses", _event_buses),
            ("bucket versioning", _bucket_versioning),
            ("encryption keys", _keys),
        ]
    if blueprint.phase_of(SECRETS_STEP) == phase:
        chosen.append(("secrets manifest", _secrets))
    return chosen


def run_checks(live: Live, blueprint: Blueprint, phase: int) -> list[Result]:
    """Run the checks of a phase side by side.

    A check that can't reach AWS fails with the reason; it never passes by mistake.
    """

    def run(named: tuple[str, Check]) -> list[Result]:
        name, check = named
        try:
            return list(check(live, blueprint, phase))
        except (BotoCoreError, ClientError) as error:
            return [
                failed(
                    name,
                    "AWS",
                    "an answer",
                    str(error),
                    "Check the credentials and the network, then run it again.",
                )
            ]

    with ThreadPoolExecutor(max_workers=4) as executor:
        return [r for results in executor.map(run, checks_of(blueprint, phase)) for r in results]


def _inside(blueprint: Blueprint, phase: int, shape: str) -> Iterator[PlannedResource]:
    for step, resources in blueprint.steps.items():
        if blueprint.phase_of(step) == phase:
            yield from (r for r in resources if r.shape == shape)


def _batches(names: list[str], size: int) -> Iterable[list[str]]:
    return (names[i : i + size] for i in range(0, len(names), size))


def _values(live: Live, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    ssm = live.client("ssm")
    # GetParameters takes ten names.
    for batch in _batches(names, 10):
        found |= {p["Name"]: p["Value"] for p in ssm.get_parameters(Names=batch)["Parameters"]}
    return found


def _markers(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    modules = next(p.modules for p in blueprint.sequence.phases if p.id == phase)
    wanted = {
        blueprint.marker(m).properties["name"]: blueprint.marker(m).properties["insecure_value"]
        for m in modules
    }
    found = _values(live, sorted(wanted))
    for path, digest in wanted.items():
        if found.get(path) == digest:
            yield passed("module marker", path)
        else:
            yield failed(
                "module marker",
                path,
                digest,
                found.get(path, "nothing"),
                "Run the update again; the module before it did not finish.",
            )


def _parameters(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    names = sorted(
        r.properties["name"]
        for r in _inside(blueprint, phase, "Parameter")
        if r.kind == "parameters"
    )
    found = _values(live, names)
    for name in names:
        if name in found:
            yield passed("parameter", name)
        else:
            yield failed(
                "parameter",
                name,
                "a readable parameter",
                "nothing",
                "Somebody removed it: run `pulumi refresh`, then the update again.",
            )


def _alerts(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    """Alarms are present and act on the intake; router and routes take them on to people."""
    for link in links(live, blueprint, phase):
        if link.holds:
            yield passed("alert", link.subject)
        else:
            yield failed("alert", link.subject, link.expected, link.found, link.fix)


def _event_buses(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    for resource in _inside(blueprint, phase, "EventBus"):
        bus = resource.properties["name"]
        answer = live.client("events").put_events(
            Entries=[
                {
                    "EventBusName": bus,
                    "Source": HEALTH_SOURCE,
                    "DetailType": HEALTH_DETAIL_TYPE,
                    "Detail": '{"check": "post-deploy"}',
                }
            ]
        )
        if answer["FailedEntryCount"] == 0:
            yield passed("event bus", bus)
        else:
            entry = answer["Entries"][0]
            yield failed(
                "event bus",
                bus,
                "the probe event taken",
                f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}",
                "Check the bus and its policy; MOD-104 declares both.",
            )


def _bucket_versioning(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    for resource in _inside(blueprint, phase, "Bucket"):
        bucket = resource.properties["bucket"]
        try:
            status = live.client("s3").get_bucket_versioning(Bucket=bucket).get("Status", "off")
        except ClientError as error:
            status = error.response["Error"]["Code"]
        if status == "Enabled":
            yield passed("bucket versioning", bucket)
        else:
            yield failed(
                "bucket versioning",
                bucket,
                "Enabled",
                status,
                "Run `pulumi refresh`, then the update again, which turns it on.",
            )


def _keys(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    for resource in _inside(blueprint, phase, "Alias"):
        alias = resource.properties["name"]
        try:
            key = live.client("kms").describe_key(KeyId=alias)["KeyMetadata"]
            state = key["KeyState"]
        except ClientError as error:
            state = error.response["Error"]["Code"]
        if state == "Enabled":
            yield passed("encryption key", alias)
        else:
            yield failed(
                "encryption key",
                alias,
                "Enabled",
                state,
                "Cancel its deletion or enable it in KMS: what it encrypts can't be read now.",
            )


def _secrets(live: Live, blueprint: Blueprint, phase: int) -> Iterator[Result]:
    del phase
    client = live.client("secretsmanager")
    there: set[str] = set()
    for page in client.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"/bank/{blueprint.scope.env}/"]}]
    ):
        there |= {s["Name"] for s in page["SecretList"]}
    required = {
        blueprint.scope.fill(secret.path, tenant.client_id)
        for module in blueprint.scope.catalogue.modules.values()
        for secret in module.secrets
        if secret.required
        for tenant in blueprint.scope.tenants
    }
    for resource in blueprint.steps[SECRETS_STEP]:
        path = resource.properties["name"]
        if path not in there:
            yield failed(
                "secret",
                path,
                "a container",
                "nothing",
                "Run `pulumi refresh`, then the update again, which makes it; one that was deleted "
                f"comes back with: {command(blueprint, 'put', path, '--restore')}",
            )
        elif (
            not blueprint.scope.settings.environment.keeps_state
            or path not in required
            or current_since(live, path) is not None
        ):
            yield passed("secret", path)
        else:
            yield failed(
                "secret",
                path,
                "a value",
                "an empty container",
                f"Fill it: {command(blueprint, 'put', path)}",
            )
