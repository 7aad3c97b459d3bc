"""Puts the pipeline's roles into an account, under the bootstrap identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from totara_infra.blueprint.pipeline_roles import PipelineRole, as_text, provider_arn
from totara_infra.blueprint.pipeline_trust import AUDIENCE, BRANCHES, ISSUER, named
from totara_infra.blueprint.scope import Scope
from totara_infra.model.stack import PROJECT
from totara_infra.operations.drift.reading import unless_gone
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.policies import admits, as_list

OWNER = "MOD-104"
"""Module whose tags the roles carry."""
MANAGED_BY = f"{PROJECT}-bootstrap"
"""No update makes them, so drift must not look for them in the blueprint."""
_VERSIONS = 5
"""Versions of a policy that IAM keeps; a further one is refused."""
_ABSENT = ("NoSuchEntity", "NoSuchEntityException")


def put_roles(
    live: Live, scope: Scope, repository: str, roles: Sequence[PipelineRole]
) -> Iterator[str]:
    """Bring the OIDC provider and the roles to what they should be; again changes nothing.

    Args:
        live: access under an identity that may create roles.
        scope: the environment.
        repository: `owner/name` on GitHub.
        roles: what there should be.

    Yields:
        What was done, in sentences for people.
    """
    iam = live.client("iam")
    own = scope.tags(OWNER) | {"managed_by": MANAGED_BY}
    tags = [{"Key": key, "Value": value} for key, value in own.items()]
    provider = {"OpenIDConnectProviderArn": provider_arn(scope)}
    if unless_gone(iam.get_open_id_connect_provider, *_ABSENT, **provider) is not None:
        yield "The OIDC provider of GitHub is there."
    else:
        iam.create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE], Tags=tags
        )
        yield "Registered the OIDC provider of GitHub."
    for role in roles:
        trust = as_text(role.trust(scope, repository))
        there = {"RoleName": role.name, "PolicyDocument": trust}
        done = "Updated"
        if unless_gone(iam.update_assume_role_policy, *_ABSENT, **there) is None:
            iam.create_role(
                RoleName=role.name,
                AssumeRolePolicyDocument=trust,
                Description=f"Role of the pipeline that {role.purpose}.",
                Tags=tags,
            )
            done = "Created"
        _put_policies(iam, scope, role, tags)
        yield f"{done} {scope.role_arn(role.name)} for {', '.join(role.jobs.environments)}."


def open_to_any_branch(trust: Mapping[str, Any]) -> bool:
    """Whether a trust policy lets in a token of a job that somebody's own branch has started.

    Args:
        trust: as IAM gives it. Its own subjects are tried, each with a branch's claims.
    """
    branch = f"{BRANCHES}somebody"
    for statement in as_list(trust.get("Statement")):
        provider = next(iter(as_list((statement.get("Principal") or {}).get("Federated"))), "")
        if not provider.endswith(f":oidc-provider/{ISSUER}"):
            continue
        for subject in _subjects(statement):
            repository, context = (*subject.split(":", 2), "", "")[1:3]
            workflow = f"{named(repository)}/.github/workflows/somebody.yaml@{branch}"
            claims = {"aud": AUDIENCE, "ref": branch, "job_workflow_ref": workflow, "sub": subject}
            if not context.startswith("environment:"):
                claims["sub"] = f"repo:{repository}:ref:{branch}"
            if admits(trust, provider, claims).possible:
                return True
    return False


def _subjects(statement: Mapping[str, Any]) -> list[str]:
    """The subjects that a statement names, patterns filled; some subject where it names none."""
    found = [
        str(value).replace("*", "x")
        for keys in (statement.get("Condition") or {}).values()
        for key, values in keys.items()
        if key.lower() == f"{ISSUER}:sub"
        for value in as_list(values)
    ]
    return found or ["repo:somebody/x:ref:refs/heads/x"]


def _put_policies(
    iam: Any, scope: Scope, role: PipelineRole, tags: Sequence[Mapping[str, str]]
) -> None:
    """Give a role its managed policies, and take away those that it has no longer."""
    wanted = {
        scope.arn("iam", f"policy/{name}", regional=False): as_text(document)
        for name, document in role.policies.items()
    }
    for arn, document in wanted.items():
        found = unless_gone(iam.get_policy, *_ABSENT, PolicyArn=arn)
        if found is None:
            name = arn.rpartition("/")[2]
            iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=tags)
        else:
            _renew(iam, arn, found["Policy"]["DefaultVersionId"], document)
        iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    for policy in attached:
        if policy["PolicyArn"] not in wanted:
            iam.detach_role_policy(RoleName=role.name, PolicyArn=policy["PolicyArn"])


def _renew(iam: Any, arn: str, version: str, document: str) -> None:
    """Make a policy say what it should, where it says something else."""
    current = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    if as_text(current) == document:
        return
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) == _VERSIONS:
        oldest = min(
            (v for v in versions if not v["IsDefaultVersion"]), key=lambda v: v["CreateDate"]
        )
        iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
