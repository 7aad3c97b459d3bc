"""Tenants held against the catalogue: licences, sponsors, overrides, names.

A tenant from a file is judged with the lines of its file; one that is composed in Python is judged
by the same rules when the platform is planned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.tenancy import LicenceOption, Tenant
from totara_infra.model.tenants import load_tenants, tenant_file
from totara_infra.resolver.tenant_rules import Fault, tenant_faults

_ALSO_READS: Mapping[str, frozenset[str]] = {
    "option-jurisdiction": frozenset({"jurisdictions"}),
    "option-institution": frozenset({"institution_type"}),
    "licence-unmet": frozenset({"jurisdictions", "institution_type", "options"}),
    "licence-chain": frozenset({"jurisdictions", "institution_type", "options"}),
    "sponsor-unused": frozenset({"options"}),
    "option-needs": frozenset({"options"}),
    "sponsor-missing": frozenset({"sponsor_banks"}),
    "closed-without-date": frozenset({"closed_on"}),
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


def allowed_options(
    catalogue: Catalogue, institution_type: str, jurisdictions: Collection[str]
) -> list[LicenceOption]:
    """The options that an institution of that type and licence could have."""
    return [
        o
        for o in catalogue.tenancy.options
        if institution_type in o.institution_types and set(o.jurisdictions) & set(jurisdictions)
    ]
