"""Who may assume the pipeline's roles: which jobs, of which workflow, at which Git references.

The subject of a job with a GitHub environment names that environment and no branch, so the subject
alone lets every branch in. AWS evaluates two further claims since January 2026: `job_workflow_ref`,
the file that defines the job and the reference it was read from, and `ref`, the reference that the
run belongs to. Both are needed: a branch may call a reusable workflow at a released tag, and such a
job runs the branch's code. An account that did not know these claims would refuse everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from totara_infra.model.vocabulary import Environment

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
BRANCHES = "refs/heads/"
MAIN = f"{BRANCHES}main"
_CLAIMS = (
    "actor", "actor_id", "amr", "aud", "enterprise_id", "environment", "job_workflow_ref", "ref",
    "repository", "repository_id", "sub", "workflow",
)  # fmt: skip
"""Claims of GitHub's tokens that AWS offers as condition keys (IAM User Guide, OIDC federation)."""


@dataclass(frozen=True)
class Jobs:
    """Jobs of one workflow file that may assume a role.

    Attributes:
        environments: GitHub environments of the jobs.
        workflow: name of the file below `.github/workflows`.
        ref: pattern of the Git references for which it may run.
        not_ref: pattern of references that `ref` covers and that may not.
    """

    environments: tuple[str, ...]
    workflow: str
    ref: str = MAIN
    not_ref: str | None = None


def deploying_jobs(environment: Environment) -> Jobs:
    """The jobs that deploy: to uat and prod those of a release, elsewhere what is merged."""
    env = environment.value
    released = (env, f"{env}-back")
    match environment:
        case Environment.PROD:
            # A candidate's tag has a hyphen and must not reach production.
            return Jobs(released, "release.yaml", "refs/tags/v*", "refs/tags/*-*")
        case Environment.UAT:
            return Jobs(released, "release.yaml", "refs/tags/v*-rc.*")
        case _:
            return Jobs((env,), "dev.yaml")


def reading_jobs(environment: Environment) -> Jobs:
    """The jobs that compare AWS with the files."""
    return Jobs((f"{environment.value}-read",), "nightly.yaml")


def exporting_jobs(environment: Environment) -> Jobs:
    """The jobs that write exports."""
    return Jobs((f"{environment.value}-backup",), "backup.yaml")


def named(repository: str) -> str:
    """`owner/name` of a repository that is written with GitHub's ids, as `owner@1/name@2`."""
    return re.sub(r"@\d+", "", repository)


def trust_statement(provider: str, repository: str, jobs: Jobs) -> dict[str, Any]:
    """The statement of a trust policy that lets these jobs in, and nobody else.

    Args:
        provider: ARN of GitHub's OIDC provider in the account.
        repository: as tokens name it: `owner/name`, or `owner@id/name@id` where GitHub puts ids
            into subjects, as it does for repositories made since the middle of 2026.
        jobs: which.
    """
    workflow = f"{named(repository)}/.github/workflows/{jobs.workflow}"
    likeness = {f"{ISSUER}:ref": jobs.ref, f"{ISSUER}:job_workflow_ref": f"{workflow}@{jobs.ref}"}
    exactly: dict[str, Any] = {
        f"{ISSUER}:aud": AUDIENCE,
        f"{ISSUER}:sub": [f"repo:{repository}:environment:{name}" for name in jobs.environments],
    }
    condition: dict[str, Any] = {"StringEquals": exactly}
    if "*" in jobs.ref:
        condition["StringLike"] = likeness
    else:
        exactly |= likeness
    if jobs.not_ref is not None:
        condition["StringNotLike"] = {f"{ISSUER}:ref": jobs.not_ref}
    return {
        "Sid": "JobsOfThisWorkflow",
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }


def condition_keys(claims: Mapping[str, str]) -> dict[str, str | None]:
    """The condition keys that AWS makes of a token's claims, in lower case.

    Returns:
        None for a key whose claim the token lacks. Claims that AWS doesn't offer are left out.
    """
    return {f"{ISSUER}:{claim}".lower(): claims.get(claim) for claim in _CLAIMS}
