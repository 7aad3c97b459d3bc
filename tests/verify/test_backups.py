"""How old backups may be, as asked on AWS: its answers are put in, the rest is real."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from tests.verify.test_faults import _Body
from totara_infra.blueprint import plan
from totara_infra.model.vocabulary import Environment, Outcome
from totara_infra.operations.checks import Result, backups
from totara_infra.operations.checks.inspection import WHOLE, Extent, inspect
from totara_infra.operations.live import Live

pytestmark = pytest.mark.engine

NOW = datetime.now(UTC)
BUCKET = "bank-local-backups"
ON = {"S3": True, "DynamoDB": True}


class OnAws(Live):
    """Looks like access to AWS, and leads to the emulator."""

    def __init__(self, environment: Any, settings: Any) -> None:
        super().__init__(settings)
        self._emulated = environment.live

    def client(self, service: str, **options: Any) -> Any:
        return self._emulated.client(service, **options)


@contextmanager
def answering(live: Live, operation: str, content: dict[str, Any]) -> Iterator[None]:
    client, event = live.client("backup"), f"before-send.backup.{operation}"

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {}, _Body(json.dumps(content).encode()))

    client.meta.events.register(event, answer)
    try:
        yield
    finally:
        client.meta.events.unregister(event, answer)


@pytest.fixture
def look(environment):
    """Runs the check as on AWS, in an environment whose exports are made by schedule."""
    scope = environment.blueprint.scope
    stores = scope.catalogue.stores
    exports = stores.exports.model_copy(update={"environments": list(Environment)})
    stores = stores.model_copy(update={"exports": exports})
    settings = scope.settings.model_copy(update={"endpoint": None})
    blueprint = plan(scope.catalogue.model_copy(update={"stores": stores}), settings, scope.tenants)

    def run(
        points: list[dict[str, Any]] = (), services: dict[str, bool] = ON, extent: Extent = WHOLE
    ) -> dict[tuple[str, str], Result]:
        live = OnAws(environment, settings)
        with ExitStack() as stack:
            listed = {"RecoveryPoints": list(points)}
            stack.enter_context(answering(live, "ListRecoveryPointsByBackupVault", listed))
            chosen = {"ResourceTypeOptInPreference": services}
            stack.enter_context(answering(live, "DescribeRegionSettings", chosen))
            inspection = stack.enter_context(inspect(live, blueprint, extent))
            results = list(backups.check(inspection))
        return {(r.check, r.subject): r for r in results}

    return run


def point(bucket: str, age: timedelta, status: str = "COMPLETED") -> dict[str, Any]:
    made = (NOW - age).timestamp()
    return {"ResourceArn": f"arn:aws:s3:::{bucket}", "CreationDate": made, "Status": status}


def test_what_is_new_is_given_time(look) -> None:
    found = look()
    assert found["recovery point", "bucket bank-local-documents"].outcome is Outcome.SKIPPED
    assert "the first one is due by" in found["export", f"s3://{BUCKET}"].fix
    assert not [r for r in found.values() if r.outcome is Outcome.FAILED]


def test_the_newest_recovery_point_counts_if_it_is_whole(look) -> None:
    documents, lake = "bank-local-documents", "bank-local-iceberg"
    day = timedelta(days=1)
    found = look(
        [
            point(documents, 9 * day),
            point(documents, day),
            point(lake, 9 * day),
            point(lake, day, "PARTIAL"),
        ]
    )
    assert found["recovery point", f"bucket {documents}"].outcome is Outcome.PASSED
    late = found["recovery point", f"bucket {lake}"]
    assert late.outcome is Outcome.FAILED
    # A day between two starts, an hour to begin, eight to end.
    assert late.expected == "one of the last 33 hours"
    assert f"{NOW - 9 * day:%Y-%m-%d}" in late.found
    assert "failed jobs" in late.fix


def test_a_service_that_is_not_switched_on_is_named(look) -> None:
    found = look(services={"S3": True, "DynamoDB": False})
    off = found["backup service", "DynamoDB in ap-southeast-2"]
    assert off.outcome is Outcome.FAILED
    assert "DynamoDB=true" in off.fix
    assert found["backup service", "S3 in ap-southeast-2"].outcome is Outcome.PASSED


@pytest.mark.parametrize(("age", "outcome"), [(0, Outcome.PASSED), (3, Outcome.FAILED)])
def test_the_newest_export_counts(environment, look, age, outcome) -> None:
    taken = NOW - timedelta(hours=age)
    key = f"local/backups/{taken:%Y%m%dT%H%M%SZ}-0a0a0a0a.json"
    s3 = environment.live.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    try:
        export = look()["export", f"s3://{BUCKET}"]
    finally:
        s3.delete_object(Bucket=BUCKET, Key=key)
    assert export.outcome is outcome
    if outcome is Outcome.FAILED:
        assert export.expected == "one of the last 2 hours"
        assert "totara backup run local" in export.fix


def test_a_gate_asks_for_no_backup_yet(look) -> None:
    found = look(services={}, extent=Extent(frozenset({1}), gates=False))
    assert {
        r.outcome for (check, _), r in found.items() if check in ("recovery point", "export")
    } == {Outcome.SKIPPED}
    assert not [r for r in found.values() if r.outcome is Outcome.FAILED]


def test_what_never_came_is_overdue_in_the_end() -> None:
    """What is backed up once a day and is a week old has no excuse."""
    made, limit = NOW - timedelta(days=7), timedelta(days=1)
    overdue = backups._age("recovery point", "bucket x", None, made, limit, "Look.")
    assert (overdue.outcome, overdue.found) == (Outcome.FAILED, "none")
