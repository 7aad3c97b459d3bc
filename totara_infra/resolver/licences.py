"""A tenant's file held against the catalogue: licences, sponsors, overrides, names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from totara_infra.model import naming
from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import Document, Location, read_document
from totara_infra.model.problems import Problem
from totara_infra.model.tenancy import Tenant
from totara_infra.model.tenants import TENANT_DIRECTORY
from totara_infra.model.values import misfit, outside
from totara_infra.model.vocabulary import Environment
from totara_infra.resolver.activation import activation, unmet


def tenant_problems(catalogue: Catalogue, tenant: Tenant, root: Path) -> list[Problem]:
    """Everything wrong with a tenant's file, with lines.

    Args:
        catalogue: validated.
        tenant: as read from `stacks/<client_id>.yaml`.
        root: the project's folder.
    """
    document = read_document(root / TENANT_DIRECTORY / f"{tenant.client_id}.yaml", root)
    return [
        _problem(document, tenant, location, rule, *texts)
        for location, rule, *texts in (
            *_option_faults(catalogue, tenant),
            *_module_faults(catalogue, tenant),
            *_override_faults(catalogue, tenant),
            *_name_faults(catalogue, tenant),
        )
    ]


# Place, rule, what, why, fix.
_Fault = tuple[Location, str, str, str, str]


def _problem(
    document: Document, tenant: Tenant, location: Location, rule: str, *texts: str
) -> Problem:
    what, why, fix = texts
    return document.problem(location, rule, what, why, fix, tenant.client_id)


def _option_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[_Fault]:
    for index, option_id in enumerate(tenant.options):
        here: Location = ("options", index)
        option = catalogue.tenancy.option(option_id)
        if option is None:
            known = ", ".join(sorted(o.id for o in catalogue.tenancy.options))
            yield (
                here,
                "unknown-option",
                f"licence option `{option_id}` does not exist",
                "nobody could say what it switches on",
                f"write one of {known}",
            )
            continue
        if not set(option.jurisdictions) & set(tenant.jurisdictions):
            where = ", ".join(option.jurisdictions)
            yield (
                here,
                "option-jurisdiction",
                f"`{option_id}` can't be licensed in {tenant.jurisdiction}",
                f"it exists in {where} only: {option.why}",
                f"remove the option, or add {where} to `jurisdictions`",
            )
        if tenant.institution_type not in option.institution_types:
            types = ", ".join(option.institution_types)
            yield (
                here,
                "option-institution",
                f"`{option_id}` is not for a {tenant.institution_type}",
                f"it is for {types}: {option.why}",
                "remove the option",
            )
        for needed in option.needs_options:
            if needed not in tenant.options:
                yield (
                    here,
                    "option-needs",
                    f"`{option_id}` needs the option `{needed}`",
                    option.why,
                    f"add `{needed}` to `options`, or remove `{option_id}`",
                )
        sponsor = tenant.sponsor_banks.get(option_id)
        if option.needs_sponsor_bank and sponsor is None:
            example = option.sponsor_bank or "the sponsor's name"
            yield (
                here,
                "sponsor-missing",
                f"`{option_id}` has no sponsor bank",
                "the tenant reaches the rail through a sponsor",
                f"add `sponsor_banks: {{{option_id}: {example}}}`",
            )
        elif option.sponsor_bank and sponsor not in (None, option.sponsor_bank):
            yield (
                ("sponsor_banks", option_id),
                "sponsor-unknown",
                f"sponsor bank `{sponsor}` of `{option_id}`",
                f"only {option.sponsor_bank} sponsors it",
                f"write {option.sponsor_bank}",
            )
    for option_id in tenant.sponsor_banks:
        if option_id not in tenant.options:
            yield (
                ("sponsor_banks", option_id),
                "sponsor-unused",
                f"a sponsor bank for `{option_id}`, which is not licensed",
                "it would sponsor nothing",
                "license the option, or remove the sponsor",
            )


def _module_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[_Fault]:
    decisions = activation(catalogue, Environment.DEV, tenant)
    conditions = {m: c for c in catalogue.tenancy.conditions for m in c.modules}
    for index, module_id in enumerate(tenant.modules):
        here: Location = ("modules", index)
        if module_id not in catalogue.modules:
            yield (
                here,
                "unknown-module",
                f"{module_id} does not exist",
                "it can't be licensed",
                "correct the id",
            )
        elif module_id in conditions and unmet(conditions[module_id], tenant):
            missing = " and ".join(unmet(conditions[module_id], tenant))
            yield (
                here,
                "licence-unmet",
                f"{module_id} is licensed by name, but {missing} is missing",
                conditions[module_id].reason,
                f"add it, or remove {module_id} from `modules`",
            )
        elif not decisions[module_id].state.runs:
            chain = " ".join(decisions[module_id].reasons)
            yield (
                here,
                "licence-chain",
                f"{module_id} is licensed by name, but something it needs is off",
                chain,
                f"license what is missing, or remove {module_id} from `modules`",
            )


def _override_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[_Fault]:
    settings = {s.key: s for m in catalogue.modules.values() for s in m.settings}
    for key, value in tenant.overrides.items():
        here: Location = ("overrides", key)
        setting = settings.get(key)
        if setting is None:
            yield (
                here,
                "override-unknown",
                f"`{key}` is no setting",
                "nothing would read it",
                "correct the key: `totara config` lists them",
            )
        elif not setting.overridable:
            yield (
                here,
                "override-forbidden",
                f"`{key}` can't differ between tenants",
                "the catalogue does not mark it as overridable",
                "remove the override",
            )
        else:
            fault = misfit(setting.type, value) or outside(setting, value)
            if fault:
                yield (
                    here,
                    "override-value",
                    f"`{key}`: {fault}",
                    f"its type is {setting.type}, with the limits that the catalogue declares",
                    "correct the value",
                )


def _name_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[_Fault]:
    """The client id must fit every name that it enters, in every environment."""
    names = [s.path for m in catalogue.modules.values() for s in m.secrets]
    names += [p.path for m in catalogue.modules.values() for p in m.parameters]
    for name in names:
        if "client_id" in naming.placeholders(name):
            filled = naming.fill(name, {"env": "local", "client_id": tenant.client_id})
            fault = naming.ssm_fault(filled)
            if fault:
                yield (
                    ("client_id",),
                    "client-id-name",
                    f"`{tenant.client_id}` does not fit `{name}`",
                    fault,
                    "choose a shorter client id",
                )
