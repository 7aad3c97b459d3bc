"""What must exist: digests, names, policies, per-tenant content."""

from __future__ import annotations

import json

import pytest

from tests.conftest import PROJECT
from tests.environments import blueprint_of, settings_of
from totara_infra import load_tenants, plan
from totara_infra.blueprint.app_config import profiles
from totara_infra.blueprint.comparison import Change, compare
from totara_infra.blueprint.estimate import estimate, read_prices
from totara_infra.blueprint.resource import PlannedResource, Reference, digest, references
from totara_infra.model.vocabulary import Environment

ENVIRONMENTS = list(Environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_module_ends_with_its_marker(environment) -> None:
    blueprint = blueprint_of(environment)
    for module_id in blueprint.sequence.module:
        marker = blueprint.steps[module_id][-1]
        assert marker.properties["name"] == f"/bank/{environment}/deployment/{module_id.lower()}"
        assert marker.properties["insecure_value"] == digest(blueprint.steps[module_id][:-1])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_references_lead_to_resources_made_before(environment) -> None:
    blueprint = blueprint_of(environment)
    made: set[str] = set()
    for step in blueprint.steps.values():
        for resource in step:
            for reference in references(resource.properties):
                assert reference.resource in made, (resource.name, reference)
            assert set(resource.waits_for) <= made
            made.add(resource.name)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_physical_names_are_unique(environment) -> None:
    seen: set[tuple[str, str]] = set()
    for resource in blueprint_of(environment).resources.values():
        name = resource.properties.get("name") or resource.properties.get("bucket")
        if isinstance(name, str) and resource.shape not in (
            "RolePolicy", "ConfigurationProfile", "Environment", "UserGroup", "UserPoolClient",
        ):  # fmt: skip
            assert (resource.type, name) not in seen
            seen.add((resource.type, name))


def test_the_marker_changes_with_content_and_not_with_prose() -> None:
    base = PlannedResource("t", "n", "MOD-001", "parameters", {"name": "x", "insecure_value": "1"})
    described = PlannedResource(
        "t",
        "n",
        "MOD-001",
        "parameters",
        {"name": "x", "insecure_value": "1", "description": "prose", "tags": {"a": "b"}},
    )
    other = PlannedResource("t", "n", "MOD-001", "parameters", {"name": "x", "insecure_value": "2"})
    assert digest([base]) == digest([described])
    assert digest([base]) != digest([other])


def test_one_changed_declaration_changes_its_module_marker_and_gate_only(catalogue) -> None:
    before = blueprint_of(Environment.LOCAL)
    changed = catalogue.model_copy(deep=True)
    module = changed.modules["MOD-001"]
    index, parameter = next(
        (i, p) for i, p in enumerate(module.parameters) if isinstance(p.default, int)
    )
    module.parameters[index] = parameter.model_copy(update={"default": parameter.default + 1})
    settings = before.scope.settings
    after = plan(changed, settings, load_tenants(PROJECT, settings.tenants))
    differences = compare(before, after)
    assert {d.change for d in differences} == {Change.CHANGED}
    assert {d.step for d in differences} == {"MOD-001", "gate:3"}
    assert len(differences) == 3


def test_secrets_hold_no_value_and_deny_everybody_else() -> None:
    blueprint = blueprint_of(Environment.PROD)
    secrets = blueprint.steps["secrets"]
    assert secrets
    for secret in secrets:
        assert not {"secret_string", "secret_binary", "secret_string_wo"} & set(secret.properties)
        (statement,) = json.loads(secret.properties["policy"])["Statement"]
        assert statement["Effect"] == "Deny"
        readers = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert "arn:aws:iam::333333333333:role/BankSecretsRotationRole" in readers
        assert not any(reader.endswith("*") for reader in readers)
        assert secret.protect


def test_a_domain_reads_its_own_database_url_and_no_other() -> None:
    blueprint = blueprint_of(Environment.PROD)
    policies = {
        s.properties["name"]: json.loads(s.properties["policy"])["Statement"][0]["Condition"]
        for s in blueprint.steps["secrets"]
    }
    readers = policies["/bank/prod/core/neon-db-url"]["ArnNotLike"]["aws:PrincipalArn"]
    assert any(r.endswith("role/BankCoreRole") for r in readers)
    assert not any(r.endswith("role/BankPaymentsRole") for r in readers)


def test_nothing_of_the_test_modules_is_in_prod() -> None:
    blueprint = blueprint_of(Environment.PROD)
    assert not {"MOD-157", "MOD-158", "MOD-159"} & set(blueprint.steps)
    assert not any("password" in name for name in blueprint.resources)


def test_app_config_content_has_defaults_and_tenants(catalogue) -> None:
    scope = blueprint_of(Environment.LOCAL).scope
    found = {p.name: p for p in profiles(scope, catalogue.domain["SD07"])}
    assert set(found) == {"deployment", "module-activation", "runtime"}
    deployment = found["deployment"].content["tenants"]
    assert deployment["acorn"]["deployment.jurisdiction"] == "NZ"
    assert deployment["totara-bank"]["deployment.jurisdiction"] == "NZ+AU"
    activation = found["module-activation"].content
    assert activation["tenants"]["acorn"]["MOD-118.enabled"] is True
    assert activation["tenants"]["totara-bank"]["MOD-118.enabled"] is False
    assert "MOD-001.enabled" not in activation["defaults"]


def test_a_flag_follows_the_activation_of_its_module(catalogue) -> None:
    scope = blueprint_of(Environment.LOCAL).scope
    (runtime,) = profiles(scope, catalogue.domain["SD04"])
    assert runtime.content["tenants"]["totara-bank"]["payments.bpay.enabled"] is True
    assert runtime.content["tenants"]["acorn"]["payments.bpay.enabled"] is False


def test_content_passes_its_own_schema(catalogue) -> None:
    import jsonschema

    for environment in ENVIRONMENTS:
        scope = blueprint_of(environment).scope
        for domain in catalogue.domains:
            for profile in profiles(scope, domain):
                validator = jsonschema.Draft4Validator(profile.schema)
                assert list(validator.iter_errors(profile.content)) == []
                stray = {**profile.content, "defaults": {"not.a.key": 1}}
                assert list(validator.iter_errors(stray))


def test_roles_are_references_when_made_and_arns_when_they_exist() -> None:
    made = blueprint_of(Environment.LOCAL)
    assert any(r.type == "aws:iam/role:Role" for r in made.resources.values())
    existing = blueprint_of(Environment.PROD)
    assert not any(r.type == "aws:iam/role:Role" for r in existing.resources.values())
    function = existing.resources["trigger/customers"]
    assert not isinstance(function.properties["role"], Reference)


def test_the_first_update_is_bound_by_parameter_store() -> None:
    figures = estimate(blueprint_of(Environment.PROD), read_prices())
    assert figures.loads[0].service == "ssm"
    assert figures.loads[0].minutes == pytest.approx(figures.loads[0].calls / 3 / 60)
    # Three profiles of bank-platform one after another, then one for each of the phases 2 to 4.
    assert figures.roll_out == (60 + 30) * (3 + 1 + 1 + 1)
    assert figures.minutes == figures.roll_out
    assert figures.resources == sum(figures.by_phase.values())


def test_settings_differ_between_environments_where_they_must() -> None:
    assert settings_of(Environment.PROD).protect
    assert settings_of(Environment.PROD).roll_out_growth == "EXPONENTIAL"
    assert settings_of(Environment.LOCAL).password_sign_in
    assert len({settings_of(e).account_id for e in ENVIRONMENTS}) == 4
