"""AppConfig: one application a domain, its profiles, their content and its roll-out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint.parameters import ssm_parameter
from totara_infra.blueprint.resource import Joined, PlannedResource, Reference
from totara_infra.blueprint.roll_out import OWNER, STRATEGY, monitors
from totara_infra.blueprint.scope import Scope
from totara_infra.model import naming
from totara_infra.model.catalogue import Domain
from totara_infra.model.declarations import Scalar, Setting
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.values import default_in
from totara_infra.model.vocabulary import ValueType
from totara_infra.resolver.activation import ActivationState
from totara_infra.resolver.sequence import app_config_step

ACTIVATION_APPLICATION = "bank-platform"
ACTIVATION_PROFILE = "module-activation"
DEPLOYMENT_PROFILE = "deployment"

_TYPES: dict[ValueType, dict[str, Any]] = {
    ValueType.BOOLEAN: {"type": "boolean"},
    ValueType.INTEGER: {"type": "integer"},
    ValueType.NUMBER: {"type": "number"},
    ValueType.STRING_LIST: {"type": "array", "items": {"type": "string"}},
}


@dataclass(frozen=True)
class Profile:
    """One configuration profile with what it holds.

    Attributes:
        application: name of the AppConfig application.
        name: name of the profile.
        content: `{"defaults": {key: value}, "tenants": {client_id: {key: value}}}`.
        schema: JSON Schema, draft 4, that AppConfig holds the content against.
    """

    application: str
    name: str
    content: dict[str, dict[str, Any]]
    schema: dict[str, Any]

    @property
    def content_json(self) -> str:
        """The content as it is uploaded."""
        return json.dumps(self.content, sort_keys=True, indent=1)

    @property
    def schema_json(self) -> str:
        """The schema as it is uploaded: compact, as AppConfig limits its length."""
        return json.dumps(self.schema, sort_keys=True, separators=(",", ":"))


def profiles(scope: Scope, domain: Domain) -> list[Profile]:
    """The profiles of a domain's application, in the order of their roll-out.

    Raises:
        ProblemsError: content that its schema refuses, or that is too long for AppConfig.
    """
    names = ["runtime"]
    if domain.repository == ACTIVATION_APPLICATION:
        names = [DEPLOYMENT_PROFILE, ACTIVATION_PROFILE, "runtime"]
    names += sorted({s.profile for m in domain.modules for s in m.settings} - set(names))
    found = [_profile(scope, domain, name) for name in names]
    problems = [p for profile in found for p in _content_problems(profile, domain)]
    if problems:
        raise ProblemsError(problems)
    return found


def _profile(scope: Scope, domain: Domain, name: str) -> Profile:
    if name == ACTIVATION_PROFILE:
        keys = {f"{m}.enabled": {"type": "boolean"} for m in switched_modules(scope)}
        content: dict[str, dict[str, Any]] = {
            "defaults": dict.fromkeys(keys, False),
            "tenants": {
                client_id: {
                    f"{m}.enabled": decisions[m].state is ActivationState.ACTIVE
                    for m in switched_modules(scope)
                }
                for client_id, decisions in scope.decisions.items()
            },
        }
    else:
        settings = [
            s
            for m in domain.modules
            if m.id in scope.active
            for s in m.settings
            if s.profile == name
        ]
        keys = {s.key: _schema_of(s) for s in settings}
        content = {
            "defaults": {
                s.key: value for s in settings if (value := _default(scope, s)) is not None
            },
            "tenants": {
                t.client_id: dict(_tenant_values(scope, t.client_id, settings))
                for t in scope.tenants
            },
        }
    return Profile(domain.repository, name, content, _schema(keys))


def switched_modules(scope: Scope) -> list[str]:
    """Modules that carry a key in `module-activation`: the conditional ones that exist here."""
    conditional = {m for c in scope.catalogue.tenancy.conditions for m in c.modules}
    return sorted(
        m
        for m in conditional
        if scope.settings.environment in scope.catalogue.modules[m].environments
    )


def _default(scope: Scope, setting: Setting) -> Scalar | None:
    if setting.tenant_field is not None:
        return str(getattr(scope.default_tenant, setting.tenant_field))
    if setting.follows_activation is not None:
        return False
    return default_in(setting, scope.settings.environment)


def _tenant_values(
    scope: Scope, client_id: str, settings: list[Setting]
) -> Iterator[tuple[str, Scalar]]:
    tenant = next(t for t in scope.tenants if t.client_id == client_id)
    for setting in settings:
        if setting.tenant_field is not None:
            yield setting.key, str(getattr(tenant, setting.tenant_field))
        elif setting.follows_activation is not None:
            decision = scope.decisions[client_id][setting.follows_activation]
            yield setting.key, decision.state.runs
        elif setting.key in tenant.overrides:
            yield setting.key, tenant.overrides[setting.key]


def _schema_of(setting: Setting) -> dict[str, Any]:
    schema = copy.deepcopy(_TYPES.get(setting.type, {"type": "string"}))
    if setting.minimum is not None:
        schema["minimum"] = setting.minimum
    if setting.maximum is not None:
        schema["maximum"] = setting.maximum
    if setting.choices is not None:
        # Of a list, each item is one of the choices.
        limited = schema["items"] if setting.type is ValueType.STRING_LIST else schema
        limited["enum"] = setting.choices
    return schema


def _schema(keys: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Draft-04 schema; the values are described once and used for defaults and tenants."""
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "definitions": {
            "values": {
                "type": "object",
                "properties": dict(sorted(keys.items())),
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "defaults": {"$ref": "#/definitions/values"},
            "tenants": {
                "type": "object",
                "patternProperties": {"^[a-z][a-z0-9-]*$": {"$ref": "#/definitions/values"}},
                "additionalProperties": False,
            },
        },
        "required": ["defaults", "tenants"],
        "additionalProperties": False,
    }


