"""The rules that a tenant is held against: licences, sponsors, modules, overrides, names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import Location
from totara_infra.model.stack import RECOVERY_SUFFIX, REHEARSAL_SUFFIX
from totara_infra.model.tenancy import Tenant
from totara_infra.model.values import misfit, outside
from totara_infra.model.vocabulary import Environment, TenantStatus
from totara_infra.resolver.activation import activation, unmet
from totara_infra.resolver.client_names import client_names


class Fault(NamedTuple):
    """One thing that is wrong with a tenant, and the field that it stands in."""

    location: Location
    rule: str
    what: str
    why: str
    fix: str


def tenant_faults(catalogue: Catalogue, tenant: Tenant) -> list[Fault]:
    """Everything that the catalogue has against a tenant."""
    return [
        *_repetitions(tenant),
        *_closing_faults(tenant),
        *_option_faults(catalogue, tenant),
        *_sponsor_faults(catalogue, tenant),
        *_module_faults(catalogue, tenant),
        *_override_faults(catalogue, tenant),
        *_name_faults(catalogue, tenant),
    ]


def _repetitions(tenant: Tenant) -> Iterator[Fault]:
    lists: dict[str, Sequence[str]] = {
        "jurisdictions": tenant.jurisdictions,
        "options": tenant.options,
        "modules": tenant.modules,
    }
    for field, entries in lists.items():
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            if entry in seen:
                yield Fault(
                    (field, index),
                    "listed-twice",
                    f"`{entry}` stands in `{field}` twice",
                    "one of the two was perhaps meant to be another",
                    "remove it, or correct it",
                )
            seen.add(entry)


def _closing_faults(tenant: Tenant) -> Iterator[Fault]:
    closed = tenant.status is TenantStatus.CLOSED
    if closed and tenant.closed_on is None:
        yield Fault(
            ("status",),
            "closed-without-date",
            f"`{tenant.client_id}` is closed, and nobody says since when",
            "what must be kept is kept for years from that day on",
            "add `closed_on:` with the day, such as 2026-11-27",
        )
    if not closed and tenant.closed_on is not None:
        yield Fault(
            ("closed_on",),
            "date-without-closing",
            f"`{tenant.client_id}` has a day of closing and is {tenant.status}",
            "a closed client does not come back; a new one gets another client id",
            "remove `closed_on`, or write `status: closed`",
        )


def _option_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[Fault]:
    known = [o.id for o in catalogue.tenancy.options]
    for index, option_id in enumerate(tenant.options):
        here: Location = ("options", index)
        option = catalogue.tenancy.option(option_id)
        if option is None:
            yield Fault(
                here,
                "unknown-option",
                f"licence option `{option_id}` does not exist",
                "nobody could say what it switches on",
                _suggestion(option_id.lower(), known),
            )
            continue
        if not set(option.jurisdictions) & set(tenant.jurisdictions):
            where = ", ".join(option.jurisdictions)
            yield Fault(
                here,
                "option-jurisdiction",
                f"`{option_id}` can't be licensed in {tenant.jurisdiction}",
                f"it exists in {where} only: {option.why}",
                f"remove the option, or add {where} to `jurisdictions`",
            )
        if tenant.institution_type not in option.institution_types:
            types = ", ".join(option.institution_types)
            yield Fault(
                here,
                "option-institution",
                f"`{option_id}` is not for a {tenant.institution_type} institution",
                f"it is for {types} only: {option.why}",
                "remove the option, or correct `institution_type`",
            )
        for needed in option.needs_options:
            if needed not in tenant.options:
                yield Fault(
                    here,
                    "option-needs",
                    f"`{option_id}` needs the option `{needed}`",
                    option.why,
                    f"add `{needed}` to `options`, or remove `{option_id}`",
                )
        sponsor = tenant.sponsor_banks.get(option_id)
        if option.needs_sponsor_bank and not (sponsor or "").strip():
            yield Fault(
                here,
                "sponsor-missing",
                f"`{option_id}` has no sponsor bank",
                "the tenant reaches the rail through a sponsor",
                f"add `{option_id}: {option.sponsor_bank or '<name of the sponsor>'}` under "
                "`sponsor_banks`",
            )


def _sponsor_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[Fault]:
    for option_id, sponsor in tenant.sponsor_banks.items():
        here: Location = ("sponsor_banks", option_id)
        option = catalogue.tenancy.option(option_id)
        if option_id not in tenant.options:
            yield Fault(
                here,
                "sponsor-unused",
                f"a sponsor bank for `{option_id}`, which is not licensed",
                "it would sponsor nothing",
                "license the option, or remove the sponsor",
            )
        elif option is not None and not option.needs_sponsor_bank:
            yield Fault(
                here,
                "sponsor-unused",
                f"a sponsor bank for `{option_id}`, which needs none",
                "it would sponsor nothing",
                "remove the sponsor",
            )
        elif option is not None and option.sponsor_bank and sponsor != option.sponsor_bank:
            yield Fault(
                here,
                "sponsor-unknown",
                f"sponsor bank `{sponsor}` of `{option_id}`",
                f"only {option.sponsor_bank} sponsors it",
                f"write {option.sponsor_bank}",
            )


def _module_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[Fault]:
    """Modules licensed by name or through an option that can't run for the tenant."""
    # A closed tenant runs nothing; its licences are judged as they were while it was open.
    opened = (
        tenant.model_copy(update={"status": TenantStatus.SUSPENDED})
        if tenant.status is TenantStatus.CLOSED
        else tenant
    )
    # Every module exists in dev, so nothing is missing there but what is not licensed.
    decisions = activation(catalogue, Environment.DEV, opened)
    conditions = {m: c for c in catalogue.tenancy.conditions for m in c.modules}
    for index, module_id in enumerate(tenant.modules):
        here: Location = ("modules", index)
        missing = unmet(conditions[module_id], tenant) if module_id in conditions else []
        if module_id not in catalogue.modules:
            yield Fault(
                here,
                "unknown-module",
                f"{module_id} does not exist",
                "it can't be licensed",
                _suggestion(module_id, list(catalogue.modules), most=3),
            )
        elif missing:
            yield Fault(
                here,
                "licence-unmet",
                f"{module_id} is licensed by name, but {' and '.join(missing)} is missing",
                conditions[module_id].reason,
                f"add it, or remove {module_id} from `modules`",
            )
        elif not decisions[module_id].state.runs:
            yield Fault(
                here,
                "licence-chain",
                f"{module_id} is licensed by name, but what it needs is not licensed",
                " ".join(decisions[module_id].reasons),
                f"license what is missing, or remove {module_id} from `modules`",
            )
    for module_id, condition in conditions.items():
        licensed = [o for o in condition.options if o in tenant.options]
        if licensed and not unmet(condition, tenant) and not decisions[module_id].state.runs:
            yield Fault(
                ("options", tenant.options.index(licensed[-1])),
                "licence-chain",
                f"`{licensed[-1]}` licenses {module_id}, but what that needs is not licensed",
                " ".join(decisions[module_id].reasons),
                f"license what is missing, or remove `{licensed[-1]}` from `options`",
            )


