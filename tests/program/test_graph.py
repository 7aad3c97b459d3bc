"""The whole program under Pulumi mocks: parents, dependencies, names, tags, in all environments."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks as pulumi_mocks

from tests.conftest import PROJECT
from tests.environments import blueprint_of, settings_of
from totara_infra import load_catalogue, load_tenants, plan
from totara_infra.blueprint.backup import COPIES, VAULT, lock_is_left_out
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Environment

ENVIRONMENTS = list(Environment)


@dataclass
class Registered:
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    parent: str
    dependencies: set[str]
    protect: bool
    provider: str
    urn: str


class Monitor(pulumi_mocks.MockMonitor):
    """Keeps what each registration carried, which the mocks themselves throw away."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.registered: dict[str, Registered] = {}

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)
        from google.protobuf import json_format

        self.registered[response.urn] = Registered(
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=json_format.MessageToDict(request.object),
            parent=request.parent,
            dependencies=set(request.dependencies),
            protect=request.protect,
            provider=request.provider or dict(request.providers).get("aws", ""),
            urn=response.urn,
        )
        return response


class Outputs(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        known = {
            "arn": f"arn:aws:mock:::{args.name}",
            "deploymentNumber": 1,
            "versionNumber": 1,
            "environmentId": "env1234",
            "configurationProfileId": "pro1234",
            "url": "https://queue",
            "bucket": "bucket",
        }
        return f"{args.name}-id", {**known, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"the program makes no invokes, yet called {args.token}")


@cache
def run(environment: Environment) -> dict[str, Registered]:
    """Every registration of the program in one environment."""
    settings = settings_of(environment)
    return run_with(settings, load_tenants(PROJECT, settings.tenants))


def run_with(settings, tenants) -> dict[str, Registered]:
    from totara_infra import Platform

    asyncio.set_event_loop(asyncio.new_event_loop())
    monitor = Monitor(Outputs())
    pulumi.runtime.set_mocks(
        Outputs(), project="totara-infra", stack=settings.environment.value, monitor=monitor
    )

    @pulumi.runtime.test
    async def program() -> None:
        platform = Platform(settings, tenants, catalogue=load_catalogue().catalogue)
        outputs = await platform.ready()
        assert outputs["modules"] == len(platform.blueprint.sequence.modules)

    program()
    return monitor.registered


def by_name(registered: dict[str, Registered]) -> dict[tuple[str, str], Registered]:
    return {(r.type, r.name): r for r in registered.values()}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_program_makes_exactly_the_blueprint(environment) -> None:
    made = {
        (r.type, r.name)
        for r in run(environment).values()
        if r.custom and not r.type.startswith("pulumi:")
    }
    wanted = {(r.type, r.name) for r in blueprint_of(environment).resources.values()}
    assert made == wanted


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_module_waits_for_its_reduced_steps_and_nothing_else(environment) -> None:
    registered = run(environment)
    found = by_name(registered)
    blueprint = blueprint_of(environment)

    def last(step: str) -> set[str]:
        if step.startswith("app-config:"):
            return {
                found[(r.type, r.name)].urn for r in blueprint.steps[step] if r.shape == "Parameter"
            }
        if step in ("identity", "secrets", "sign-in-logs"):
            return {found[(r.type, r.name)].urn for r in blueprint.steps[step]}
        resource = blueprint.steps[step][-1]
        return {found[(resource.type, resource.name)].urn}

    for module in blueprint.sequence.modules:
        component = found[("totara:components:Module", module.id)]
        expected = set().union(*(last(step) for step in module.waits_for), set())
        assert component.dependencies == expected, module.id
    for phase in blueprint.sequence.phases:
        component = found[("totara:components:Gate", f"phase-{phase.id}")]
        assert component.dependencies == set().union(*(last(s) for s in phase.gate_waits_for))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_marker_waits_for_all_of_its_module(environment) -> None:
    found = by_name(run(environment))
    blueprint = blueprint_of(environment)
    for module_id in blueprint.sequence.module:
        *own, marker = blueprint.steps[module_id]
        expected = {found[(r.type, r.name)].urn for r in own}
        assert expected <= found[(marker.type, marker.name)].dependencies


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_parents_lead_from_resource_to_module_to_domain_to_platform(environment) -> None:
    registered = run(environment)
    found = by_name(registered)
    blueprint = blueprint_of(environment)
    for module in blueprint.sequence.modules:
        component = found[("totara:components:Module", module.id)]
        domain = registered[component.parent]
        assert domain.type.startswith("totara:domains:")
        assert registered[domain.parent].type == "totara:platform:Platform"
        for resource in blueprint.steps[module.id]:
            node = found[(resource.type, resource.name)]
            parent = registered[node.parent]
            assert component.urn in (parent.urn, parent.parent)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_resource_that_can_carry_tags_carries_the_set(environment) -> None:
    import inspect

    from totara_infra.components.made import resource_class

    settings = settings_of(environment)
    for registered in run(environment).values():
        if not registered.custom or registered.type.startswith("pulumi:"):
            continue
        kind = resource_class(registered.type)
        takes_tags = "tags" in inspect.signature(kind._internal_init).parameters
        assert takes_tags == ("tags" in registered.inputs), registered.name
        if takes_tags:
            tags = registered.inputs["tags"]
            assert tags["env"] == tags["environment"] == settings.environment
            assert {"tenant_id", "module_id", "system_id", "cost_center", "managed_by"} <= set(tags)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_goes_through_the_explicit_provider(environment) -> None:
    registered = run(environment)
    providers = [r for r in registered.values() if r.type == "pulumi:providers:aws"]
    assert [json.loads(p.inputs["allowedAccountIds"]) for p in providers] == [
        [settings_of(environment).account_id]
    ]
    platform = next(r for r in registered.values() if r.type == "totara:platform:Platform")
    assert platform.provider.startswith(providers[0].urn)


def test_stateful_things_are_protected_in_uat_and_prod_only() -> None:
    kinds = ("aws:kms/key:Key", "aws:s3/bucket:Bucket", "aws:cognito/userPool:UserPool",
             "aws:secretsmanager/secret:Secret")  # fmt: skip
    for environment in ENVIRONMENTS:
        kept = [r for r in run(environment).values() if r.type in kinds]
        assert kept
        assert all(r.protect is environment.keeps_state for r in kept)


def test_the_vaults_are_locked_in_prod_on_aws_and_nowhere_else() -> None:
    """What no emulator knows is asserted here, and named wherever it is left out."""
    lock = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
    figures = {"minRetentionDays": 7, "maxRetentionDays": 2600, "changeableForDays": 30}
    for environment in ENVIRONMENTS:
        registered = run(environment)
        locks = {r.name: r for r in registered.values() if r.type == lock}
        vaults = {r.name for r in registered.values() if r.type == "aws:backup/vault:Vault"}
        if environment is not Environment.PROD:
            assert (locks, vaults) == ({}, {VAULT})
            continue
        assert set(locks) == {f"{VAULT}/lock", f"{COPIES}/lock"}
        for name, found in locks.items():
            second = name.startswith(COPIES)
            vault = "bank-prod-recovery-point-copies" if second else "bank-prod-recovery-points"
            region = {"region": "ap-southeast-4"} if second else {}
            assert found.inputs == {"backupVaultName": vault, **figures, **region}
            assert found.protect
    rehearsal = settings_of(Environment.PROD).model_copy(
        update={"endpoint": "http://127.0.0.1:1", "protect": False}
    )
    tenants = load_tenants(PROJECT, rehearsal.tenants)
    # The program makes exactly the blueprint, as a test above says.
    emulated = plan(load_catalogue().catalogue, rehearsal, tenants)
    assert not [r for r in emulated.resources.values() if r.type == lock]
    assert lock_is_left_out(emulated.scope)


def test_no_registration_carries_a_secret_value() -> None:
    for environment in ENVIRONMENTS:
        for registered in run(environment).values():
            if registered.type == "aws:secretsmanager/secret:Secret":
                assert set(registered.inputs) <= {
                    "name", "description", "kmsKeyId", "recoveryWindowInDays", "policy", "tags",
                }  # fmt: skip


def test_a_tenant_composed_in_code_comes_up(catalogue) -> None:
    settings = settings_of(Environment.DEV).model_copy(
        update={"tenants": ["kowhai"], "default_tenant": "kowhai"}
    )
    tenant = Tenant(
        client_id="kowhai",
        display_name="Kowhai Credit Union",
        status="live",
        institution_type="mutual",
        jurisdictions=["NZ"],
    )
    registered = run_with(settings, [tenant])
    names = {r.name for r in registered.values()}
    assert "MOD-118" in names
    assert "MOD-119" not in names
