"""SSM parameters: one a declaration, or one a tenant where the path carries `{client_id}`."""

from __future__ import annotations

from collections.abc import Iterator

from totara_infra.blueprint.resource import PlannedResource, Reference, logical
from totara_infra.blueprint.scope import Scope
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Parameter, Scalar
from totara_infra.model.naming import placeholders
from totara_infra.model.stack import RoleHandling
from totara_infra.model.tenancy import Tenant
from totara_infra.model.values import as_text, default_in
from totara_infra.model.vocabulary import Source, ValueType

TYPE = "aws:ssm/parameter:Parameter"
_OUTPUTS = {("bucket", "name"): "bucket"}
"""Where the SDK calls an output otherwise than the catalogue does."""


def parameter_resources(scope: Scope, module: Module) -> list[PlannedResource]:
    """The parameters of one module that this program writes."""
    return [r for p in module.parameters for r in _resources(scope, module, p)]


def _resources(scope: Scope, module: Module, parameter: Parameter) -> Iterator[PlannedResource]:
    if parameter.source is Source.DEPLOYMENT:
        return
    if "client_id" in placeholders(parameter.path):
        for tenant in scope.tenants:
            yield _resource(scope, module, parameter, tenant, tenant.client_id)
    elif value_of(scope, parameter, scope.default_tenant) is not None:
        yield _resource(scope, module, parameter, scope.default_tenant, None)


def _resource(
    scope: Scope, module: Module, parameter: Parameter, tenant: Tenant, client_id: str | None
) -> PlannedResource:
    path = scope.fill(parameter.path, client_id)
    value = value_of(scope, parameter, tenant)
    return ssm_parameter(
        scope,
        step=module.id,
        module_id=module.id,
        path=path,
        value=value if isinstance(value, Reference) else as_text("" if value is None else value),
        description=parameter.why,
        kind="parameters",
        list_type=parameter.type is ValueType.STRING_LIST,
    )


def ssm_parameter(
    scope: Scope,
    *,
    step: str,
    module_id: str,
    path: str,
    value: object,
    description: str,
    kind: str,
    list_type: bool = False,
) -> PlannedResource:
    """A standard SSM parameter with a value that previews may show."""
    return PlannedResource(
        type=TYPE,
        # Without the environment: the same thing has the same name in every stack.
        name=path.removeprefix(f"/bank/{scope.env}/"),
        step=step,
        kind=kind,
        properties={
            "name": path,
            "type": "StringList" if list_type else "String",
            "tier": "Standard",
            "insecure_value": value,
            "description": description,
            "tags": scope.tags(module_id),
        },
    )


def value_of(scope: Scope, parameter: Parameter, tenant: Tenant) -> Scalar | Reference | None:
    """What a parameter holds in this environment: a value, or a reference to what makes it.

    Args:
        scope: the environment.
        parameter: the declaration.
        tenant: whose value it is; the stack's default tenant for a path without `{client_id}`.

    Returns:
        None where the module's own deployment writes it, or where it is optional and empty.
    """
    if parameter.tenant_field is not None:
        return str(getattr(tenant, parameter.tenant_field))
    if parameter.attribute is not None:
        thing, _, output = parameter.attribute.partition("#")
        kind, _, name = thing.partition("/")
        if kind == "role" and scope.settings.roles is RoleHandling.EXISTING:
            return scope.role_arn(name) if output == "arn" else name
        if kind == "policy" and scope.settings.roles is RoleHandling.EXISTING:
            return scope.arn("iam", f"policy/{name}", regional=False) if output == "arn" else name
        if kind == "client" and name == "password" and not scope.settings.password_sign_in:
            return None
        return Reference(logical(kind, name), _OUTPUTS.get((kind, output), output))
    return default_in(parameter, scope.settings.environment)