def _override_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[Fault]:
    settings = {s.key: s for m in catalogue.modules.values() for s in m.settings}
    overridable = [k for k, s in settings.items() if s.overridable]
    for key, value in tenant.overrides.items():
        here: Location = ("overrides", key)
        setting = settings.get(key)
        if setting is None:
            yield Fault(
                here,
                "override-unknown",
                f"`{key}` is no setting",
                "nothing would read it",
                f"{_suggestion(key, overridable, most=3)}; `totara config list local` shows every "
                "setting",
            )
        elif not setting.overridable:
            yield Fault(
                here,
                "override-forbidden",
                f"`{key}` can't differ between tenants",
                "the catalogue does not mark it as overridable",
                "remove the override",
            )
        else:
            fault = misfit(setting.type, value) or outside(setting, value)
            if fault:
                yield Fault(
                    here,
                    "override-value",
                    f"`{key}`: {fault}",
                    f"its type is {setting.type}, with the limits that the catalogue declares",
                    "correct the value",
                )


def _name_faults(catalogue: Catalogue, tenant: Tenant) -> Iterator[Fault]:
    """The client id must fit every name that it enters, in every environment."""
    names = client_names(catalogue, isolated=tenant.isolated)
    tight = [n for n in names if n.room < len(tenant.client_id)]
    if tight:
        yield Fault(
            ("client_id",),
            "client-id-length",
            f"`{tenant.client_id}` is {len(tenant.client_id)} characters long, too many for "
            + ", ".join(n.with_id(tenant.client_id) for n in tight),
            "the client id enters these names, and they have a limit",
            f"choose a client id of at most {tight[0].room} characters",
        )
    reserved = {
        REHEARSAL_SUFFIX: ("a rehearsal", "run on this machine only"),
        RECOVERY_SUFFIX: ("a recovery stack", "stand in for another one in the other region"),
    }
    for suffix, (like, what) in reserved.items():
        if tenant.isolated and f"-{tenant.client_id}".endswith(suffix):
            yield Fault(
                ("client_id",),
                "client-id-reserved",
                f"a stack of `{tenant.client_id}` alone would be called like {like}",
                f"stacks whose name ends in `{suffix}` {what}",
                "choose another client id",
            )


def _suggestion(word: str, known: Sequence[str], most: int = 1) -> str:
    near = difflib.get_close_matches(word, known, n=most)
    if near:
        return f"write {' or '.join(f'`{n}`' for n in near)}"
    return f"write one of {', '.join(sorted(known))}"
