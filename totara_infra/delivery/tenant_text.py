"""What stands in a new tenant's file, and in the stack's file of an isolated one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Setting
from totara_infra.model.documents import read_document
from totara_infra.model.stack import PROJECT, config_of
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import Environment
from totara_infra.model.yaml_text import scalar
from totara_infra.resolver import activation
from totara_infra.resolver.licences import allowed_options


@dataclass(frozen=True)
class NewTenant:
    """What somebody asked for, unchecked.

    Attributes:
        client_id: lower-case words joined by hyphens.
        display_name: as people read it.
        institution_type: mutual or proprietary.
        jurisdictions: of its licence.
        options: licence options.
        sponsor_banks: licence option -> sponsor bank.
        status: planned, live, suspended or closed.
        isolated: a stack and an AWS account of its own.
        environment: of the stack of an isolated tenant.
        account_id: of an isolated tenant's AWS account.
    """

    client_id: str
    display_name: str
    institution_type: str
    jurisdictions: Sequence[str]
    options: Sequence[str] = ()
    sponsor_banks: Mapping[str, str] = field(default_factory=dict)
    status: str = "planned"
    isolated: bool = False
    environment: Environment = Environment.PROD
    account_id: str = ""

    @property
    def stack(self) -> str:
        """Name of the stack of an isolated tenant."""
        return f"{self.environment}-{self.client_id}"


def tenant_text(catalogue: Catalogue, wanted: NewTenant) -> str:
    """Content of a tenant's file, each line with its explanation."""
    lines = [
        "# yaml-language-server: $schema=../schemas/tenant.json",
        f"# {_one_line(wanted.display_name)}. How to go on: docs/guides/new-tenant.md.",
        "",
        "# Enters names in AWS and every sign-in token, so it never changes; also the file's name.",
        f"client_id: {scalar(wanted.client_id)}",
        "# As customers and staff read it.",
        f"display_name: {scalar(wanted.display_name)}",
        "# planned: composed and checked, nobody signs in yet. live: in business.",
        "# suspended: sign-in is refused. closed: kept for retention duties only.",
        f"status: {scalar(wanted.status)}",
        "# mutual: its members own it and have equity and a vote. proprietary: a company.",
        f"institution_type: {scalar(wanted.institution_type)}",
        "# Whose law its licence falls under: [NZ], [AU] or [NZ, AU].",
        f"jurisdictions: [{', '.join(scalar(j) for j in wanted.jurisdictions)}]",
        *_option_lines(catalogue, wanted),
        *_sponsor_lines(wanted),
    ]
    if wanted.isolated:
        lines += [
            f"# Runs alone, in the stack {_one_line(wanted.stack)} and an AWS account of its own.",
            "isolated: true",
        ]
    lines += _override_lines(catalogue, wanted)
    return "\n".join(lines) + "\n"


def _one_line(value: str) -> str:
    """The text for a comment, which a line break would end."""
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _option_lines(catalogue: Catalogue, wanted: NewTenant) -> Iterator[str]:
    titles = {o.id: o.title for o in catalogue.tenancy.options}
    yield "# What it licenses beyond the core. `totara activation` says which modules that adds."
    if not wanted.options:
        yield "options: []"
    else:
        yield "options:"
        for option_id in wanted.options:
            title = f"  # {titles[option_id]}" if option_id in titles else ""
            yield f"  - {scalar(option_id)}{title}"
    others = [
        o
        for o in allowed_options(catalogue, wanted.institution_type, wanted.jurisdictions)
        if o.id not in wanted.options
    ]
    if others:
        yield "# It could also license:"
        for option in others:
            needs = f", with {', '.join(option.needs_options)}" if option.needs_options else ""
            sponsor = ", through a sponsor bank" if option.needs_sponsor_bank else ""
            yield f"#   - {option.id}  # {option.title}{needs}{sponsor}"


def _sponsor_lines(wanted: NewTenant) -> Iterator[str]:
    if wanted.sponsor_banks:
        yield "# The bank through which it reaches a rail, for each option that needs one."
        yield "sponsor_banks:"
        for option_id, bank in wanted.sponsor_banks.items():
            yield f"  {scalar(option_id)}: {scalar(bank)}"


def _override_lines(catalogue: Catalogue, wanted: NewTenant) -> Iterator[str]:
    yield "# Values of its own for settings; what is left out follows the catalogue:"
    yield "overrides: {}"
    for setting in _overridable(catalogue, wanted):
        yield f"#   {setting.key}: {json.dumps(setting.default)}{_limits(setting)}"


def _overridable(catalogue: Catalogue, wanted: NewTenant) -> list[Setting]:
    """Settings that the tenant may set, of the modules that will run for it."""
    try:
        tenant = Tenant.model_validate(
            {
                "client_id": "new",
                "display_name": "New tenant",
                "status": "live",
                "institution_type": wanted.institution_type,
                "jurisdictions": list(wanted.jurisdictions),
                "options": list(wanted.options),
            }
        )
    except ValueError:
        # Malformed, which the checks report; the comments of the file then don't matter.
        return []
    decisions = activation(catalogue, wanted.environment, tenant)
    return [
        s
        for m in catalogue.modules.values()
        if decisions[m.id].state.runs
        for s in m.settings
        if s.overridable and s.jurisdiction in (None, *tenant.jurisdictions)
    ]


def _limits(setting: Setting) -> str:
    words = [setting.unit or ""]
    if setting.choices:
        words.append(f"of {', '.join(setting.choices)}")
    if setting.minimum is not None:
        words.append(f"at least {setting.minimum:g}")
    if setting.maximum is not None:
        words.append(f"at most {setting.maximum:g}")
    text = ", ".join(w for w in words if w)
    return f"  # {text}" if text else ""


def stack_text(root: Path, wanted: NewTenant) -> str:
    """Content of the stack's file of an isolated tenant.

    It is the environment's own file with an account, a bucket suffix and a list of tenants of its
    own. What the engine has encrypted for the other stack is left out.
    """
    path = root / f"Pulumi.{wanted.environment}.yaml"
    shared = config_of(read_document(path, root))
    prefix = f"{PROJECT}:"
    own = {
        f"{prefix}environment": wanted.environment.value,
        f"{prefix}account-id": wanted.account_id,
        f"{prefix}tenants": [wanted.client_id],
        f"{prefix}default-tenant": wanted.client_id,
        f"{prefix}bucket-suffix": f"-{wanted.client_id}",
    }
    kept = {k: v for k, v in shared.items() if k.startswith(prefix) and not isinstance(v, dict)}
    why = {
        f"{prefix}environment": "Nothing reads the environment from the stack's name.",
        f"{prefix}account-id": "The only AWS account that the stack may touch; no other stack's.",
        f"{prefix}tenants": "An isolated client's stack has no other tenant.",
        f"{prefix}bucket-suffix": "Bucket names are global in AWS.",
    }
    lines = [
        f"# The stack of {_one_line(wanted.display_name)} alone: the same program as {path.name},",
        "# in an AWS account of its own.",
        "config:",
    ]
    first_kept = True
    for key, value in {**own, **{k: v for k, v in kept.items() if k not in own}}.items():
        if key in why:
            lines.append(f"  # {why[key]}")
        elif key not in own and first_kept:
            lines.append(f"  # As in {path.name}.")
            first_kept = False
        lines.append(f"  {key}: {_stack_value(value)}")
    return "\n".join(lines) + "\n"


def _stack_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(scalar(str(v)) for v in value)}]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)
