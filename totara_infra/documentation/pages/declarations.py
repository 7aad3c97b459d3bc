"""How parameters, AppConfig keys and secrets are shown, on the manifests and on a module's page."""

from __future__ import annotations

from collections.abc import Iterable

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, mark, table, text
from totara_infra.documentation.pages.page import module_link, reader_links
from totara_infra.model.catalogue import Module
from totara_infra.model.declarations import Parameter, Secret, Setting
from totara_infra.model.values import as_text, default_in
from totara_infra.model.vocabulary import Environment, Rotation, Source

VALUE_COLUMNS = ("Name", "Value", "Takes effect", "Read by", "Why")
SECRET_COLUMNS = ("Path", "What is inside", "Read by", "Filled by", "New value", "Needed")

_EFFECT = {"hot": "at the next poll", "redeploy": "on redeployment"}
_BREAK = "<br>"


def value_table(
    facts: Facts, declared: Iterable[tuple[Module, Parameter | Setting]], start: str
) -> list[str]:
    """Parameters and AppConfig keys, a row each, with the module that declares them."""
    return table(VALUE_COLUMNS, [_value_row(facts, m, d, start) for m, d in declared])


def _value_row(
    facts: Facts, module: Module, declared: Parameter | Setting, start: str
) -> tuple[str, ...]:
    name = declared.path if isinstance(declared, Parameter) else declared.key
    store = "SSM" if isinstance(declared, Parameter) else _profile(facts, module, declared)
    kind = declared.type.value.replace("_", " ")
    limits = _limits(declared) if isinstance(declared, Setting) else ""
    required = "required" if declared.required else "optional"
    owner = f"{module_link(facts, module.id, start)}, {store}, {kind}{limits}, {required}"
    why = text(declared.why)
    if declared.jurisdiction:
        why += f" {declared.jurisdiction} only."
    return (
        f"{code(name)}{_BREAK}{owner} {mark(declared.provenance)}",
        _value(declared),
        _EFFECT[declared.reload.value],
        reader_links(facts, declared.readers, start),
        why,
    )


def _profile(facts: Facts, module: Module, setting: Setting) -> str:
    return f"AppConfig {facts.catalogue.domain_of[module.id].repository}/{setting.profile}"


def _limits(setting: Setting) -> str:
    if setting.choices is not None:
        return f", one of {text(', '.join(setting.choices))}"
    bounds = []
    if setting.minimum is not None:
        bounds.append(f"at least {setting.minimum:g}")
    if setting.maximum is not None:
        bounds.append(f"at most {setting.maximum:g}")
    return "".join(f", {b}" for b in bounds)


def _value(declared: Parameter | Setting) -> str:
    """The value in words: where it comes from, or what it is in each environment."""
    if declared.tenant_field is not None:
        return f"the tenant's {text(declared.tenant_field.replace('_', ' '))}"
    if isinstance(declared, Setting) and declared.follows_activation is not None:
        return f"on for a tenant that has {declared.follows_activation}"
    if isinstance(declared, Parameter):
        if declared.source is Source.DEPLOYMENT:
            return "from the module's own deployment"
        if declared.attribute is not None:
            return f"attribute {code(declared.attribute)}"
    unit = f" {text(declared.unit)}" if declared.unit else ""
    by_value: dict[str, list[str]] = {}
    for environment in Environment:
        value = default_in(declared, environment)
        shown = "no value" if value is None else f"{code(as_text(value) or '(empty)')}{unit}"
        by_value.setdefault(shown, []).append(environment.value)
    given = declared.default_provenance or declared.provenance
    # The name's mark stands beside the name; the value's only where somebody else says it.
    note = f" {mark(given)}" if given is not declared.provenance else ""
    if len(by_value) == 1:
        return f"{next(iter(by_value))}{note}"
    return _BREAK.join(f"{', '.join(names)}: {v}" for v, names in by_value.items()) + note


def secret_table(facts: Facts, declared: Iterable[tuple[Module, Secret]], start: str) -> list[str]:
    """Secrets, a row each. A value is nowhere in the catalogue, so none can be shown."""
    return table(SECRET_COLUMNS, [_secret_row(facts, m, s, start) for m, s in declared])


def short_secret_table(
    facts: Facts, declared: Iterable[tuple[Module, Secret]], start: str
) -> list[str]:
    """The same without who reads and who fills it, for pages with less room."""
    rows = [_secret_row(facts, m, s, start) for m, s in declared]
    return table((*SECRET_COLUMNS[:2], *SECRET_COLUMNS[4:]), [(*row[:2], *row[4:]) for row in rows])


def _secret_row(facts: Facts, module: Module, secret: Secret, start: str) -> tuple[str, ...]:
    owner = f"{module_link(facts, module.id, start)}, key {secret.key_class.value}"
    form = secret.format.value.replace("_", " ")
    need = "required" if secret.required else "optional"
    if secret.jurisdiction:
        need += f", tenants in {secret.jurisdiction} only"
    if "{client_id}" in secret.path:
        need += ", one for each tenant"
    return (
        f"{code(secret.path)}{_BREAK}{owner} {mark(secret.provenance)}",
        f"{text(secret.content)} ({form}){_BREAK}{text(secret.why)}",
        reader_links(facts, secret.readers, start),
        reader_links(facts, secret.writers, start) if secret.writers else "not stated",
        _rotation(secret),
        need,
    )


def _rotation(secret: Secret) -> str:
    every = f"every {secret.rotation_days} days" if secret.rotation_days else "on an event"
    how = {
        Rotation.AUTOMATIC: "by itself",
        Rotation.MANUAL: "by hand",
        Rotation.GRACE: "active and previous side by side",
    }[secret.rotation]
    return f"{how}, {every}"