def _content_problems(profile: Profile, domain: Domain) -> Iterator[Problem]:
    from jsonschema import Draft4Validator

    place = f"AppConfig {profile.application}/{profile.name}"
    for error in Draft4Validator(profile.schema).iter_errors(profile.content):
        yield Problem(
            place,
            0,
            "content-schema",
            f"{'/'.join(map(str, error.absolute_path))}: {error.message}",
            "AppConfig would refuse the content, and modules would misread it",
            "correct the setting in the catalogue, or the override in the tenant's file",
            domain.id,
        )
    size = len(profile.content_json.encode())
    if size > naming.APPCONFIG_MAXIMUM_CONTENT_BYTES:
        yield Problem(
            place,
            0,
            "aws-limit",
            f"the content is {size:,} bytes, for {len(profile.content['tenants']):,} tenants",
            f"AppConfig takes {naming.APPCONFIG_MAXIMUM_CONTENT_BYTES:,}",
            "move tenants to a stack of their own, or settings to another profile",
            domain.id,
        )
    length = len(profile.schema_json)
    if length > naming.APPCONFIG_MAXIMUM_VALIDATOR_CHARACTERS:
        yield Problem(
            place,
            0,
            "aws-limit",
            f"the validator is {length:,} characters",
            f"AppConfig takes {naming.APPCONFIG_MAXIMUM_VALIDATOR_CHARACTERS:,}",
            "move settings to another profile",
            domain.id,
        )


def app_config_resources(scope: Scope, domain: Domain) -> list[PlannedResource]:
    """A domain's application, environment, profiles and their deployments, one after another."""
    step = app_config_step(domain.id)
    base = f"app_config/{domain.repository}"
    tags = scope.tags(OWNER) | {"system_id": domain.id}
    application, environment = (
        Reference(base, "id"),
        Reference(f"{base}/environment", "environment_id"),
    )

    def planned(
        token: str, name: str, properties: dict[str, Any], **options: Any
    ) -> PlannedResource:
        kind = f"aws:appconfig/{token[0].lower()}{token[1:]}:{token}"
        return PlannedResource(kind, name, step, "app_config", properties, **options)

    found = [
        planned(
            "Application",
            base,
            {
                "name": domain.repository,
                "description": f"Flags and settings of {domain.title}.",
                "tags": tags,
            },
        ),
        planned(
            "Environment",
            f"{base}/environment",
            {
                "application_id": application,
                "name": scope.env,
                **({"monitors": watched} if (watched := monitors(scope)) else {}),
                "tags": tags,
            },
        ),
    ]
    before: tuple[str, ...] = ()
    for profile in profiles(scope, domain):
        name = f"{base}/{profile.name}"
        found += [
            planned(
                "ConfigurationProfile",
                name,
                {
                    "application_id": application,
                    "name": profile.name,
                    "location_uri": "hosted",
                    "type": "AWS.Freeform",
                    "validators": [{"type": "JSON_SCHEMA", "content": profile.schema_json}],
                    "tags": tags,
                },
            ),
            planned(
                "HostedConfigurationVersion",
                f"{name}/content",
                {
                    "application_id": application,
                    "configuration_profile_id": Reference(name, "configuration_profile_id"),
                    "content": profile.content_json,
                    "content_type": "application/json",
                },
                # Replacing a version deletes the old one, which is the way back: it stays.
                retain=True,
            ),
            planned(
                "Deployment",
                f"{name}/deployment",
                {
                    "application_id": application,
                    "environment_id": environment,
                    "configuration_profile_id": Reference(name, "configuration_profile_id"),
                    "configuration_version": Reference(f"{name}/content", "version_number"),
                    "deployment_strategy_id": Reference(STRATEGY, "id"),
                    "tags": tags,
                },
                # AppConfig runs one deployment at a time in an environment: they queue.
                waits_for=before,
            ),
        ]
        waiting = ssm_parameter(
            scope,
            step=step,
            module_id=OWNER,
            path=deployment_parameter(scope.env, domain.repository, profile.name),
            value=Joined(
                (
                    application,
                    "/",
                    environment,
                    "/",
                    Reference(f"{name}/deployment", "deployment_number"),
                )
            ),
            description="The last deployment of this profile that completed.",
            kind="app_config",
        )
        found.append(waiting)
        before = (waiting.name,)
    return found


def deployment_parameter(env: str, application: str, profile: str) -> str:
    """Path of the parameter that waits for a profile's deployment."""
    return f"/bank/{env}/deployment/appconfig-{application}-{profile}"
