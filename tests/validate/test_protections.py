"""No line of a stack's file takes approval, protection or the deny of its secrets away."""

from __future__ import annotations

import json

import pulumi
import pytest
import yaml

from tests.conftest import PROJECT
from tests.tenants.project_copy import ProjectCopy
from totara_infra.configuration import stack_settings
from totara_infra.model.documents import Document
from totara_infra.model.problems import ProblemsError, UsageError
from totara_infra.model.stack import StackSettings, environment_of, parse_stack
from totara_infra.model.vocabulary import Environment

KEY = "totara-infra:"
SWITCHES = {
    # what is written instead: stack, key, value -> the rule that refuses it
    ("prod", "environment", "dev"): "stack-environment",
    ("prod", "environment", "local"): "stack-environment",
    ("prod", "environment", "uat"): "stack-environment",
    ("uat", "environment", "dev"): "stack-environment",
    ("dev", "environment", "prod"): "stack-environment",
    ("prod-acorn", "environment", "dev"): "stack-environment",
    ("prod-recovery", "environment", "dev"): "stack-environment",
    ("staging", "environment", "prod"): "stack-name",
    ("local-acorn", "environment", "local"): "stack-name",
    ("prod", "endpoint", "http://127.0.0.1:4566"): "stack-endpoint",
    ("dev", "endpoint", "http://127.0.0.1:4566"): "stack-endpoint",
    ("prod", "protect", "false"): "stack-protect",
    ("uat", "protect", "false"): "stack-protect",
    ("prod", "secret-recovery-days", "0"): "stack-recovery-window",
    ("uat", "secret-recovery-days", "0"): "stack-recovery-window",
    ("prod", "secret-recovery-days", "6"): "stack-recovery-window",
    ("dev", "secret-recovery-days", "3"): "stack-recovery-window",
    ("prod", "secret-recovery-days", "31"): "stack-recovery-window",
    ("prod", "disaster-recovery-region", "ap-southeast-2"): "stack-recovery-region",
    ("prod", "password-sign-in", "true"): "stack-password",
    ("prod", "default-tenant", "wattle"): "stack-default-tenant",
    ("prod", "deployer-role", "'*'"): "pattern",
    ("prod", "deployer-role", "'Bank?'"): "pattern",
    ("prod", "deployer-role", "'../admin'"): "pattern",
    ("prod", "account-id", '"٣٣٣٣٣٣٣٣٣٣٣٣"'): "pattern",
    ("prod", "cost-center", '"R&D"'): "pattern",
    ("prod", "cost-center", '""'): "pattern",
    ("prod", "bucket-suffix", "-s3alias"): "stack-bucket-suffix",
    ("prod", "bucket-suffix", "-totara-"): "pattern",
    ("prod", "log-retention-days", '"31"'): "stack-log-retention",
}


