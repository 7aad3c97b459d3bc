"""Who gets the pipeline's roles, decided with the claims that GitHub puts into tokens."""

from __future__ import annotations

from functools import cache

import pytest

from tests.conftest import PROJECT
from tests.delivery.claims import REPOSITORY, TAGS, claims, jobs_with_tokens
from tests.environments import blueprint_of
from totara_infra.blueprint.pipeline_roles import pipeline_roles, provider_arn
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.secrets.policies import Verdict, admits

SHARED = [Environment.DEV, Environment.UAT, Environment.PROD]
BRANCH, OLD_TAG = "refs/heads/feature", "refs/tags/v1.0.0"


@cache
def trusts(env: str, repository: str = REPOSITORY):
    scope = blueprint_of(Environment(env)).scope
    return {
        role.name: (role.trust(scope, repository), provider_arn(scope), role.jobs)
        for role in pipeline_roles(scope)
    }


def admitted(env: str, token: dict[str, str], repository: str = REPOSITORY) -> set[str]:
    return {
        name
        for name, (trust, provider, _) in trusts(env, repository).items()
        if admits(trust, provider, token).possible
    }


JOBS = list(jobs_with_tokens(PROJECT))


def test_each_job_of_the_workflows_gets_exactly_the_role_of_its_environment():
    seen = set()
    for env, token in JOBS:
        suffix = token["environment"].removeprefix(env)
        expected = {"-read": "BankReadRole", "-backup": "BankExportRole"}.get(
            suffix, "BankDeployRole"
        )
        assert admitted(env, token) == {expected}, token
        for other in {"dev", "uat", "prod"} - {env}:
            assert admitted(other, token) == set(), token
        seen.add((env, token["environment"]))
    trusted = {
        (e.value, name)
        for e in SHARED
        for _, _, jobs in trusts(e.value).values()
        for name in jobs.environments
    }
    assert seen == trusted, "a role trusts an environment that no workflow uses, or the reverse"


def intruders(env: str, token: dict[str, str]):
    """The same job as somebody else would start it, by what they changed."""
    environment, workflow = token["environment"], token["workflow"]
    here, there = f"{REPOSITORY}/.github", "somebody/totara-infra"
    yield "a branch", claims(environment, workflow, BRANCH)
    yield (
        "a branch that is called like the tag",
        claims(environment, workflow, f"refs/heads/{token['ref'].rpartition('/')[2]}-x"),
    )
    yield (
        "a branch that is called like a reference",
        claims(environment, workflow, f"refs/heads/{TAGS.get(env, token['ref'])}"),
    )
    yield "a branch that calls the workflow as it was released", claims(
        environment, workflow, BRANCH,
        job_workflow_ref=f"{here}/workflows/{workflow}@{token['ref']}",
    )  # fmt: skip
    yield "a run for the right reference with the branch's workflow", claims(
        environment, workflow, token["ref"],
        job_workflow_ref=f"{here}/workflows/{workflow}@{BRANCH}",
    )  # fmt: skip
    yield "another workflow", claims(environment, "other.yaml", token["ref"])
    yield "a pull request", claims(environment, workflow, "refs/pull/7/merge")
    yield "some tag", claims(environment, workflow, "refs/tags/anything")
    yield "a fork", {k: v.replace(REPOSITORY, there) for k, v in token.items()}
    yield (
        "another repository that calls our workflow",
        token
        | {
            "sub": token["sub"].replace(REPOSITORY, "totara-bank/other"),
            "repository": "totara-bank/other",
        },
    )
    yield (
        "another repository's workflow",
        token
        | {"job_workflow_ref": token["job_workflow_ref"].replace(REPOSITORY, "totara-bank/other")},
    )
    yield "no environment", token | {"sub": f"repo:{REPOSITORY}:ref:{token['ref']}"}
    yield "another audience", token | {"aud": "https://github.com/totara-bank"}
    for claim in ("sub", "aud", "ref", "job_workflow_ref"):
        yield f"no {claim}", {k: v for k, v in token.items() if k != claim}
    if env == "prod" and "/tags/" in token["ref"]:
        yield "a candidate", claims(environment, workflow, TAGS["uat"])
    if env == "uat" and "/tags/" in token["ref"]:
        yield "a release", claims(environment, workflow, OLD_TAG)
    if env == "dev":
        yield (
            "a way back, which dev has not",
            token | {"sub": f"repo:{REPOSITORY}:environment:dev-back"},
        )


@pytest.mark.parametrize(("env", "token"), JOBS, ids=[t["sub"].split(":")[-1] for _, t in JOBS])
def test_nobody_else_gets_any_role(env, token):
    cases = dict(intruders(env, token))
    assert len(cases) > 16
    let_in = {who: admitted(env, changed) for who, changed in cases.items()}
    assert {who: roles for who, roles in let_in.items() if roles} == {}


def test_a_repository_whose_subjects_carry_ids_is_named_with_them():
    written = "totara-bank@12/totara-infra@74"
    token = claims("prod", "release.yaml", TAGS["prod"])
    with_ids = token | {"sub": f"repo:{written}:environment:prod"}
    assert admitted("prod", with_ids, written) == {"BankDeployRole"}
    reused = token | {"sub": "repo:totara-bank@99/totara-infra@100:environment:prod"}
    assert admitted("prod", reused, written) == admitted("prod", token, written) == set()


def test_a_claim_that_aws_does_not_offer_opens_nothing():
    trust, provider, _ = trusts("prod")["BankDeployRole"]
    issuer = "token.actions.githubusercontent.com"
    statement = trust["Statement"][0] | {"Condition": {"StringEquals": {f"{issuer}:sha": "1"}}}
    verdict = admits(trust | {"Statement": [statement]}, provider, {"sha": "1"})
    assert verdict == Verdict(False, False)
