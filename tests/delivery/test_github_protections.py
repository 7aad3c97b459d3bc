"""`totara pipeline check` asks GitHub whether what the trust policies rely on is protected."""

from __future__ import annotations

import os
from copy import deepcopy

import pytest
from typer.testing import CliRunner

from tests.environments import blueprint_of
from tests.fake_gh import gh
from totara_infra.blueprint.pipeline_roles import pipeline_roles
from totara_infra.cli.main import app
from totara_infra.delivery.github import GitHubNotAskedError, protections
from totara_infra.model.vocabulary import Environment, Outcome

REPOSITORY = "totara-bank/totara-infra"
PLACE = f"repos/{REPOSITORY}"
LIMITED = {"protected_branches": False, "custom_branch_policies": True}


def rule(kind, name):
    return {"branch_policies": [{"id": 1, "name": name, "type": kind}]}


REVIEWED = [
    {"type": "branch_policy"},
    {"type": "required_reviewers", "prevent_self_review": True, "reviewers": [{"type": "Team"}]},
]
SOUND = {
    f"{PLACE}/actions/oidc/customization/sub": {
        "use_default": True, "sub_claim_prefix": f"repo:{REPOSITORY}",
    },
    f"{PLACE}/environments/prod": {
        "name": "prod", "deployment_branch_policy": LIMITED, "protection_rules": REVIEWED,
    },
    f"{PLACE}/environments/prod/deployment-branch-policies": rule("tag", "v*"),
    f"{PLACE}/environments/prod-back": {"deployment_branch_policy": LIMITED},
    f"{PLACE}/environments/prod-back/deployment-branch-policies": rule("tag", "v*"),
    f"{PLACE}/environments/prod-read": {"deployment_branch_policy": LIMITED},
    f"{PLACE}/environments/prod-read/deployment-branch-policies": rule("branch", "main"),
    f"{PLACE}/environments/prod-backup": {"deployment_branch_policy": LIMITED},
    f"{PLACE}/environments/prod-backup/deployment-branch-policies": rule("branch", "main"),
    f"{PLACE}/rules/branches/main": [
        {"type": "deletion"}, {"type": "non_fast_forward"},
        {"type": "pull_request", "parameters": {"required_approving_review_count": 1}},
    ],
    f"{PLACE}/rulesets": [{"id": 7, "name": "releases"}],
    f"{PLACE}/rulesets/7": {
        "name": "releases", "target": "tag", "enforcement": "active",
        "conditions": {"ref_name": {"include": ["refs/tags/v*"], "exclude": []}},
        "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
        "bypass_actors": [{"actor_type": "Team", "actor_id": 3}],
    },
}  # fmt: skip


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def run(answers, code, environment="prod", repository=REPOSITORY):
        gh(tmp_path, answers)
        done = CliRunner().invoke(
            app, ["pipeline", "check", environment, "--repository", repository]
        )
        assert done.exit_code == code, done.output
        return done.output

    return run


@pytest.fixture
def found(tmp_path, monkeypatch):
    """What `pipeline check` finds amiss in prod."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    trusted = [role.jobs for role in pipeline_roles(blueprint_of(Environment.PROD).scope)]

    def ask(answers):
        gh(tmp_path, answers)
        return [r for r in protections(REPOSITORY, trusted) if r.outcome is Outcome.FAILED]

    return ask


def test_a_repository_that_protects_what_is_trusted_passes(check):
    assert "8 checks passed, 0 failed." in check(SOUND, 0)


def but(address, **changed):
    answers = deepcopy(SOUND)
    answers[f"{PLACE}/{address}"] |= changed
    return answers


def without(*addresses):
    return {k: v for k, v in SOUND.items() if k not in {f"{PLACE}/{a}" for a in addresses}}


SUB, RULESET = "actions/oidc/customization/sub", "rulesets/7"
ANYBODY = [{"actor_type": "RepositoryRole", "actor_id": 4}]
FAULTS = {
    "an environment without rules": (
        but("environments/prod-back", deployment_branch_policy=None),
        "prod-back: expected the tag rule v*, found no rule, so every branch",
    ),
    "an environment for whatever branch is protected": (
        but("environments/prod-backup", deployment_branch_policy={"protected_branches": True}),
        "prod-backup: expected the branch rule main, found no rule",
    ),
    "an environment that takes branches too": (
        but(
            "environments/prod/deployment-branch-policies",
            branch_policies=[{"name": "*", "type": "branch"}, {"name": "v*", "type": "tag"}],
        ),
        "prod: expected the tag rule v*, found branch *, tag v*",
    ),
    "a branch that is called like a tag": (
        but("environments/prod/deployment-branch-policies", **rule("branch", "v*")),
        "found branch v*",
    ),
    "no such environment": (without("environments/prod-read"), "prod-read: expected the environm"),
    "no reviewers": (but("environments/prod", protection_rules=[]), "reviewers: prod: expected"),
    "reviewers who approve their own": (
        but("environments/prod", protection_rules=[REVIEWED[1] | {"prevent_self_review": False}]),
        "reviewers who may approve their own",
    ),
    "another subject": (
        but(SUB, use_default=False, include_claim_keys=["repo"]),
        "expected GitHub's default subject, found one of repo",
    ),
    "ids in the subject": (
        but(SUB, sub_claim_prefix="repo:totara-bank@1/totara-infra@2"),
        "--repository totara-bank@1/totara-infra@2",
    ),
    "an unprotected branch": (without("rules/branches/main"), "branch: main: expected its rules"),
    "no ruleset": (without("rulesets"), "tags: v*: expected a ruleset, found none"),
    "a ruleset that only warns": (but(RULESET, enforcement="evaluate"), "tags: v*"),
    "a ruleset of other tags": (
        but(RULESET, conditions={"ref_name": {"include": ["refs/tags/x"], "exclude": []}}),
        "tags: v*",
    ),
    "a ruleset with exceptions": (
        but(RULESET, conditions={"ref_name": {"include": ["~ALL"], "exclude": ["refs/tags/v1*"]}}),
        "tags: v*",
    ),
    "tags that anybody makes": (
        but(RULESET, rules=[{"type": "deletion"}]), "releases: no rule creation, no rule update",
    ),
    "everybody goes around it": (
        but(RULESET, bypass_actors=ANYBODY), "a way around it for RepositoryRole 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_gap_is_named_with_its_remedy(found, fault):
    answers, said = FAULTS[fault]
    (failure,) = found(answers)
    assert said in f"{failure.check}: {failure}"
    assert failure.fix


def test_the_command_fails_with_what_it_found(check):
    out = check(FAULTS["no reviewers"][0], 1)
    assert "prevent self-review" in out
    assert "7 checks passed, 1 failed." in out


def test_an_approval_by_nobody_is_none(found):
    answers = deepcopy(SOUND)
    answers[f"{PLACE}/rules/branches/main"][2]["parameters"] = {
        "required_approving_review_count": 0
    }
    (failure,) = found(answers)
    assert failure.found == "none of pull_request"


def test_nothing_is_concluded_when_github_is_not_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(app, ["pipeline", "check", "prod", "--repository", REPOSITORY])
    assert isinstance(done.exception, GitHubNotAskedError)
    assert "`gh` is not on PATH" in str(done.exception)
    assert "passed" not in done.output
