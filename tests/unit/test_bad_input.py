"""Bad input: `totara validate` names file, line, module, fault and fix, and exits 2."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.command import totara
from tests.conftest import PROJECT

FIXTURES = sorted((PROJECT / "tests" / "fixtures" / "invalid").glob("*.yaml"))


def validate(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return totara("validate", "--catalogue", directory, *arguments)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_each_rule_names_place_fault_and_fix(fixture: Path, editable_catalogue: Path) -> None:
    case = yaml.safe_load(fixture.read_text(encoding="utf-8"))
    edit, expected = case["edit"], case["expect"]
    path = editable_catalogue / edit["file"]
    text = path.read_text(encoding="utf-8")
    assert edit["find"] in text, "the fixture no longer fits the small catalogue"
    broken = text.replace(edit["find"], edit["replace"], 1)
    path.write_text(broken, encoding="utf-8")

    result = validate(editable_catalogue, "--format", "json")

    assert result.returncode == 2, result.stderr
    problems = json.loads(result.stdout)["problems"]
    found = [
        p
        for p in problems
        if p["rule"] == expected["rule"]
        and expected["what"] in p["what"]
        and expected["fix"] in p["fix"]
        and (not expected["module"] or p["module"] == expected["module"])
    ]
    assert found, f"expected {expected}, got {problems}"
    place = found[0]
    assert place["file"].endswith(".yaml")
    assert 1 <= place["line"] <= broken.count("\n") + 1
    assert place["why"]


def test_a_line_number_points_at_the_fault(editable_catalogue: Path) -> None:
    path = editable_catalogue / "domains" / "sd01.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(i for i, line in enumerate(lines) if "default: 24" in line)
    lines[number] = lines[number].replace("24", "many")
    path.write_text("\n".join(lines), encoding="utf-8")
    result = validate(editable_catalogue)
    assert f"sd01.yaml:{number + 1}: MOD-001:" in result.stderr


def test_all_problems_come_at_once(editable_catalogue: Path) -> None:
    for name, find, replace in (
        ("sd01", "default: 24", "default: many"),
        ("sd01", "service: service-118", "service: service-002"),
        ("sd07", "key/pii#arn", "key/gold#arn"),
    ):
        path = editable_catalogue / "domains" / f"{name}.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(find, replace), encoding="utf-8")
    result = validate(editable_catalogue)
    assert result.returncode == 2
    assert "3 problems." in result.stderr
    assert "Traceback" not in result.stderr


def test_the_small_catalogue_itself_has_no_problem(small_catalogue_files: Path) -> None:
    result = validate(small_catalogue_files)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_missing_file_is_named(editable_catalogue: Path) -> None:
    (editable_catalogue / "sequence.yaml").unlink()
    result = validate(editable_catalogue)
    assert result.returncode == 2
    assert "sequence.yaml: the file does not exist" in result.stderr


@pytest.mark.parametrize(("many", "allowed"), [("profiles", 100), ("attributes", 50)])
def test_what_aws_limits_is_counted(editable_catalogue: Path, many: str, allowed: int) -> None:
    """One fewer than too many is fine, so the figure is the limit itself."""
    path = editable_catalogue / "domains" / "sd07.yaml"
    lock = editable_catalogue / "claims.lock.yaml"
    whole, locked = (yaml.safe_load(p.read_text(encoding="utf-8")) for p in (path, lock))
    declaring = next(m for m in whole["modules"] if m.get("settings"))
    setting, claim = declaring["settings"][0], whole["claims"][0]
    # The profile `runtime` and the one that is there count too, as do the attributes.
    there = 2
    for count in (allowed, allowed + 1):
        added = range(count - there)
        if many == "profiles":
            declaring["settings"] = [setting] + [
                setting | {"key": f"deployment.extra-{n}", "profile": f"extra-{n}"} for n in added
            ]
        else:
            names = [f"extra_{n}" for n in added]
            whole["claims"] = whole["claims"][:4] + [
                claim | {"name": f"custom:{name}", "attribute": name} for name in names
            ]
            entry = locked["pools"]["customers"][0]
            for pool in locked["pools"]:
                locked["pools"][pool] = locked["pools"][pool][:there] + [
                    entry | {"name": name} for name in names
                ]
        path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        lock.write_text(yaml.safe_dump(locked, sort_keys=False), encoding="utf-8")
        result = validate(editable_catalogue, "--format", "json")
        found = [p for p in json.loads(result.stdout)["problems"] if p["rule"] == "aws-limit"]
        assert bool(found) == (count > allowed), result.stdout
        assert all(str(allowed) in p["why"] and p["fix"] for p in found)
