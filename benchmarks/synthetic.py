"""Platforms and tenants of any size, made from the real ones.

A bigger platform is the real catalogue with further copies of its modules: the bootstrap stands
once and every copy needs it, as every real module does; other edges stay inside a copy. So density
of edges, length of chains, declarations a module and the phases are those of the real platform.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from totara_infra.model.loading import CATALOGUE_DIRECTORY, DOMAIN_FILES
from totara_infra.model.tenancy import Tenant
from totara_infra.resolver.sequence import SECRETS_AFTER

FIRST_COPY = 1000
"""Number of the first copied module; the real ones have three digits."""
_ID_LISTS = ("readers", "publishers", "writers")


def write_catalogue(directory: Path, count: int) -> None:
    """Write a catalogue of `count` modules.

    Args:
        directory: to be made, for `load_catalogue`.
        count: at least as many as the real catalogue has.
    """
    files = {
        name: yaml.load((CATALOGUE_DIRECTORY / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
        for name in (*DOMAIN_FILES, "sequence.yaml", "tenancy.yaml")
    }
    domains = [files[name] for name in DOMAIN_FILES]
    bootstrap = {m for step in files["sequence.yaml"]["phases"][0]["steps"] for m in step}
    if SECRETS_AFTER not in bootstrap:
        raise ValueError(f"{SECRETS_AFTER} left the bootstrap, of which there can be one only")
    copied = [(d, m) for d in domains for m in d["modules"] if m["id"] not in bootstrap]
    missing = count - sum(len(d["modules"]) for d in domains)
    numbers = itertools.count(FIRST_COPY)
    copies: dict[str, list[str]] = {}
    for copy in itertools.count(1):
        chosen = copied[: max(0, missing - (copy - 1) * len(copied))]
        if not chosen:
            break
        ids = {module["id"]: f"MOD-{next(numbers)}" for _, module in chosen}
        for domain, module in chosen:
            domain["modules"].append(_copied(module, copy, ids))
            copies.setdefault(module["id"], []).append(ids[module["id"]])
    for phase in files["sequence.yaml"]["phases"]:
        _extend(phase, ("modules", "pinned"), copies)
    for rule in files["sequence.yaml"]["rules"]:
        _extend(rule, ("before", "after", "excluding"), copies)
    for group in (*files["tenancy.yaml"]["always_on"], *files["tenancy.yaml"]["conditions"]):
        _extend(group, ("modules",), copies)
    shutil.copytree(CATALOGUE_DIRECTORY, directory)
    for name, content in files.items():
        path = directory / name
        text = yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")


def _extend(holder: dict[str, Any], keys: tuple[str, ...], copies: Mapping[str, list[str]]) -> None:
    for key in keys:
        if key in holder:
            holder[key] = [*holder[key], *(c for name in holder[key] for c in copies.get(name, ()))]


def _copied(module: dict[str, Any], copy: int, ids: Mapping[str, str]) -> dict[str, Any]:
    """The module once more, under names of its own."""
    resources = module.get("resources", [])
    names = {r["name"]: _renamed(r["name"], copy) for r in resources}
    changed = module | {
        "id": ids[module["id"]],
        "slug": f"{module['slug']}-{copy}",
        "service": f"{module['service']}-{copy}",
        "depends_on": [
            edge | {"module": ids.get(edge["module"], edge["module"])}
            for edge in module.get("depends_on", [])
        ],
        "parameters": [
            _declaration(p, ids) | {"path": f"{p['path']}-{copy}"} | dict(_attribute(p, names))
            for p in module.get("parameters", [])
        ],
        "secrets": [
            _declaration(s, ids) | {"path": f"{s['path']}-{copy}"}
            for s in module.get("secrets", [])
        ],
        # A profile's validator is limited in length, so a domain that grows splits its settings.
        "settings": [
            _declaration(s, ids)
            | {"key": f"{s['key']}-{copy}", "profile": f"{s.get('profile', 'runtime')}-{copy}"}
            for s in module.get("settings", [])
        ],
        "resources": [_declaration(r, ids) | {"name": names[r["name"]]} for r in resources],
    }
    return {key: value for key, value in changed.items() if value != []}


def _declaration(declaration: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    changed = dict(declaration)
    for key in _ID_LISTS:
        if isinstance(changed.get(key), list):
            changed[key] = [ids.get(reader, reader) for reader in changed[key]]
    if "follows_activation" in changed:
        followed = changed["follows_activation"]
        changed["follows_activation"] = ids.get(followed, followed)
    return changed


def _attribute(parameter: dict[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if "attribute" in parameter:
        thing, _, output = parameter["attribute"].partition("#")
        kind, _, name = thing.partition("/")
        yield "attribute", f"{kind}/{names.get(name, name)}#{output}"


def _renamed(name: str, copy: int) -> str:
    ending = "{suffix}" if name.endswith("{suffix}") else ""
    return f"{name.removesuffix(ending)}-{copy}{ending}"


def tenants(count: int) -> list[Tenant]:
    """As many tenants, of the kinds that really occur, in turn."""
    kinds: tuple[dict[str, Any], ...] = (
        {
            "institution_type": "proprietary",
            "jurisdictions": ["NZ", "AU"],
            "options": [
                "fx", "trade-finance", "correspondent-banking", "atm", "cards", "branch",
                "direct-debit", "batch-files", "open-banking", "bpay", "bpay-inbound", "osko",
            ],
            "sponsor_banks": {
                "bpay": "Kauri Clearing", "bpay-inbound": "Kauri Clearing", "osko": "Cuscal",
            },
        },
        {
            "institution_type": "mutual",
            "jurisdictions": ["NZ"],
            "options": ["atm", "branch", "cards", "direct-debit", "open-banking"],
            "overrides": {"app.consent.profiles": ["nz_payments_nz"]},
        },
        {
            "institution_type": "mutual",
            "jurisdictions": ["AU"],
            "options": ["atm", "cards", "direct-debit", "open-banking", "bpay", "osko"],
            "sponsor_banks": {"bpay": "Kauri Clearing", "osko": "Cuscal"},
            "overrides": {"app.consent.profiles": ["au_cdr"]},
        },
    )  # fmt: skip
    return [
        Tenant.model_validate(
            {
                "client_id": f"tenant-{number:04d}",
                "display_name": f"Tenant {number}",
                "status": "live",
                **kinds[(number - 1) % len(kinds)],
            }
        )
        for number in range(1, count + 1)
    ]