def text_of(stack: str, key: str = "", value: str = "") -> str:
    """The file of a stack with one setting written otherwise."""
    shared = str(environment_of(stack) or "prod")
    lines = (PROJECT / f"Pulumi.{shared}.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not key or not line.startswith(f"  {KEY}{key}:")]
    index = kept.index("config:") + 1
    return "\n".join([*kept[:index], *([f"  {KEY}{key}: {value}"] if key else []), *kept[index:]])


def parsed(stack: str, text: str) -> StackSettings:
    path = PROJECT / f"Pulumi.{stack}.yaml"
    return parse_stack(Document(path, PROJECT, text, yaml.safe_load(text)), {"stack": stack})


@pytest.mark.parametrize(("stack", "key", "value"), SWITCHES)
def test_a_line_that_takes_a_protection_away_is_refused(stack: str, key: str, value: str) -> None:
    parsed("prod-acorn" if stack == "staging" else "prod", text_of("prod"))
    with pytest.raises(ProblemsError) as refused:
        parsed(stack, text_of(stack, key, value))
    rules = {p.rule: p for p in refused.value.problems}
    problem = rules[SWITCHES[stack, key, value]]
    assert problem.file == f"Pulumi.{stack}.yaml"
    written = text_of(stack, key, value).splitlines()[problem.line - 1]
    assert written.startswith(f"  {KEY}{key}:"), written
    assert problem.why
    assert problem.fix


def test_everything_that_is_wrong_with_a_file_is_told_at_once() -> None:
    text = text_of("prod", "environment", "dev").replace("protect:", "protekt:")
    text = text.replace('secret-recovery-days: "7"', 'secret-recovery-days: "2"')
    with pytest.raises(ProblemsError) as refused:
        parsed("prod", text)
    assert {p.rule for p in refused.value.problems} == {
        "unknown-key",
        "stack-environment",
        "stack-protect",
        "stack-recovery-window",
    }


@pytest.mark.parametrize(
    ("stack", "environment"),
    [
        ("prod", Environment.PROD),
        ("prod-acorn", Environment.PROD),
        ("prod-recovery", Environment.PROD),
        ("prod-acorn-recovery-rehearsal", Environment.PROD),
        ("prod-offline-rehearsal", Environment.PROD),
        ("local-recovery", Environment.LOCAL),
        ("uat-rehearsal", Environment.UAT),
        ("production", None),
        ("acorn", None),
        ("", None),
    ],
)
def test_a_stack_is_of_the_environment_that_its_name_begins_with(stack, environment) -> None:
    assert environment_of(stack) is environment


class Config(pulumi.Config):
    """The engine's settings of a stack, from a file's text."""

    def __init__(self, text: str) -> None:
        self._values = {
            key.removeprefix(KEY): value for key, value in yaml.safe_load(text)["config"].items()
        }

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
        value = self._values.get(key, default)
        return json.dumps(value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("environment", "dev", "stack `prod` has the environment dev"),
        ("endpoint", "http://127.0.0.1:4566", "endpoint"),
        ("deployer-role", "'*'", "deployer-role"),
        ("protect", "false", "protect"),
    ],
)
def test_the_program_itself_refuses_it_however_the_engine_is_started(key, value, says) -> None:
    defaults = "\n  totara-infra:region: ap-southeast-2\n  totara-infra:default-tenant: acorn"
    defaults += "\n  totara-infra:disaster-recovery-region: ap-southeast-4"
    sound = text_of("prod") + defaults
    assert stack_settings(Config(sound), "prod").environment is Environment.PROD
    with pytest.raises(UsageError, match=says):
        stack_settings(Config(text_of("prod", key, value) + defaults), "prod")


@pytest.mark.parametrize(
    "command", [("up", "prod", "--policies"), ("preview", "prod", "--offline", "--policies")]
)
def test_one_line_does_not_skip_the_approval_of_production(
    project: ProjectCopy, command: tuple[str, ...]
) -> None:
    file = "Pulumi.prod.yaml"
    project.replace(file, "totara-infra:environment: prod", "totara-infra:environment: dev")
    refused = project.totara(*command)
    assert refused.returncode == 2
    line = project.line(file, "totara-infra:environment")
    assert f"{file}:{line}: stack `prod` has the environment dev" in refused.stderr
    assert not (project.root / ".totara").exists()


def test_a_role_of_the_platform_is_no_deployer(project: ProjectCopy) -> None:
    file = "Pulumi.prod.yaml"
    project.replace(file, "  totara-infra:protect:", "  totara-infra:deployer-role: BankCoreRole\n"
                    "  totara-infra:protect:")  # fmt: skip
    found = project.json("validate", code=2)["problems"]
    assert [(p["rule"], p["line"]) for p in found] == [
        ("stack-deployer", project.line(file, "deployer-role"))
    ]
    reason = ("--exception", "INC-7: customers can't sign in")
    refused = project.totara("up", "prod", "--policies", *reason)
    assert refused.returncode == 2
    assert "BankCoreRole" in refused.stderr


def test_up_and_preview_run_every_check_that_validate_runs(project: ProjectCopy) -> None:
    project.replace("Pulumi.uat.yaml", '"222222222222"', '"333333333333"')
    project.replace("release-calendar.yaml", "last: 2027-01-10", "last: 2026-01-10")
    rules = {p["rule"] for p in project.json("validate", code=2)["problems"]}
    assert rules == {"stack-account", "freeze-order"}
    reason = ("--exception", "INC-7: customers can't sign in")
    for command in (("up", "prod", *reason), ("preview", "dev"), ("preview", "uat", "--offline")):
        refused = project.totara(*command, "--policies")
        assert refused.returncode == 2, command
        assert all(f"[{rule}]" in refused.stderr for rule in rules), refused.stderr
    assert not (project.root / ".totara").exists()
