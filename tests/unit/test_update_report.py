"""The report of an update from the engine's events and output."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT
from totara_infra import Blueprint, load_catalogue, load_tenants, plan, read_stack
from totara_infra.delivery.approval import Approval
from totara_infra.delivery.progress import Report, Tracker
from totara_infra.delivery.report import failure_lines, success_lines
from totara_infra.delivery.update import DeletionRefusedError, refuse_deletions

LOG = Path("up.log")
STACK = "urn:pulumi:local::totara-infra::pulumi:pulumi:Stack::totara-infra-local"
DISK_FULL = (
    "writing snapshot: failed to save snapshot: An IO error occurred while writing the new "
    "snapshot file: write local.json.18ec.tmp: no space left on device"
)


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    settings = read_stack(PROJECT, "local")
    return plan(load_catalogue().catalogue, settings, load_tenants(PROJECT, settings.tenants))


def outputs(operation: str, name: str, kind: str) -> dict[str, Any]:
    urn = f"urn:pulumi:local::totara-infra::{kind}::{name}"
    return {"resOutputsEvent": {"metadata": {"op": operation, "urn": urn, "type": kind}}}


def error(message: str, urn: str = "", severity: str = "error") -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "urn": urn, "severity": severity}}


def tracked(blueprint: Blueprint, events: list[dict[str, Any]], succeeded: bool = True) -> Report:
    tracker = Tracker(blueprint, io.StringIO())
    for event in events:
        tracker.take(event)
    return tracker.close(succeeded)


def failed(blueprint: Blueprint, events: list[dict[str, Any]], output: str) -> str:
    report = tracked(blueprint, events, succeeded=False)
    report.complete(output, LOG)
    return "\n".join(failure_lines(blueprint, report))


@pytest.mark.parametrize(
    "order",
    [
        ("create-replacement", "replace", "delete-replaced"),
        ("delete-replaced", "replace", "create-replacement"),
    ],
)
def test_what_is_replaced_counts_once(blueprint, order):
    resources = list(blueprint.resources.values())
    events = [outputs(step, r.name, r.type) for r in resources[:3] for step in order]
    events += [outputs("same", r.name, r.type) for r in resources[3:]]

    report = tracked(blueprint, events)

    lines = list(success_lines(blueprint, report, "there"))
    assert f"{len(resources)} resources there" in lines[0]
    assert dict(report.operations) == {"replace": 3, "same": len(resources) - 3}
    assert report.changed == 3
    assert report.finished == set(blueprint.steps)


@pytest.mark.parametrize("event", [[], [error("update failed", STACK)]])
def test_a_full_disk_is_named(blueprint, event):
    said = failed(blueprint, event, f"Updating (local):\n @ updating...\nerror: {DISK_FULL}\n")

    assert f"FAILED\n  {DISK_FULL}" in said
    assert str(LOG) in said


def test_a_lock_is_named_with_whose_it_is(blueprint):
    output = (
        "error: the stack is currently locked by 1 lock(s). Either wait or `pulumi cancel`.\n"
        "  file:///locks/x.json: created by deploy@runner-12 (pid 1) at 2026-11-27T19:12:05Z\n"
    )

    said = failed(blueprint, [], output)

    assert "the stack is currently locked" in said
    assert "created by deploy@runner-12" in said


def test_a_plugin_that_did_not_start_is_named_with_its_words(blueprint):
    provider = "urn:pulumi:local::totara-infra::pulumi:providers:aws::aws"
    events = [
        error("Detected that it exited prematurely: ModuleNotFoundError: botocore"),
        error("could not read plugin: exit status 1", provider),
    ]

    said = failed(blueprint, events, "")

    assert "FAILED aws\n  could not read plugin: exit status 1" in said
    assert "ModuleNotFoundError: botocore" in said


def test_a_language_host_that_did_not_start_is_named_with_its_words(blueprint):
    events = [error("ImportError: no module named pulumi\n", severity="info#err")]
    output = "error: failed to load language plugin python: exit status 1\n"

    said = failed(blueprint, events, output)

    assert "ImportError: no module named pulumi" in said
    assert "failed to load language plugin python" in said


def test_an_exit_code_gives_way_to_the_reason(blueprint):
    empty = "program exited with non-zero exit code: 1"

    said = failed(blueprint, [error(empty, STACK)], f"error: {DISK_FULL}\n")

    assert DISK_FULL in said
    assert empty not in said


def test_with_no_reason_at_all_the_last_lines_are_shown(blueprint):
    said = failed(blueprint, [], "Updating (local):\nKilled\n")

    assert "Killed" in said
    assert str(LOG) in said


def test_what_a_resource_failed_for_is_not_said_twice(blueprint):
    resource = next(iter(blueprint.resources.values()))
    urn = f"urn:pulumi:local::totara-infra::{resource.type}::{resource.name}"
    events = [error("access denied", urn), error("update failed", STACK)]

    said = failed(
        blueprint, events, "Diagnostics:\n    error: access denied\nerror: update failed\n"
    )

    assert said.count("access denied") == 1
    assert "update failed" not in said


SECRET = "aws:secretsmanager/secret:Secret"
NAMES = ("secret/app/new-key", "secret/app/other-key")


def planned_deletions(protected: tuple[str, ...]) -> list[dict[str, Any]]:
    """What the engine tells in a preview that deletes two secrets."""
    events: list[dict[str, Any]] = []
    for name in NAMES:
        urn = f"urn:pulumi:prod::totara-infra::{SECRET}::{name}"
        old = {"type": SECRET, "urn": urn, **({"protect": True} if name in protected else {})}
        metadata = {"op": "delete", "urn": urn, "type": SECRET, "old": old}
        events.append({"resourcePreEvent": {"metadata": metadata, "planning": True}})
    return events


def refused(blueprint: Blueprint, protected: tuple[str, ...], *allowed: str) -> str:
    report = tracked(blueprint, planned_deletions(protected), succeeded=not protected)
    approval = Approval(back_from="v1.2.0")
    with pytest.raises(DeletionRefusedError) as error:
        refuse_deletions(blueprint, report, allowed, approval.words)
    return str(error.value)


@pytest.fixture(scope="module")
def in_prod() -> Blueprint:
    settings = read_stack(PROJECT, "prod")
    return plan(load_catalogue().catalogue, settings, load_tenants(PROJECT, settings.tenants))


def test_a_deletion_is_refused_with_the_commands_that_allow_it(in_prod) -> None:
    said = refused(in_prod, NAMES[:1])
    commands = [line.strip() for line in said.splitlines() if line.startswith("    ")]
    assert commands == [
        f".venv/bin/pulumi state unprotect 'urn:pulumi:prod::totara-infra::{SECRET}::{NAMES[0]}' "
        "-s prod",
        f".venv/bin/totara up prod --allow-delete {NAMES[0]} --allow-delete {NAMES[1]} "
        "--back-from v1.2.0",
    ]
    assert "Nothing was changed" in said
    # Named, and still protected.
    assert "unprotect" in refused(in_prod, NAMES[:1], *NAMES)
    # Lifted, and one of them not named.
    assert "unprotect" not in refused(in_prod, (), NAMES[0])


def test_a_deletion_that_is_named_and_not_protected_goes(in_prod) -> None:
    report = tracked(in_prod, planned_deletions(()))
    assert len(report.deletions) == 2
    refuse_deletions(in_prod, report, NAMES)
