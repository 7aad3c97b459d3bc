"""Puts the pipeline's roles into an account, under the bootstrap identity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from botocore.exceptions import ClientError

from totara_infra.blueprint.pipeline_roles import (
    AUDIENCE,
    ISSUER,
    PipelineRole,
    as_text,
    provider_arn,
)
from totara_infra.blueprint.scope import Scope
from totara_infra.model.stack import PROJECT
from totara_infra.operations.live import Live

OWNER = "MOD-104"
"""Module whose tags the roles carry."""
MANAGED_BY = f"{PROJECT}-bootstrap"
"""No update makes them, so drift must not look for them in the blueprint."""
_POLICY = "pipeline"


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
    try:
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(scope))
        yield "The OIDC provider of GitHub is there."
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
        iam.create_open_id_connect_provider(
            Url=f"https://{ISSUER}", ClientIDList=[AUDIENCE], Tags=tags
        )
        yield "Registered the OIDC provider of GitHub."
    for role in roles:
        trust = as_text(role.trust(scope, repository))
        try:
            iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=trust)
            done = "Updated"
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchEntity", "NoSuchEntityException"):
                raise
            iam.create_role(
                RoleName=role.name,
                AssumeRolePolicyDocument=trust,
                Description=f"Role of the pipeline that {role.purpose}.",
                Tags=tags,
            )
            done = "Created"
        iam.put_role_policy(
            RoleName=role.name, PolicyName=_POLICY, PolicyDocument=as_text(role.policy)
        )
        yield f"{done} {scope.role_arn(role.name)} for {', '.join(role.environments)}."
