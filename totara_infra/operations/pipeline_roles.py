"""Puts the pipeline's roles into an account, under the bootstrap identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from totara_infra.blueprint.pipeline_roles import PipelineRole, as_text, provider_arn
from totara_infra.blueprint.pipeline_trust import AUDIENCE, BRANCHES, ISSUER, named
from totara_infra.blueprint.roles import managed_policies
from totara_infra.blueprint.scope import Scope
from totara_infra.model.stack import PROJECT
from totara_infra.operations.checks.result import Result, failed, passed
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


def put_policies(live: Live, scope: Scope) -> Iterator[str]:
    """Bring the managed policies of the domains' roles to what they should be.

    Args:
        live: access under an identity that may write policies.
        scope: an environment that finds its roles ready made; others make the policies themselves.

    Yields:
        What was done, in sentences for people.
    """
    iam = live.client("iam")
    for policy in managed_policies(scope):
        own = scope.tags(policy.module) | {"managed_by": MANAGED_BY}
        tags = [{"Key": key, "Value": value} for key, value in own.items()]
        arn = scope.arn("iam", f"policy/{policy.name}", regional=False)
        _put_policy(iam, arn, as_text(policy.document), tags, policy.description)
        carrying = [r for r in policy.roles if _attach(iam, r, arn)]
        absent = [r for r in policy.roles if r not in carrying]
        yield f"{policy.name} is there, and on {len(carrying)} roles."
        if absent:
            yield f"  No such role yet, so run this again later: {', '.join(absent)}."


def policy_faults(live: Live, scope: Scope) -> Iterator[Result]:
    """Whether the managed policies say what they should and the domains' roles carry them.

    Args:
        live: access that reads IAM.
        scope: an environment that finds its roles ready made.
    """
    iam, fix = live.client("iam"), "Run `totara pipeline bootstrap` under the bootstrap identity."
    attached: dict[str, set[str]] = {}
    for policy in managed_policies(scope):
        arn = scope.arn("iam", f"policy/{policy.name}", regional=False)
        found = unless_gone(iam.get_policy, *_ABSENT, PolicyArn=arn)
        if found is None:
            yield failed("managed policy", policy.name, "to be there", "nothing", fix)
            continue
        version = found["Policy"]["DefaultVersionId"]
        answer = iam.get_policy_version(PolicyArn=arn, VersionId=version)
        if as_text(answer["PolicyVersion"]["Document"]) == as_text(policy.document):
            yield passed("managed policy", policy.name)
        else:
            told = f"other statements in {version}"
            yield failed("managed policy", policy.name, "its statements", told, fix)
        for role in policy.roles:
            if role not in attached:
                listed = unless_gone(iam.list_attached_role_policies, *_ABSENT, RoleName=role)
                attached[role] = {
                    p["PolicyArn"] for p in (listed or {}).get("AttachedPolicies", [])
                }
            subject = f"{policy.name} on {role}"
            if arn in attached[role]:
                yield passed("policy attachment", subject)
            else:
                yield failed("policy attachment", subject, "to be attached", "nothing", fix)


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
        _put_policy(iam, arn, document, tags)
        iam.attach_role_policy(RoleName=role.name, PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName=role.name)["AttachedPolicies"]
    for policy in attached:
        if policy["PolicyArn"] not in wanted:
            iam.detach_role_policy(RoleName=role.name, PolicyArn=policy["PolicyArn"])


def _put_policy(
    iam: Any, arn: str, document: str, tags: Sequence[Mapping[str, str]], description: str = ""
) -> None:
    found = unless_gone(iam.get_policy, *_ABSENT, PolicyArn=arn)
    if found is None:
        name, said = arn.rpartition("/")[2], {"Description": description} if description else {}
        iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=tags, **said)
    else:
        _renew(iam, arn, found["Policy"]["DefaultVersionId"], document)


def _attach(iam: Any, role: str, arn: str) -> bool:
    """Attach a policy; False where there is no such role."""
    done = unless_gone(iam.attach_role_policy, *_ABSENT, RoleName=role, PolicyArn=arn)
    return done is not None


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
