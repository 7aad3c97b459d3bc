"""The record of valid files saves time, and never hides a fault."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.tenants.project_copy import ProjectCopy
from totara_infra.delivery import validated

READERS = ["scenarios"]


def recalled(readers: list[str]):
    return validated.recall(readers, validated.fingerprint())


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch) -> Path:
    """A project of a few files with a working folder."""
    for name in (
        "Pulumi.prod.yaml",
        "stacks/acorn.yaml",
        "totara_infra/catalogue/prices.yaml",
        "release-calendar.yaml",
        "totara_infra/model/rule.py",
        ".totara/engine.json",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n", encoding="utf-8")  # fmt: skip
    monkeypatch.setattr(validated, "project_root", lambda: tmp_path)
    monkeypatch.setattr(validated, "state_directory", lambda: tmp_path / ".totara")
    monkeypatch.setattr(validated, "_PACKAGE", tmp_path / "totara_infra")
    validated.remember(validated.fingerprint(), READERS, {"modules": 1}, [], None)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "Pulumi.prod.yaml", "Pulumi.new.yaml", "stacks/acorn.yaml", "stacks/new.yaml",
        "totara_infra/catalogue/prices.yaml", "totara_infra/catalogue/domains/sd09.yaml",
        "release-calendar.yaml", "totara_infra/model/rule.py", "totara_infra/model/new.py",
    ],
)  # fmt: skip
def test_a_file_that_is_changed_added_or_removed_makes_it_void(checkout, name: str) -> None:
    assert recalled(READERS) == {"summary": {"modules": 1}, "notes": []}
    path = checkout / name
    there = path.is_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a: 22\n", encoding="utf-8")
    assert recalled(READERS) is None
    path.unlink()
    assert (recalled(READERS) is None) is there


def test_it_says_nothing_of_what_was_not_read(checkout: Path) -> None:
    assert recalled([]) is not None
    assert recalled([*READERS, "another"]) is None


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"readers": 1}', "\x00"])
def test_a_record_of_odd_shape_is_none(checkout: Path, broken: str) -> None:
    (checkout / ".totara" / "validated.json").write_text(broken, encoding="utf-8")
    assert recalled(READERS) is None


@pytest.mark.parametrize(("days", "holds"), [(-2, False), (2, True)])
def test_it_ends_when_the_next_freeze_does(checkout: Path, days: int, holds: bool) -> None:
    until = date.today() + timedelta(days=days)
    validated.remember(validated.fingerprint(), READERS, {"modules": 1}, [], until)
    assert (recalled(READERS) is not None) is holds


def test_what_was_changed_meanwhile_is_not_recorded(checkout: Path) -> None:
    before = validated.fingerprint()
    (checkout / "Pulumi.prod.yaml").write_text("a: 3\n", encoding="utf-8")
    validated.remember(before, READERS, {"modules": 2}, [], None)
    assert recalled(READERS) is None


def test_the_command_recalls_it_and_says_the_same(project: ProjectCopy) -> None:
    record = project.root / ".totara" / "validated.json"
    record.parent.mkdir()
    first = project.totara("validate")
    told = json.loads(record.read_text(encoding="utf-8"))
    assert told["until"] is not None
    assert project.totara("validate").stdout == first.stdout
    # What is recalled is the record, or this would not be seen.
    record.write_text(json.dumps(told | {"summary": {"recalled": 1}}), encoding="utf-8")
    assert project.totara("validate").stdout == "1 recalled: no problems.\n"
    project.replace("Pulumi.prod.yaml", "environment: prod", "environment: dev")
    assert project.totara("validate").returncode == 2
