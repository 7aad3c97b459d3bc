"""What the router forwards, and with which attributes."""

from __future__ import annotations

import json

import pytest

from tests.environments import blueprint_of
from totara_infra.blueprint.alerts import description, watch_groups, watches
from totara_infra.model.vocabulary import Environment
from totara_infra.router.alarm_router import forward

SCOPE = blueprint_of(Environment.PROD).scope


def alarm(text: str, new: str = "ALARM", old: str = "OK", missing: str = "notBreaching") -> dict:
    content = {
        "AlarmName": "bank-prod-ALERT-X-001",
        "AlarmDescription": text,
        "NewStateValue": new,
        "OldStateValue": old,
        "Trigger": {"TreatMissingData": missing},
    }
    return {"Message": json.dumps(content), "Subject": "ALARM"}


def attributes(forwarded: dict) -> dict[str, str]:
    return {k: v["StringValue"] for k, v in forwarded["MessageAttributes"].items()}


@pytest.mark.parametrize(
    "found", [*watches(SCOPE).values(), *watch_groups(SCOPE).values()], ids=lambda found: found.id
)
def test_it_reads_back_what_the_blueprint_writes(found) -> None:
    forwarded = forward(alarm(description(found)))
    assert attributes(forwarded) == {
        "severity": found.severity.value,
        "regulatory": str(found.regulatory).lower(),
        "alert": found.id,
        "state": "ALARM",
    }
    subject = forwarded["Subject"]
    assert subject.startswith(f"{found.severity}{' [REG]' if found.regulatory else ''} {found.id}:")
    # What Publish takes: at most 100 printable ASCII characters.
    assert len(subject) <= 100 and subject.isascii() and subject.isprintable()


TEXT = "P1 ALERT-X-001: It is broken. Mend it. Runbook: x#y"


@pytest.mark.parametrize(
    ("new", "old", "missing", "state"),
    [
        ("ALARM", "OK", "notBreaching", "ALARM"),
        ("ALARM", "INSUFFICIENT_DATA", "notBreaching", "ALARM"),
        ("OK", "ALARM", "notBreaching", "OK"),
        # Just made, and all is well: nobody has heard of anything.
        ("OK", "INSUFFICIENT_DATA", "notBreaching", None),
        ("OK", "INSUFFICIENT_DATA", "- TreatMissingData: notBreaching", None),
        # Silent, where that is a fault, and reporting again.
        ("INSUFFICIENT_DATA", "OK", "missing", "INSUFFICIENT_DATA"),
        ("OK", "INSUFFICIENT_DATA", "missing", "OK"),
    ],
)
def test_states(new, old, missing, state) -> None:
    forwarded = forward(alarm(TEXT, new, old, missing))
    if state is None:
        assert forwarded is None
    else:
        assert attributes(forwarded)["state"] == state
        assert forwarded["Subject"].startswith("Over: ") is (state == "OK")


def test_a_module_that_publishes_by_itself_says_how_grave_it_is() -> None:
    given = {"severity": {"Value": "P1"}, "regulatory": {"Value": "true"}}
    forwarded = forward({"Message": "ratio below 100", "MessageAttributes": given})
    found = attributes(forwarded)
    assert (found["severity"], found["regulatory"]) == ("P1", "true")
    assert forwarded["Message"] == "ratio below 100"


@pytest.mark.parametrize("given", [{}, {"severity": {"Value": "urgent"}}])
def test_what_names_no_severity_is_not_lost(given) -> None:
    forwarded = forward({"Message": '["a list"]', "MessageAttributes": given})
    assert attributes(forwarded)["severity"] == "P2"
