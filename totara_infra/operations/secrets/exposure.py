"""What the search for ways to protected data starts from, and what it says of each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.pipeline_roles import EXPORT_ROLE, pipeline_roles
from totara_infra.blueprint.scope import Scope
from totara_infra.blueprint.secrets import reader_arns
from totara_infra.model.declarations import RuntimeRole, Secret
from totara_infra.operations.checks import Result, failed, passed, skipped
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.escalation import Account, Target, ways
from totara_infra.operations.secrets.policies import Document, Principal

CHECK = "secret ways"


def secret_target(
    scope: Scope,
    secret: Secret,
    path: str,
    arn: str,
    policy: Document | None,
    key: tuple[str, Document],
    tags: Mapping[str, str],
) -> Target:
    """A secret's value as something to be reached.

    Args:
        scope: the environment.
        secret: its declaration.
        path: its name.
        arn: its ARN.
        policy: its resource policy.
        key: ARN and policy of its KMS key.
        tags: its tags.
    """
    service = "secretsmanager"
    return Target(
        name=path,
        arn=arn,
        reading=f"{service}:GetSecretValue",
        policy=policy,
        owner=arn,
        opening=(f"{service}:PutResourcePolicy",),
        removing=(f"{service}:DeleteResourcePolicy",),
        key=key,
        alias=f"alias/bank-{scope.env}-{secret.key_class}",
        service=f"{service}.{scope.settings.region}.amazonaws.com",
        readers=frozenset(reader_arns(scope, secret)),
        context={
            "secretsmanager:versionstage": "AWSCURRENT",
            **{f"secretsmanager:resourcetag/{k}".lower(): v for k, v in tags.items()},
            **{f"aws:resourcetag/{k}".lower(): v for k, v in tags.items()},
        },
    )


def bucket_target(
    scope: Scope, bucket: str, policy: Document | None, key: tuple[str, Document], key_class: str
) -> Target:
    """The objects of a bucket as something to be reached; arguments as those of a secret."""
    arn, stores = f"arn:aws:s3:::{bucket}", scope.catalogue.stores
    exports = stores is not None and scope.fill(stores.exports.bucket) == bucket
    return Target(
        name=bucket,
        arn=f"{arn}/object",
        reading="s3:GetObject",
        policy=policy,
        owner=arn,
        opening=("s3:PutBucketPolicy",),
        removing=("s3:DeleteBucketPolicy",),
        key=key,
        alias=f"alias/bank-{scope.env}-{key_class}",
        service=f"s3.{scope.settings.region}.amazonaws.com",
        readers=frozenset({scope.role_arn(EXPORT_ROLE)} if exports else ()),
        context={"aws:securetransport": "true"},
    )


def lent_roles(scope: Scope) -> frozenset[tuple[str, str]]:
    """Roles that the catalogue lends to another role, as ARNs of (borrower, role)."""
    return frozenset(
        (scope.role_arn(borrower), scope.role_arn(resource.name))
        for module in scope.catalogue.modules.values()
        for resource in module.resources
        if isinstance(resource, RuntimeRole)
        for borrower in resource.assumed_by
        if not borrower.endswith(".amazonaws.com")
    )


def platform_roles(scope: Scope) -> set[str]:
    """ARNs of the roles that the platform and its pipeline have, but those lent in an emergency."""
    declared = {
        resource.name
        for module in scope.catalogue.modules.values()
        for resource in module.resources
        if isinstance(resource, RuntimeRole)
    }
    return {scope.role_arn(n) for n in declared | {r.name for r in pipeline_roles(scope)}}


def account(live: Live, blueprint: Blueprint, everybody: Sequence[Principal]) -> Account:
    """The deployed account.

    Args:
        live: access to it.
        blueprint: what the environment consists of.
        everybody: its roles and users.

    Raises:
        AwsRefusedError: AWS does not answer.
    """
    with explained("reading the list of functions"):
        pages = live.client("lambda").get_paginator("list_functions").paginate()
        functions = {f["FunctionArn"]: f["Role"] for page in pages for f in page["Functions"]}
    return Account({p.arn: p for p in everybody}, functions, lent_roles(blueprint.scope))


def exposures(scope: Scope, deployed: Account, targets: Sequence[Target]) -> Iterator[Result]:
    """One result for each role of the platform: whether it can get at what it must not read.

    Args:
        scope: the environment.
        deployed: its account.
        targets: what is protected.
    """
    for arn in sorted(platform_roles(scope)):
        name = arn.rsplit("/", 1)[-1]
        if arn not in deployed.principals:
            # Whether it has to be there is another check's question.
            yield skipped(CHECK, name, "This account lacks some roles of the pipeline.")
            continue
        found = ways(deployed, deployed.principals[arn], targets)
        if not found:
            yield passed(CHECK, name)
            continue
        fix = (
            "Take that right from the role. For a role of the pipeline, run `totara pipeline "
            "bootstrap`."
        )
        told = f"a way to {len(found)}, such as {found[0].target}: {found[0]}"
        yield failed(CHECK, name, "no way to what others keep secret", told, fix)
