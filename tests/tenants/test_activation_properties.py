"""The activation matrix for every combination that the model allows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from totara_infra import load_catalogue
from totara_infra.model.declarations import Bucket
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Environment, InstitutionType, Jurisdiction, TenantStatus
from totara_infra.resolver import (
    ActivationState,
    activation,
    deployed_modules,
)
from totara_infra.resolver.activation import activation_beside
from totara_infra.resolver.tenant_rules import tenant_faults

CATALOGUE = load_catalogue().catalogue
OPTIONS = {o.id: o for o in CATALOGUE.tenancy.options}
HARD = [
    (module.id, d.module)
    for module in CATALOGUE.modules.values()
    for d in module.depends_on
    if d.required
]


def closed(chosen: set[str]) -> set[str]:
    """The options with those that they need."""
    found = set(chosen)
    while more := {n for o in found for n in OPTIONS[o].needs_options} - found:
        found |= more
    return found


@st.composite
def tenants(draw, client_ids=("kowhai",), statuses=tuple(TenantStatus)):
    """Any tenant that the model and the catalogue allow."""
    institution = draw(st.sampled_from(list(InstitutionType)))
    jurisdictions = draw(st.lists(st.sampled_from(list(Jurisdiction)), min_size=1, unique=True))
    possible = sorted(
        o.id
        for o in OPTIONS.values()
        if institution in o.institution_types and set(o.jurisdictions) & set(jurisdictions)
    )
    options = closed(draw(st.sets(st.sampled_from(possible)))) & set(possible)
    return Tenant(
        client_id=draw(st.sampled_from(client_ids)),
        display_name="Kowhai",
        status=draw(st.sampled_from(statuses)),
        institution_type=institution,
        jurisdictions=jurisdictions,
        options=sorted(options),
        sponsor_banks={
            o: OPTIONS[o].sponsor_bank or "Kauri Clearing"
            for o in sorted(options)
            if OPTIONS[o].needs_sponsor_bank
        },
    )


ENVIRONMENTS = st.sampled_from(list(Environment))
OPEN = tuple(s for s in TenantStatus if s is not TenantStatus.CLOSED)


def running(environment: Environment, tenant: Tenant) -> set[str]:
    return {m for m, d in activation(CATALOGUE, environment, tenant).items() if d.state.runs}


@settings(deadline=None, max_examples=150)
@given(tenants(), ENVIRONMENTS)
def test_the_active_set_is_closed_under_hard_dependencies(tenant, environment) -> None:
    active = running(environment, tenant)
    assert not [(m, d) for m, d in HARD if m in active and d not in active]


@settings(deadline=None, max_examples=100)
@given(tenants(), ENVIRONMENTS)
def test_the_same_input_gives_the_same_output_in_whatever_order(tenant, environment) -> None:
    turned = tenant.model_copy(
        update={
            "options": list(reversed(tenant.options)),
            "jurisdictions": list(reversed(tenant.jurisdictions)),
        }
    )
    first = activation(CATALOGUE, environment, tenant)
    assert first == activation(CATALOGUE, environment, tenant)
    assert first == activation(CATALOGUE, environment, turned)
    assert list(first) == list(CATALOGUE.modules)


@settings(deadline=None, max_examples=100)
@given(tenants(statuses=OPEN), ENVIRONMENTS, st.sets(st.sampled_from(sorted(OPTIONS))))
def test_a_licence_only_ever_adds_modules(tenant, environment, more) -> None:
    wider = tenant.model_copy(update={"options": sorted({*tenant.options, *closed(more)})})
    assert running(environment, tenant) <= running(environment, wider)


@settings(deadline=None, max_examples=100)
@given(tenants(), ENVIRONMENTS)
def test_modules_that_are_always_on_always_are(tenant, environment) -> None:
    decisions = activation(CATALOGUE, environment, tenant)
    always = {m for group in CATALOGUE.tenancy.always_on for m in group.modules}
    assert {m for m, d in decisions.items() if d.state is ActivationState.ALWAYS_ON} == always


@settings(deadline=None, max_examples=100)
@given(tenants(statuses=OPEN), ENVIRONMENTS)
def test_an_allowed_tenant_has_no_fault_and_gets_all_that_it_licenses(tenant, environment) -> None:
    assert tenant_faults(CATALOGUE, tenant) == []
    decisions = activation(CATALOGUE, environment, tenant)
    for condition in CATALOGUE.tenancy.conditions:
        wanted = (
            condition.jurisdiction in (None, *tenant.jurisdictions)
            and condition.institution_type in (None, tenant.institution_type)
            and set(condition.options) <= set(tenant.options)
        )
        for module in condition.modules:
            if environment in CATALOGUE.modules[module].environments:
                assert decisions[module].state.runs == wanted, module


@settings(deadline=None, max_examples=60)
@given(st.lists(tenants(client_ids="abcde"), min_size=1, max_size=4,
                unique_by=lambda t: t.client_id), ENVIRONMENTS)  # fmt: skip
def test_a_stack_deploys_what_its_tenants_run_together(together, environment) -> None:
    deployed = deployed_modules(CATALOGUE, environment, together)
    columns = {
        t.client_id: activation_beside(CATALOGUE, environment, t, deployed) for t in together
    }
    union = {
        module
        for tenant in together
        if tenant.status is not TenantStatus.CLOSED
        for module, decision in columns[tenant.client_id].items()
        if decision.state.runs
    }
    closed = [t for t in together if t.status is TenantStatus.CLOSED]
    left = {m for t in closed for m in running(environment, t)}
    # Of closed tenants only what keeps records stays, and what that needs.
    records = {
        m for m in left if any(isinstance(r, Bucket) for r in CATALOGUE.modules[m].resources)
    }
    assert union | records <= deployed <= union | left
    assert bool(closed) or union == deployed
    assert not [(m, d) for m, d in HARD if m in deployed and d not in deployed]
    for decisions in columns.values():
        for module, decision in decisions.items():
            exists = decision.state is not ActivationState.NOT_DEPLOYED
            assert exists == (module in deployed)
            assert decision.reasons
