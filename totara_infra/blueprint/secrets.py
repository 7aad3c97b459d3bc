"""Secret containers: name, key and who may read. Values never pass through the program."""

from __future__ import annotations

import json
from collections.abc import Iterator

from totara_infra.blueprint.resource import PlannedResource, Reference
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Secret
from totara_infra.model.naming import placeholders
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import SecretFormat, TenantStatus
from totara_infra.resolver.sequence import SECRETS_STEP

TYPE = "aws:secretsmanager/secret:Secret"
ROTATION_ROLE = "BankSecretsRotationRole"
BREAK_GLASS_ROLE = "BankBreakGlassRole"


def secret_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """The containers of one module's secrets that a tenant of the stack needs.

    A secret that got another path has both containers until its value has been moved.
    """
    return [
        _resource(scope, module, secret, path)
        for secret in module.secrets
        for pair in container_paths(scope, secret)
        for path in pair
        if path is not None
    ]


def secret_paths(scope: Scope, secret: Secret) -> Iterator[str]:
    """The filled-in paths of a declaration: one, or one for each tenant that needs it."""
    served = [t for t in scope.tenants if needs(t, secret)]
    if "client_id" in placeholders(secret.path):
        for tenant in served:
            yield scope.fill(secret.path, tenant.client_id)
    elif served:
        yield scope.fill(secret.path)


def container_paths(scope: Scope, secret: Secret) -> Iterator[tuple[str, str | None]]:
    """The filled-in paths of a declaration, each with the one that it had before or None."""
    if secret.previously is None:
        yield from ((path, None) for path in secret_paths(scope, secret))
        return
    before = secret.model_copy(update={"path": secret.previously, "previously": None})
    yield from zip(secret_paths(scope, secret), secret_paths(scope, before), strict=True)


def needs(tenant: Tenant, secret: Secret) -> bool:
    """Whether a tenant's jurisdictions call for a secret.

    Of a closed tenant's only those of databases stay: its books are in there and must be read.
    """
    if tenant.status is TenantStatus.CLOSED and secret.format is not SecretFormat.POSTGRESQL_URL:
        return False
    return secret.jurisdiction is None or secret.jurisdiction in tenant.jurisdictions


def _resource(scope: Scope, module: Module, secret: Secret, path: str) -> PlannedResource:
    return PlannedResource(
        type=TYPE,
        name=f"secret/{path.removeprefix(f'/bank/{scope.env}/')}",
        step=SECRETS_STEP,
        kind="secrets",
        properties={
            "name": path,
            "description": f"{secret.content[0].upper()}{secret.content[1:]}. {secret.why}",
            "kms_key_id": Reference(f"key/{secret.key_class}", "arn"),
            "recovery_window_in_days": scope.settings.secret_recovery_days,
            "policy": json.dumps(read_policy(scope, secret), sort_keys=True),
            "tags": scope.tags(module.id),
        },
        protect=scope.settings.protect,
    )


def read_policy(scope: Scope, secret: Secret) -> dict[str, object]:
    """Resource policy of a secret: nobody reads it but those it names.

    A deny, because an allow here would restrict nothing: the roles' own policies allow.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyNamedReaders",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": {"ArnNotLike": {"aws:PrincipalArn": reader_arns(scope, secret)}},
            }
        ],
    }


def reader_arns(scope: Scope, secret: Secret) -> list[str]:
    """ARNs of the roles that may read a secret, sorted."""
    roles = scope.domain_roles
    domains = {scope.catalogue.domain_of[m].id for m in scope.modules_of(secret.readers)}
    names = {roles[d] for d in domains if d in roles}
    # Not the role that deploys: it makes the containers and never reads them.
    names |= {ROTATION_ROLE, BREAK_GLASS_ROLE}
    return sorted(scope.role_arn(name) for name in names)
