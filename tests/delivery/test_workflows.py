"""The workflows: safe, pinned, and made of commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml

from tests.conftest import PROJECT
from totara_infra.cli.main import app

WORKFLOWS = PROJECT / ".github" / "workflows"


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "zizmor"
    return subprocess.run(
        [program, "--offline", "--no-progress", folder], capture_output=True, text=True, check=False
    )


def commands() -> Iterator[str]:
    for file in sorted(WORKFLOWS.glob("*.yaml")):
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            yield from (step["run"] for step in job.get("steps", ()) if "run" in step)


def test_zizmor_finds_nothing_and_would_find_an_action_that_is_not_pinned(tmp_path):
    assert zizmor(WORKFLOWS).returncode == 0
    shutil.copytree(WORKFLOWS, tmp_path / ".github" / "workflows")
    file = tmp_path / ".github" / "workflows" / "dev.yaml"
    file.write_text(re.sub(r"(actions/checkout)@\S+ # \S+", r"\1@v5", file.read_text()))
    found = zizmor(tmp_path / ".github" / "workflows")
    assert found.returncode != 0
    assert "unpinned-uses" in found.stdout


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "totara_infra.local.workflow_lint", *folder.glob("*.yaml")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("needs.plan.outputs.matrix", "needs.plan.outputs.matrx", 'property "matrx" is not'),
        ("needs: plan", "needs: plans", 'needs job "plans" which does not exist'),
        ("timeout-minutes: 15", "timeout-minute: 15", 'unexpected key "timeout-minute"'),
    ],
)
def test_actionlint_finds_nothing_and_would_find_a_planted_fault(tmp_path, right, wrong, complaint):
    assert actionlint(WORKFLOWS).returncode == 0
    shutil.copytree(WORKFLOWS, tmp_path / "workflows")
    file = tmp_path / "workflows" / "prod.yaml"
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong, 1))
    found = actionlint(tmp_path / "workflows")
    assert found.returncode == 1
    assert complaint in found.stdout


def test_every_step_is_a_command_of_ours_with_options_that_exist():
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    seen = list(commands())
    assert len(seen) > 15
    for line in seen:
        program, *words = shlex.split(line)
        if program == "make":
            assert set(words) <= targets, line
            continue
        assert program == ".venv/bin/totara", line
        command = typer.main.get_command(app)
        while getattr(command, "commands", None) and words and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command.name not in (None, "totara"), line
        options = {o for parameter in command.params for o in parameter.opts}
        assert {w for w in words if w.startswith("--")} <= options, line
