"""The `totara` command as people and scripts use it: output, formats, exit codes, any folder."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.command import totara
from tests.conftest import PROJECT


@pytest.fixture(scope="module")
def sequence() -> dict:
    result = totara("sequence", "local", "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_sequence_has_the_documented_shape(sequence) -> None:
    assert set(sequence) == {"environment", "phases", "modules"}
    assert sequence["environment"] == "local"
    for phase in sequence["phases"]:
        assert set(phase) == {"id", "title", "waves"}
    for module in sequence["modules"]:
        assert set(module) == {
            "id", "title", "domain", "phase", "wave", "depends_on", "pulled_by",
        }  # fmt: skip
        for edge in module["depends_on"]:
            assert set(edge) == {"id", "required", "provenance", "reason"}
            assert edge["provenance"] in ("published", "assumed")
            assert edge["reason"].endswith(".")


def test_every_module_stands_in_it_exactly_once(sequence) -> None:
    in_waves = [m for p in sequence["phases"] for w in p["waves"] for m in w]
    assert sorted(in_waves) == sorted(m["id"] for m in sequence["modules"])
    assert len(set(in_waves)) == len(in_waves) == 149


def test_waves_respect_every_edge(sequence) -> None:
    place = {m["id"]: (m["phase"], m["wave"]) for m in sequence["modules"]}
    for module in sequence["modules"]:
        for edge in module["depends_on"]:
            assert place[edge["id"]] < place[module["id"]]


def test_destroy_is_the_reverse(sequence) -> None:
    reverse = json.loads(totara("sequence", "local", "--destroy", "--format", "json").stdout)
    there = [w for p in sequence["phases"] for w in p["waves"]]
    back = [w for p in reverse["phases"] for w in p["waves"]]
    assert back == list(reversed(there))


def test_the_test_modules_never_exist_in_prod() -> None:
    result = totara("sequence", "prod", "--format", "json")
    ids = {m["id"] for m in json.loads(result.stdout)["modules"]}
    assert len(ids) == 146
    assert not {"MOD-157", "MOD-158", "MOD-159"} & ids


def test_why_tells_the_reasons_from_the_root() -> None:
    result = totara("sequence", "local", "--why", "MOD-119")
    assert result.returncode == 0
    assert "phase 4" in result.stdout
    assert "MOD-104" in result.stdout
    assert "-> MOD-119 (published): Reads the URL at which payments are validated." in result.stdout
    data = json.loads(totara("sequence", "local", "--why", "MOD-119", "--format", "json").stdout)
    assert data["complete"] is True
    assert all(chain[-1]["id"] == "MOD-119" for chain in data["chains"])


def test_needs_and_needed_by_take_a_depth() -> None:
    near = json.loads(
        totara("sequence", "local", "--needs", "MOD-020", "--depth", "1", "--format", "json").stdout
    )
    far = json.loads(totara("sequence", "local", "--needs", "MOD-020", "--format", "json").stdout)
    assert {n["distance"] for n in near} == {1}
    assert {n["id"] for n in near} < {n["id"] for n in far}
    assert "MOD-119" in totara("sequence", "local", "--needed-by", "MOD-020").stdout


def test_pictures_hold_every_module() -> None:
    mermaid = totara("sequence", "local", "--format", "mermaid").stdout
    dot = totara("sequence", "local", "--format", "dot").stdout
    assert mermaid.startswith("flowchart LR")
    assert dot.startswith("digraph sequence {")
    for number in (1, 20, 119, 159):
        assert f'MOD-{number:03}["' in mermaid
        assert f'"MOD-{number:03}" [label=' in dot


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        ("s3://bank-state?region=ap-southeast-2", "the state is in an S3 bucket"),
        ("https://api.pulumi.com", "the state is in a backend on the network"),
        ("file://{empty}", "this machine has no state of an earlier update"),
        ("file://{broken}", "the state on this machine can't be read"),
    ],
)
def test_a_plan_says_when_it_can_not_look_for_moves(tmp_path, backend: str, says: str) -> None:
    broken = tmp_path / "broken" / ".pulumi" / "stacks" / "totara-infra" / "prod.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    url = backend.format(empty=tmp_path / "empty", broken=tmp_path / "broken")
    variables = os.environ | {"PULUMI_BACKEND_URL": url}
    done = totara("plan", "prod", env=variables)
    assert done.returncode == 0, done.stderr
    assert f"Moves and renames were not looked for: {says}" in done.stdout
    assert "totara plan prod --since REF" in done.stdout
    data = json.loads(totara("plan", "prod", "--format", "json", env=variables).stdout)
    assert data["moves"] is None
    assert says in data["moves_not_told"]


def test_the_plan_counts_what_the_blueprint_has() -> None:
    data = json.loads(totara("plan", "prod", "--format", "json").stdout)
    assert data["resources"] == sum(data["by_type"].values()) == sum(data["by_phase"].values())
    ssm = next(load for load in data["api"] if load["service"] == "ssm")
    assert ssm["minutes"] == pytest.approx(ssm["calls"] / 3 / 60, abs=0.01)
    assert ssm["minutes_high_throughput"] == pytest.approx(ssm["calls"] / 10 / 60, abs=0.01)
    assert data["minimum_minutes"] >= data["roll_out_minutes"] > 0
    assert data["monthly_usd_idle"] > 0


def test_output_is_plain_where_it_is_no_terminal() -> None:
    for arguments in (
        ("sequence", "local"),
        ("plan", "local"),
        ("activation", "--tenant", "acorn"),
    ):
        result = totara(*arguments)
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout
        assert "│" not in result.stdout


def test_the_installed_script_works_from_any_folder(tmp_path) -> None:
    script = PROJECT / ".venv" / "bin" / "totara"
    result = subprocess.run(
        [script, "validate"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "149 modules" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sequence", "mars"), "There is no environment `mars`"),
        (("sequence", "local", "--why", "MOD-999"), "MOD-999 is not deployed in local"),
        (("sequence", "local", "--why", "MOD-001", "--needs", "MOD-002"), "Give one of"),
        (("sequence", "local", "--needs", "MOD-001", "--format", "dot"), "print a table or JSON"),
        (("plan", "mars"), "There is no environment `mars`"),
        (("plan", "local", "--since", "no-such-revision"), "Can't read revision"),
        (("up", "local", "--rehearse"), "throwaway already"),
        (("up", "mars"), "There is no environment `mars`"),
        (("down", "prod"), "`totara down` is for local and for rehearsals"),
        (("activation", "--tenant", "nobody"), "nobody"),
        (("validate", "--catalogue", "/no/such/folder"), "the file does not exist"),
        (("sequence", "local", "--nonsense"), "No such option"),
    ],
)
def test_bad_input_is_explained_and_exits_with_2(arguments, said) -> None:
    result = totara(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_every_command_has_help() -> None:
    listing = totara("--help").stdout
    for command in ("validate", "sequence", "plan", "activation", "preview", "up", "down"):
        assert command in listing
        result = totara(command, "--help")
        assert result.returncode == 0
        assert "Usage: totara" in result.stdout


def test_a_change_since_a_revision_is_told_with_its_reason(tmp_path) -> None:
    """In a repository of its own: one parameter changed, one added, one removed."""
    import shutil

    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path)
    for name in ("stacks", "totara_infra"):
        shutil.copytree(
            PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "before"]):
        subprocess.run([*git, *arguments], cwd=tmp_path, check=True)
    path = tmp_path / "totara_infra" / "catalogue" / "domains" / "sd01.yaml"
    text = path.read_text(encoding="utf-8")
    old = "/bank/{env}/posting-engine/idempotency-window\n        type: integer\n"
    assert old in text
    path.write_text(text.replace("default: 24\n", "default: 48\n", 1), encoding="utf-8")
    result = totara(
        "plan", "local", "--since", "HEAD", "--format", "json",
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    changes = json.loads(result.stdout)["changes"]
    assert [(c["change"], c["step"], c["name"]) for c in changes] == [
        ("changed", "MOD-001", "posting-engine/idempotency-window"),
        ("changed", "MOD-001", "deployment/mod-001"),
        ("changed", "gate:3", "deployment/phase-3"),
    ]
    assert changes[0]["reason"] == "Its declaration has changed: insecure_value."
    assert changes[2]["reason"] == "Something in the phase has changed, so it is checked again."
