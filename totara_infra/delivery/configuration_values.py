"""One configuration value: what the catalogue and the tenants' files say, and what is live."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint, Joined, Reference
from totara_infra.blueprint.app_config import ACTIVATION_PROFILE
from totara_infra.delivery.configuration_guard import ConfigurationUnreadableError
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Parameter, Setting
from totara_infra.model.loading import LoadedCatalogue
from totara_infra.model.naming import placeholders
from totara_infra.model.problems import UsageError
from totara_infra.model.tenants import TENANT_DIRECTORY
from totara_infra.model.vocabulary import Source
from totara_infra.operations.configuration import (
    deployed_profile,
    parameter_values,
    planned_content,
)
from totara_infra.operations.live import Live


@dataclass(frozen=True)
class Value:
    """A value and where it comes from. None: there is no value."""

    value: Any
    origin: str


@dataclass(frozen=True)
class ConfigurationValue:
    """What `totara config get` has found.

    Attributes:
        key: AppConfig key, or path of a parameter in this environment.
        tenant: whose value; None for the default.
        live: what a reader gets now.
        stated: what the project's files say.
        differs: None where the files can't know the value beforehand.
    """

    key: str
    tenant: str | None
    live: Value
    stated: Value
    differs: bool | None


def configuration_value(
    blueprint: Blueprint, live: Live, loaded: LoadedCatalogue, key: str, tenant: str | None
) -> ConfigurationValue:
    """Look one value up, in the files and in the environment.

    Args:
        blueprint: of the environment.
        live: the environment.
        loaded: the catalogue with its files, for the lines that values come from.
        key: AppConfig key such as `app.consent.profiles`, or a parameter's path, with its
            placeholders or as it is in the environment.
        tenant: client id, or None for the default.

    Raises:
        UsageError: an unknown key or tenant, or a secret.
        ConfigurationUnreadableError: AWS does not answer.
    """
    clients = [t.client_id for t in blueprint.scope.tenants]
    if tenant is not None and tenant not in clients:
        raise UsageError(
            f"Tenant `{tenant}` is not in stack `{blueprint.scope.env}`. "
            f"Its tenants: {', '.join(clients)}."
        )
    _refuse_secret(blueprint, key, clients)
    try:
        if key.startswith("/"):
            return _parameter(blueprint, live, loaded, key, tenant)
        return _setting(blueprint, live, loaded, key, tenant)
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationUnreadableError(
            f"`{key}` can't be read in {blueprint.scope.env}: {error}. Check the credentials and "
            "the network, then run it again."
        ) from None


def _refuse_secret(blueprint: Blueprint, key: str, clients: list[str]) -> None:
    scope = blueprint.scope
    for module in scope.catalogue.modules.values():
        for secret in module.secrets:
            paths = {secret.path, *(scope.fill(secret.path, c) for c in clients)}
            if key in paths:
                raise UsageError(
                    f"`{key}` is a secret ({module.id}: {secret.content}). This command never "
                    "reads secrets; who may read it does so through Secrets Manager."
                )


def _unknown(key: str, known: list[str]) -> UsageError:
    near = difflib.get_close_matches(key, known, n=4, cutoff=0.5)
    nearest = f" Nearest: {', '.join(near)}." if near else ""
    return UsageError(
        f"Nothing declares `{key}`.{nearest} `totara config list local` shows what there is."
    )


def _place(loaded: LoadedCatalogue, module: Module, group: str, declaration: object) -> str:
    domain = loaded.catalogue.domain_of[module.id]
    index = next(i for i, d in enumerate(getattr(module, group)) if d is declaration)
    number = next(i for i, m in enumerate(domain.modules) if m.id == module.id)
    document = loaded.documents[domain.id]
    return f"{document.name}:{document.line(('modules', number, group, index))}"


def _compared(
    key: str, tenant: str | None, live: Value, stated: Value, comparable: bool
) -> ConfigurationValue:
    differs = live.value != stated.value if comparable else None
    return ConfigurationValue(key, tenant, live, stated, differs)


# --- parameters -------------------------------------------------------------------------------


def _parameter(
    blueprint: Blueprint, live: Live, loaded: LoadedCatalogue, key: str, tenant: str | None
) -> ConfigurationValue:
    scope = blueprint.scope
    if "client_id" in placeholders(key) and tenant is None:
        raise UsageError(f"`{key}` has a value for each tenant: name one with --tenant.")
    path = scope.fill(key, tenant)
    declared = dict(_paths(blueprint))
    planned = {
        str(r.properties["name"]): r for r in blueprint.resources.values() if r.shape == "Parameter"
    }
    if path not in declared and path not in planned:
        raise _unknown(path, [*declared, *planned])
    found = parameter_values(live, [path]).get(path)
    origin = f"parameter {path}" if found is not None else f"there is no parameter {path}"
    value = planned[path].properties["insecure_value"] if path in planned else None
    stated, comparable = _stated_parameter(blueprint, loaded, declared.get(path), path, value)
    return _compared(path, tenant, Value(found, origin), stated, comparable)


def _paths(blueprint: Blueprint) -> Iterator[tuple[str, tuple[Module, Parameter]]]:
    scope = blueprint.scope
    for module in scope.catalogue.modules.values():
        for parameter in module.parameters:
            if "client_id" in placeholders(parameter.path):
                for tenant in scope.tenants:
                    yield scope.fill(parameter.path, tenant.client_id), (module, parameter)
            else:
                yield scope.fill(parameter.path), (module, parameter)


def _stated_parameter(
    blueprint: Blueprint,
    loaded: LoadedCatalogue,
    declared: tuple[Module, Parameter] | None,
    path: str,
    value: object,
) -> tuple[Value, bool]:
    """What the files say of a parameter, and whether it can be compared."""
    if isinstance(value, Reference):
        return Value(None, f"`{value.attribute}` of {value.resource}, known once it is made"), False
    if isinstance(value, Joined):
        return Value(None, "written when the deployment that it names is complete"), False
    if declared is None:
        return Value(value, "digest of what the update puts there"), True
    module, parameter = declared
    ours = parameter.source is not Source.DEPLOYMENT or module.id not in blueprint.scope.active
    return Value(value, _parameter_origin(blueprint, loaded, module, parameter, path, value)), ours


def _parameter_origin(
    blueprint: Blueprint,
    loaded: LoadedCatalogue,
    module: Module,
    parameter: Parameter,
    path: str,
    value: object,
) -> str:
    scope = blueprint.scope
    place = _place(loaded, module, "parameters", parameter)
    if module.id not in scope.active:
        return f"{module.id} is not deployed in this stack ({place})"
    if parameter.source is Source.DEPLOYMENT:
        return f"the deployment of {module.id} writes it ({place})"
    if parameter.tenant_field is not None:
        own = (t for t in scope.tenants if scope.fill(parameter.path, t.client_id) == path)
        single = "client_id" not in placeholders(parameter.path)
        tenant = scope.default_tenant if single else next(own)
        return _of_tenant(tenant.client_id, parameter.tenant_field)
    if value is None:
        return f"optional, without a value here ({place})"
    return f"{_default_in(blueprint, parameter)}, {place}"


def _default_in(blueprint: Blueprint, declaration: Parameter | Setting) -> str:
    environment = blueprint.scope.settings.environment
    return f"default of {environment}" if environment in declaration.defaults else "default"


def _of_tenant(client_id: str, field: str) -> str:
    name = "jurisdictions" if field == "jurisdiction" else field
    return f"`{name}` in {TENANT_DIRECTORY}/{client_id}.yaml"


# --- settings ---------------------------------------------------------------------------------


def _setting(
    blueprint: Blueprint, live: Live, loaded: LoadedCatalogue, key: str, tenant: str | None
) -> ConfigurationValue:
    scope = blueprint.scope
    declared = {
        s.key: (d.repository, m, s) for d in scope.catalogue.domains for m in d.modules
        for s in m.settings
    }  # fmt: skip
    planned = planned_content(blueprint)
    switches = {
        k: profile for profile, content in planned.items() if profile[1] == ACTIVATION_PROFILE
        for k in content["defaults"]
    }  # fmt: skip
    if key in declared:
        application, module, setting = declared[key]
        profile = setting.profile
    elif key in switches:
        application, profile = switches[key]
    else:
        raise _unknown(key, [*declared, *switches])
    content = planned.get((application, profile), {"defaults": {}, "tenants": {}})
    own = content["tenants"].get(tenant, {}) if tenant is not None else {}
    value = own.get(key, content["defaults"].get(key))
    if key in declared:
        origin = _setting_origin(blueprint, loaded, module, setting, tenant, key in own)
    elif key in own:
        decision = scope.decisions[str(tenant)][key.removesuffix(".enabled")]
        origin = f"activation of {decision.id} for {tenant}: {decision.state}"
    else:
        origin = "off by default: a module runs for the tenants that have it active"
    found = _live_setting(live, scope.env, application, profile, key, tenant)
    return _compared(key, tenant, found, Value(value, origin), True)


def _setting_origin(
    blueprint: Blueprint,
    loaded: LoadedCatalogue,
    module: Module,
    setting: Setting,
    tenant: str | None,
    own: bool,
) -> str:
    place = _place(loaded, module, "settings", setting)
    if module.id not in blueprint.scope.active:
        return f"{module.id} is not deployed in this stack ({place})"
    if setting.tenant_field is not None:
        client = tenant if own and tenant else blueprint.scope.default_tenant.client_id
        return _of_tenant(client, setting.tenant_field)
    if setting.follows_activation is not None:
        return f"follows the activation of {setting.follows_activation}, {place}"
    if own:
        return f"`overrides` in {TENANT_DIRECTORY}/{tenant}.yaml"
    return f"{_default_in(blueprint, setting)}, {place}"


def _live_setting(
    live: Live, env: str, application: str, profile: str, key: str, tenant: str | None
) -> Value:
    name = f"AppConfig {application}/{profile}"
    deployed = deployed_profile(live, env, application, profile)
    if deployed is None:
        return Value(None, f"{name} has no deployment")
    if tenant is not None and key in deployed.tenants.get(tenant, {}):
        return Value(deployed.tenants[tenant][key], f"{name}, tenants.{tenant}")
    if key in deployed.defaults:
        return Value(deployed.defaults[key], f"{name}, defaults")
    return Value(None, f"{name} has no such key")
