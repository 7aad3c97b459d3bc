"""Tenants held against the catalogue: licences, sponsors, overrides, names.

A tenant from a file is judged with the lines of its file; one that is composed in Python is judged
by the same rules when the platform is planned.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import Document, Location, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.stack import REHEARSAL_SUFFIX
from totara_infra.model.tenancy import Condition, LicenceOption, Tenant
from totara_infra.model.tenants import load_tenants, tenant_file
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


_ALSO_READS: Mapping[str, frozenset[str]] = {
    "option-jurisdiction": frozenset({"jurisdictions"}),
    "option-institution": frozenset({"institution_type"}),
    "licence-unmet": frozenset({"jurisdictions", "institution_type", "options"}),
    "licence-chain": frozenset({"jurisdictions", "institution_type", "options"}),
    "sponsor-unused": frozenset({"options"}),
    "option-needs": frozenset({"options"}),
    "sponsor-missing": frozenset({"sponsor_banks"}),
}
"""Rule -> further fields that it judges by. Where one of them is malformed, the rule is silent."""


def tenant_problems(catalogue: Catalogue, tenant: Tenant, root: Path) -> list[Problem]:
    """Everything that the catalogue has against a tenant's file, with lines.

    Args:
        catalogue: validated.
        tenant: as read from `stacks/<client_id>.yaml`.
        root: the project's folder.
    """
    document = read_document(tenant_file(root, tenant.client_id), root)
    return _placed(document, tenant.client_id, tenant_faults(catalogue, tenant))


def document_problems(catalogue: Catalogue, document: Document) -> list[Problem]:
    """Everything wrong with the content of a tenant's file, malformed or not, at once.

    Args:
        catalogue: validated.
        document: a tenant's file as read, or as it is going to be written.
    """
    try:
        tenant = parse(document, Tenant)
    except ProblemsError as error:
        return [*error.problems, *_further_problems(catalogue, document)]
    return _placed(document, tenant.client_id, tenant_faults(catalogue, tenant))


def checked_tenants(
    catalogue: Catalogue, root: Path, client_ids: Sequence[str], stack: str | None = None
) -> list[Tenant]:
    """Read the tenants of a stack and hold them against the catalogue.

    Args:
        catalogue: validated.
        root: the project's folder.
        client_ids: as in the stack's config.
        stack: name of the stack, so that errors can point into its file.

    Raises:
        ProblemsError: everything wrong with the list and the files.
    """
    tenants = load_tenants(root, client_ids, stack)
    problems = [p for t in tenants for p in tenant_problems(catalogue, t, root)]
    if problems:
        raise ProblemsError(problems)
    return tenants


def refuse_faulty(
    catalogue: Catalogue, tenants: Sequence[Tenant], client_ids: Sequence[str]
) -> None:
    """Refuse tenants that the catalogue or the stack's settings have something against.

    Args:
        catalogue: validated.
        tenants: from files or composed in Python.
        client_ids: those that the stack's settings list.

    Raises:
        ProblemsError: everything wrong with them.
    """
    problems = [
        Problem(f"tenant {t.client_id}", 0, f.rule, f.what, f.why, f.fix, t.client_id)
        for t in tenants
        for f in tenant_faults(catalogue, t)
    ]
    given = [t.client_id for t in tenants]
    if sorted(given) != sorted(client_ids):
        problems.append(
            Problem(
                "stack settings",
                0,
                "stack-tenants",
                f"the settings list {', '.join(client_ids)}, and {', '.join(given)} are given",
                "the list decides which tenants a stack has, and nothing else does",
                "make `tenants` of the settings and the given tenants the same",
            )
        )
    if len(tenants) > 1:
        problems += [
            Problem(
                f"tenant {t.client_id}",
                0,
                "isolated-shared",
                f"`{t.client_id}` is isolated, yet shares the stack with others",
                "an isolated client runs alone, in an AWS account of its own",
                "give it a stack of its own",
                t.client_id,
            )
            for t in tenants
            if t.isolated
        ]
    if problems:
        raise ProblemsError(problems)


def tenant_faults(catalogue: Catalogue, tenant: Tenant) -> list[Fault]:
    """Everything that the catalogue has against a tenant."""
    return [
        *_repetitions(tenant),
        *_option_faults(catalogue, tenant),
        *_sponsor_faults(catalogue, tenant),
        *_module_faults(catalogue, tenant),
        *_override_faults(catalogue, tenant),
        *_name_faults(catalogue, tenant),
    ]


def _placed(document: Document, client_id: str, faults: Sequence[Fault]) -> list[Problem]:
    return [document.problem(f.location, f.rule, f.what, f.why, f.fix, client_id) for f in faults]


def _further_problems(catalogue: Catalogue, document: Document) -> list[Problem]:
    """What is wrong with the well-formed fields of a file that has malformed ones."""
    if not isinstance(document.data, dict):
        return []
    sound: dict[str, Any] = {}
    for field, value in document.data.items():
        if field in Tenant.model_fields:
            alone = Document(document.path, document.root, "", {**_STAND_IN, field: value})
            try:
                sound[field] = getattr(parse(alone, Tenant), field)
            except ProblemsError:
                continue
    tenant = Tenant.model_validate(_STAND_IN | sound)
    malformed = set(Tenant.model_fields) - set(sound) - set(_optional_fields(document.data))
    faults = [
        f
        for f in tenant_faults(catalogue, tenant)
        if f.location[0] in sound and not _ALSO_READS.get(f.rule, frozenset()) & malformed
    ]
    return _placed(document, str(sound.get("client_id", "")), faults)


def _optional_fields(data: Mapping[str, Any]) -> Iterator[str]:
    for name, field in Tenant.model_fields.items():
        if name not in data and not field.is_required():
            yield name


_STAND_IN: dict[str, Any] = {
    "client_id": "tenant",
    "display_name": "Tenant",
    "status": "planned",
    "institution_type": "mutual",
    "jurisdictions": ["NZ"],
}
"""Values for required fields that are malformed, while the others are looked at."""


def _repetitions(tenant: Tenant) -> Iterator[Fault]:
    lists: dict[str, Sequence[str]] = {
        "jurisdictions": tenant.jurisdictions,
        "options": tenant.options,
        "modules": tenant.modules,
    }
    for field, entries in lists.items():
        for index, entry in enumerate(entries):
            if entry in entries[:index]:
                yield Fault(
                    (field, index),
                    "listed-twice",
                    f"`{entry}` stands in `{field}` twice",
                    "one of the two was perhaps meant to be another",
                    "remove it, or correct it",
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
                _suggestion(key, overridable, most=3),
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
    if tenant.isolated and f"-{tenant.client_id}".endswith(REHEARSAL_SUFFIX):
        yield Fault(
            ("client_id",),
            "client-id-reserved",
            f"a stack of `{tenant.client_id}` alone would be called like a rehearsal",
            f"stacks whose name ends in `{REHEARSAL_SUFFIX}` run on this machine only",
            "choose another client id",
        )


def _suggestion(word: str, known: Sequence[str], most: int = 1) -> str:
    near = difflib.get_close_matches(word, known, n=most)
    if near:
        return f"write {' or '.join(f'`{n}`' for n in near)}"
    return f"write one of {', '.join(sorted(known))}"


def allowed_options(
    catalogue: Catalogue, institution_type: str, jurisdictions: Collection[str]
) -> list[LicenceOption]:
    """The options that an institution of that type and licence could have."""
    return [
        o
        for o in catalogue.tenancy.options
        if institution_type in o.institution_types and set(o.jurisdictions) & set(jurisdictions)
    ]


def condition_of(catalogue: Catalogue, module_id: str) -> Condition | None:
    """The condition of a module, if it has one."""
    return next((c for c in catalogue.tenancy.conditions if module_id in c.modules), None)
