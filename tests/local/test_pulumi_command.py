"""The project's own `pulumi`: which stack a command means, and what the engine is given for it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from totara_infra.local.placement import aws_plugin, aws_plugin_version
from totara_infra.local.project import project_root
from totara_infra.local.pulumi_command import engine_environment, selected_stack
from totara_infra.local.pulumi_engine import ensure_engine, pinned_version

LOCAL_ONLY = {
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
    "PULUMI_HOME",
    "PULUMI_SKIP_CHECKPOINTS",
    "PULUMI_SKIP_UPDATE_CHECK",
}


@pytest.fixture
def engine(state_folder, tmp_path, monkeypatch) -> Path:
    """A stand-in engine, and a user's home without anything of Pulumi."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def build(target: Path) -> None:
        target.write_text(
            "#!/bin/sh\n"
            f'[ "$1" = version ] && echo v{pinned_version()} && exit\n'
            'echo "$PULUMI_STACK|$PULUMI_HOME|$*"\n'
        )
        target.chmod(0o755)

    ensure_engine(build)
    return state_folder


def set_for(stack: str) -> set[str]:
    return {name for name in engine_environment(stack) if name.startswith("PULUMI_")}


@pytest.mark.parametrize("stack", ["local", "prod-rehearsal", "organization/totara-infra/local"])
def test_a_stack_in_an_emulator_is_kept_to_this_project(engine, stack):
    environment = engine_environment(stack)

    assert set_for(stack) >= LOCAL_ONLY
    assert environment["PULUMI_HOME"] == str(engine / "home")
    assert environment["PULUMI_BACKEND_URL"] == f"file://{engine}/state"
    assert (engine / "state").is_dir()
    assert environment["PULUMI_CONFIG_PASSPHRASE"] == "local"


@pytest.mark.parametrize("stack", ["dev", "uat", "prod", "prod-bank"])
def test_a_stack_in_aws_uses_the_users_own_home_and_passphrase(engine, stack):
    assert not set_for(stack) & LOCAL_ONLY


def test_what_the_user_has_set_stays(engine, monkeypatch):
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/secret")
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", "false")

    environment = engine_environment("local")

    assert environment["PULUMI_BACKEND_URL"] == "s3://states"
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment
    assert environment["PULUMI_SKIP_CHECKPOINTS"] == "false"


def test_a_login_counts_for_shared_environments_only(engine, tmp_path):
    home = tmp_path / "home" / ".pulumi"
    home.mkdir(parents=True)
    (home / "credentials.json").write_text(json.dumps({"current": "https://api.pulumi.com"}))

    assert "PULUMI_BACKEND_URL" not in engine_environment("prod")
    assert engine_environment("local")["PULUMI_BACKEND_URL"].startswith("file://")


def test_the_official_plugin_is_used_from_the_users_home(engine, monkeypatch):
    monkeypatch.setenv("TOTARA_AWS_PLUGIN", "official")

    environment = engine_environment("local")

    assert "PULUMI_HOME" not in environment
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment
    assert environment["PULUMI_SKIP_CHECKPOINTS"] == "true"


def test_the_plugins_lie_where_the_engine_looks(engine):
    engine_environment("local")

    assert aws_plugin().parent.name == f"resource-aws-v{aws_plugin_version()}"
    for program, module in (
        (aws_plugin(), "provider"),
        (engine / "bin" / "pulumi-language-python", "language_host"),
    ):
        assert os.access(program, os.X_OK)
        assert f"exec {sys.executable} -m totara_infra.local.{module} " in program.read_text()


@pytest.mark.parametrize(
    ("arguments", "stack"),
    [
        ("up", None),
        ("up -s dev", "dev"),
        ("up -sdev", "dev"),
        ("-C /somewhere up --stack dev --yes", "dev"),
        ("--stack=prod-rehearsal preview", "prod-rehearsal"),
        ("stack -s organization/totara-infra/uat", "organization/totara-infra/uat"),
        ("stack select dev", "dev"),
        ("--cwd /somewhere stack init prod", "prod"),
        ("stack ls", None),
        ("config set size -- -s1", None),
    ],
)
def test_the_stack_is_read_from_the_arguments(engine, arguments, stack):
    assert selected_stack(arguments.split()) == stack


def test_the_stack_that_was_selected_last_counts(engine, tmp_path, monkeypatch):
    digest = hashlib.sha1(str(project_root() / "Pulumi.yaml").encode()).hexdigest()
    for home, content, time in (
        (tmp_path / "home" / ".pulumi", {"stack": "dev"}, 1_000),
        (engine / "home", {"stacks": {"file://x": "organization/totara-infra/local"}}, 2_000),
    ):
        file = home / "workspaces" / f"totara-infra-{digest}-workspace.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content))
        os.utime(file, (time, time))
    assert selected_stack(["up"]) == "local"

    monkeypatch.setenv("PULUMI_STACK", "uat")
    assert selected_stack(["up"]) == "uat"


def test_the_command_hands_over_to_the_engine(engine):
    command = Path(sys.executable).parent / "pulumi"

    def run(*arguments: str) -> str:
        done = subprocess.run([command, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert run("preview", "--diff") == f"local|{engine}/home|preview --diff"
    assert run("up", "-s", "dev") == "||up -s dev"
