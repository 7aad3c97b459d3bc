"""Each component by itself, as somebody composes it without the platform."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pulumi
import pytest

from tests.environments import blueprint_of
from tests.program.test_graph import Monitor, Outputs, Registered
from totara_infra.blueprint import PlannedResource
from totara_infra.blueprint.alert_routing import alert_routing_resources
from totara_infra.blueprint.alerts import alarm_resources
from totara_infra.blueprint.app_config import app_config_resources
from totara_infra.blueprint.backup import backup_resources
from totara_infra.blueprint.identity import identity_resources
from totara_infra.blueprint.infrastructure import infrastructure_resources
from totara_infra.blueprint.parameters import parameter_resources
from totara_infra.blueprint.resource import references
from totara_infra.blueprint.roll_out import roll_out_resources
from totara_infra.blueprint.secrets import secret_resources
from totara_infra.components import (
    Alarms,
    AlertRouting,
    AppConfig,
    AppConfigArgs,
    Backup,
    Buckets,
    ClaimMapping,
    Encryption,
    EventBuses,
    Gate,
    GateArgs,
    GroupArgs,
    LogGroups,
    Made,
    Module,
    ModuleArgs,
    Parameters,
    Roles,
    RollOut,
    Secrets,
    Topics,
)
from totara_infra.domains import DOMAINS, SystemDomain, SystemDomainArgs
from totara_infra.model.vocabulary import Environment

BLUEPRINT = blueprint_of(Environment.LOCAL)
SCOPE = BLUEPRINT.scope
CATALOGUE = SCOPE.catalogue


def run(program: Callable[[], None]) -> list[Registered]:
    asyncio.set_event_loop(asyncio.new_event_loop())
    monitor = Monitor(Outputs())
    pulumi.runtime.set_mocks(Outputs(), project="p", stack="s", monitor=monitor)

    @pulumi.runtime.test
    async def wrapped() -> None:
        program()

    wrapped()
    return list(monitor.registered.values())


def of_kind(kind: str) -> list[PlannedResource]:
    return [
        r
        for module in CATALOGUE.modules.values()
        for r in infrastructure_resources(SCOPE, module)
        if r.kind == kind
    ]


def with_keys(made: Made) -> None:
    Encryption("keys", GroupArgs(of_kind("encryption"), made))


def with_app_config(made: Made) -> None:
    domain = CATALOGUE.domain["SD07"]
    RollOut("roll-out", GroupArgs(roll_out_resources(SCOPE), made))
    AppConfig(domain.repository, AppConfigArgs(app_config_resources(SCOPE, domain), made))


@pytest.mark.parametrize(
    ("component", "kind"),
    [(EventBuses, "events"), (Buckets, "storage"), (Topics, "messaging"), (LogGroups, "logging"),
     (Roles, "roles"), (Encryption, "encryption")],
)  # fmt: skip
def test_a_group_makes_its_resources_as_children_of_itself(component, kind) -> None:
    wanted = of_kind(kind)
    assert wanted
    names: list[list[str]] = []

    def program() -> None:
        made = Made()
        if kind != "encryption":
            with_keys(made)
        if kind == "roles":
            # Policies of other modules are attached to roles of MOD-104: roles come first.
            wanted.sort(key=lambda r: (r.shape != "Role", r.shape == "RolePolicyAttachment"))
        names.append(component("alone", GroupArgs(wanted, made)).names)

    registered = run(program)
    group = next(r for r in registered if r.type == component.token and r.name == "alone")
    children = [r for r in registered if r.parent == group.urn]
    assert sorted(r.name for r in children) == sorted(r.name for r in wanted)
    assert names == [[r.name for r in wanted]]


def test_backup_alone_selects_by_tag_and_copies_to_the_recovery_region_in_prod() -> None:
    scope = blueprint_of(Environment.PROD).scope
    wanted = backup_resources(scope, CATALOGUE.modules["MOD-104"])

    def program() -> None:
        made = Made()
        with_keys(made)
        Backup("backup", GroupArgs(wanted, made))

    registered = {r.name: r for r in run(program)}
    assert set(registered) >= {r.name for r in wanted}
    stores = CATALOGUE.stores
    assert stores is not None
    for plan in stores.plans:
        selection = registered[f"backup_plan/{plan.id}/selection"].inputs
        tag = {"type": "STRINGEQUALS", "key": "backup", "value": plan.id}
        assert selection["selectionTags"] == [tag]
        # The pipeline makes no roles: this one is there already.
        assert selection["iamRoleArn"] == "arn:aws:iam::333333333333:role/BankBackupRole"
        rules = registered[f"backup_plan/{plan.id}"].inputs["rules"]
        copied = {r["ruleName"] for r in rules if r.get("copyActions")}
        assert copied == {"every-day"}
    assert registered["backup_vault/recovery-point-copies"].inputs["region"] == "ap-southeast-4"


def test_parameters_alone() -> None:
    module = CATALOGUE.modules["MOD-001"]
    wanted = parameter_resources(SCOPE, module)
    registered = run(lambda: Parameters("posting-engine", GroupArgs(wanted)) and None)
    made = [r for r in registered if r.type == "aws:ssm/parameter:Parameter"]
    assert {r.inputs["name"] for r in made} == {r.properties["name"] for r in wanted}
    assert all("insecureValue" in r.inputs and "value" not in r.inputs for r in made)


def test_secrets_alone_hold_no_value() -> None:
    wanted = secret_resources(SCOPE, CATALOGUE.modules["MOD-103"])

    def program() -> None:
        made = Made()
        with_keys(made)
        Secrets("databases", GroupArgs(wanted, made))

    made = [r for r in run(program) if r.type == "aws:secretsmanager/secret:Secret"]
    assert len(made) == len(wanted) == 24


def test_alarms_alone_act_on_the_intake() -> None:
    observability, ledger = CATALOGUE.modules["MOD-076"], CATALOGUE.modules["MOD-002"]

    def program() -> None:
        made = Made()
        with_keys(made)
        Topics("topics", GroupArgs(of_kind("messaging"), made))
        routing = alert_routing_resources(SCOPE, observability)
        AlertRouting("routing", GroupArgs(routing, made))
        Alarms("ledger", GroupArgs(alarm_resources(SCOPE, ledger), made))
        Alarms("platform", GroupArgs(alarm_resources(SCOPE, observability), made))

    registered = run(program)
    intake = next(r for r in registered if r.name == "topic/mod076-alarm-intake")
    alarm = next(r for r in registered if r.name == "alarm/ALERT-LEDGER-001")
    router = next(r for r in registered if r.name == "alert_route/router")
    assert alarm.inputs["namespace"] == "bank/modules"
    assert intake.urn in alarm.dependencies and intake.urn in router.dependencies
    assert router.inputs["protocol"] == "lambda"
    composite = next(r for r in registered if r.name == "alarm/ALERT-FUNCTIONS-100")
    members = {r.urn for r in registered if r.name.startswith("alarm/ALERT-FUNCTIONS-00")}
    assert len(members) == 3
    assert members <= set(composite.dependencies)
    assert "alarmActions" not in next(r for r in registered if r.urn in members).inputs


def test_app_config_alone_queues_its_deployments() -> None:
    registered = run(lambda: with_app_config(Made()))
    deployments = [r for r in registered if r.type == "aws:appconfig/deployment:Deployment"]
    waits = {r.urn: r for r in registered if r.type == "aws:ssm/parameter:Parameter"}
    assert len(deployments) == 3
    queued = [next((waits[d].name for d in r.dependencies if d in waits), "") for r in deployments]
    assert queued[0] == ""
    assert queued[1].endswith("bank-platform-deployment")
    assert queued[2].endswith("bank-platform-module-activation")


def test_claim_mapping_alone_makes_pools_clients_and_triggers() -> None:
    wanted = identity_resources(SCOPE)

    def program() -> None:
        made = Made()
        with_app_config(made)
        ClaimMapping("identity", GroupArgs(wanted, made))

    registered = run(program)
    mapping = next(r for r in registered if r.type == ClaimMapping.token)
    assert {r.name for r in registered if r.parent == mapping.urn} == {r.name for r in wanted}


def test_a_module_without_declarations_still_has_its_marker() -> None:
    marker = BLUEPRINT.steps["MOD-143"][-1]
    registered = run(lambda: Module("MOD-143", ModuleArgs([marker])) and None)
    (made,) = [r for r in registered if r.custom]
    assert made.inputs["name"] == "/bank/local/deployment/mod-143"


def test_a_gate_without_checks_is_its_parameter() -> None:
    resource = BLUEPRINT.gate(3)
    registered = run(lambda: Gate("phase-3", GateArgs(BLUEPRINT, 3, resource)) and None)
    (made,) = [r for r in registered if r.custom]
    assert made.inputs["insecureValue"] == resource.properties["insecure_value"]


@pytest.mark.parametrize("domain_id", sorted(DOMAINS))
def test_a_domain_groups_its_modules(domain_id) -> None:
    module = next(m for m in CATALOGUE.domain[domain_id].modules if not m.resources)
    steps = {**BLUEPRINT.steps, module.id: [
        r for r in BLUEPRINT.steps[module.id]
        if not any(references(r.properties))
    ]}  # fmt: skip
    alone = type(BLUEPRINT)(SCOPE, BLUEPRINT.sequence, steps)

    def program() -> None:
        domain = DOMAINS[domain_id](domain_id.lower(), SystemDomainArgs(alone))
        domain.add_module(module.id, [])
        assert set(domain.modules) == {module.id}

    registered = run(program)
    domain = next(r for r in registered if r.type.startswith("totara:domains:"))
    component = next(r for r in registered if r.type == "totara:components:Module")
    assert (component.name, component.parent) == (module.id, domain.urn)


def test_a_module_has_the_same_urns_in_every_domain() -> None:
    """The engine knows a resource by its URN: another one would be made, and this one deleted."""
    steps = {
        **BLUEPRINT.steps,
        "MOD-001": [r for r in BLUEPRINT.steps["MOD-001"] if not any(references(r.properties))],
    }
    alone = type(BLUEPRINT)(SCOPE, BLUEPRINT.sequence, steps)

    def urns(domain_id: str) -> set[str]:
        def program() -> None:
            domain = DOMAINS[domain_id](domain_id.lower(), SystemDomainArgs(alone))
            domain.add_module("MOD-001", [])

        others = ("totara:domains:", "pulumi:")
        return {r.urn for r in run(program) if not r.type.startswith(others)}

    found = {domain_id: urns(domain_id) for domain_id in DOMAINS}
    assert {urn.split("::")[-1] for urn in found["SD01"]} >= {"MOD-001", "deployment/mod-001"}
    assert all(of_domain == found["SD01"] for of_domain in found.values())


def test_a_state_that_knows_a_type_for_each_domain_is_taken_over() -> None:
    types = {}

    class Aliases(Monitor):
        def RegisterResource(self, request):
            if request.type == SystemDomain.token:
                types[request.name] = [alias.spec.type for alias in request.aliases]
            return super().RegisterResource(request)

    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(Outputs(), project="p", stack="s", monitor=Aliases(Outputs()))

    @pulumi.runtime.test
    async def program() -> None:
        for domain in CATALOGUE.domains:
            DOMAINS[domain.id](domain.slug, SystemDomainArgs(BLUEPRINT))

    program()
    assert len(types) == 8
    assert types[CATALOGUE.domain["SD01"].slug] == ["totara:domains:CoreBanking"]
    assert len({alias for (alias,) in types.values()}) == 8
