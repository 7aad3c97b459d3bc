"""`totara validate` reads whatever any command reads, and names file, line and what was written."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tests.tenants.project_copy import ProjectCopy
from tests.unit.test_bad_input import validate
from totara_infra.operations.limits.models import regions
from totara_infra.resolver import load_catalogue

CATALOGUE = "totara_infra/catalogue"
LONG = "Says it at length. " * 60
MISTAKES = {
    # rule -> file, what stands there, what is written instead, a part of the message
    "freeze-order": (
        "release-calendar.yaml", "freezes:\n",
        "freezes:\n  - {name: Odd, first: 2027-03-02, last: 2027-03-01, environments: [dev], "
        "why: It is odd.}\n", "before it starts",
    ),
    "freeze-overlap": (
        "release-calendar.yaml", "first: 2027-06-28", "first: 2027-01-09", "overlap in prod",
    ),
    "value": (
        "stacks/wattle.yaml", "status: live", "status: closed\nclosed_on: 0001-01-01",
        "0001-01-01 can't be meant",
    ),
    "control-character": (
        "stacks/banksia.yaml", "display_name:", 'display_name: "Bank\\u0007 sia" #', "U+0007",
    ),
    "unknown-region": (
        "Pulumi.dev.yaml", "  totara-infra:roles:",
        "  totara-infra:region: xx-nowhere-9\n  totara-infra:roles:",
        "there is no AWS region `xx-nowhere-9`",
    ),
    "pattern": (
        "Pulumi.uat.yaml", "  totara-infra:roles:",
        '  totara-infra:cost-center: "R&D"\n  totara-infra:roles:', "R&D",
    ),
    "aws-limit": (
        f"{CATALOGUE}/alerts.yaml", "namespace: bank/modules", "namespace: ':modules'", ":modules",
    ),
    "missing-key": (f"{CATALOGUE}/prices.yaml", "as_of:", "# as_of:", "`as_of` is missing"),
    "coverage-reference": (
        f"{CATALOGUE}/coverage/sd01.yaml", "items:\n",
        'items:\n  - {section: none, item: nothing, declared: ["module:MOD-999"]}\n',
        "MOD-999",
    ),
}  # fmt: skip


def written(project: ProjectCopy, name: str, before: str, after: str) -> int:
    """Change the first of a text in a file; the line in which the change begins."""
    path = project.root / name
    text = path.read_text(encoding="utf-8")
    assert before in text, name
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return text[: text.index(before)].count("\n") + 1


def test_every_mistake_in_every_file_comes_at_once(project: ProjectCopy) -> None:
    lines = {rule: written(project, *mistake[:3]) for rule, mistake in MISTAKES.items()}
    project.write(f"{CATALOGUE}/domains/sd09.yaml", "id: SD09\n")
    found = project.json("validate", code=2)["problems"]
    # An idle file keeps the catalogue from being read, and what is held against the catalogue.
    assert ("unread-file", f"{CATALOGUE}/domains/sd09.yaml") in {
        (p["rule"], p["file"]) for p in found
    }
    (project.root / f"{CATALOGUE}/domains/sd09.yaml").unlink()
    found = project.json("validate", code=2)["problems"]
    rules = {p["rule"]: p for p in found}
    assert set(rules) == set(MISTAKES), found
    for rule, (file, _, after, says) in MISTAKES.items():
        problem = rules[rule]
        assert problem["file"] == file
        assert says in problem["what"] + problem["why"]
        # A key that is missing has no line of its own.
        last = lines[rule] + after.count("\n") + 1
        assert rule == "missing-key" or lines[rule] <= problem["line"] <= last
        assert problem["why"]
        assert problem["fix"]


def test_a_freeze_that_is_over_is_told_and_stops_nothing(project: ProjectCopy) -> None:
    """A pipeline must not turn red by itself when a freeze ends."""
    yesterday = date.today() - timedelta(days=2)
    text = (project.root / "release-calendar.yaml").read_text(encoding="utf-8")
    text += (
        f"  - name: Over\n    first: {yesterday}\n    last: {yesterday}\n"
        "    environments: [uat]\n    why: It is over.\n"
    )
    project.write("release-calendar.yaml", text)
    done = project.totara("validate")
    line = project.line("release-calendar.yaml", f"last: {yesterday}")
    assert done.returncode == 0
    assert f"Note: release-calendar.yaml:{line}: the freeze `Over` ended on" in done.stderr
    notes: list[dict[str, Any]] = project.json("validate")["notes"]
    assert [n["rule"] for n in notes] == ["freeze-past"]


def test_what_aws_would_refuse_is_told_where_it_was_written(project: ProjectCopy) -> None:
    """Through a whole blueprint, back to the line: a description, a name, a period."""
    catalogue = load_catalogue().catalogue
    owner, parameter = next(
        (m.id, p) for m in catalogue.modules.values() for p in m.parameters if p.default is not None
    )
    file = f"{CATALOGUE}/domains/{catalogue.domain_of[owner].id.lower()}.yaml"
    text = (project.root / file).read_text(encoding="utf-8")
    why = text.index("why:", text.index(f"path: {parameter.path}"))
    project.write(file, f"{text[:why]}why: {LONG.strip()}{text[text.index(chr(10), why) :]}")
    alerts = f"{CATALOGUE}/alerts.yaml"
    alarm = written(project, alerts, "namespace: bank/modules", "namespace: ':modules'")

    found = project.json("validate", code=2)["problems"]

    by_file = {p["file"]: p for p in found if p["rule"] == "aws-limit"}
    assert by_file[file]["line"] == text[:why].count("\n") + 1
    assert by_file[file]["module"] == owner
    assert "`Says it at length." in by_file[file]["what"]
    assert "at most 1,024 characters" in by_file[file]["why"]
    assert "ssm PutParameter.Description" in by_file[file]["why"]
    assert by_file[alerts]["line"] == alarm
    assert "`:modules`" in by_file[alerts]["what"]


@pytest.mark.parametrize("region", ["ap-southeast-2", "ap-southeast-4"])
def test_the_regions_in_use_are_aws_own(region: str) -> None:
    assert region in regions()
    assert "aws-global" not in regions()


@pytest.mark.parametrize(
    "name", ["domains/sd09.yaml", "domains/extra.yml", "parameters.yaml", "alerts.yml"]
)
def test_a_file_that_nothing_reads_is_named(editable_catalogue, name: str) -> None:
    (editable_catalogue / name).write_text("id: SD09\n", encoding="utf-8")
    result = validate(editable_catalogue, "--format", "json")
    assert result.returncode == 2
    found = json.loads(result.stdout)["problems"]
    assert [(p["rule"], p["what"]) for p in found] == [("unread-file", f"nothing reads {name}")]
