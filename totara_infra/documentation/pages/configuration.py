"""The configuration manifest: every non-secret value."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts, values_of
from totara_infra.documentation.markdown import filtered, text
from totara_infra.documentation.pages.declarations import value_table

PATH = "operations/configuration.md"


def write(facts: Facts) -> list[str]:
    """Parameters and AppConfig keys by domain."""
    modules = facts.catalogue.modules.values()
    parameters = sum(len(m.parameters) for m in modules)
    settings = sum(len(m.settings) for m in modules)
    lines = [
        f"Every value that is no secret: {parameters} parameters in SSM Parameter Store and "
        f"{settings} keys in AppConfig. `{{env}}` stands for the environment, `{{client_id}}` for "
        "a tenant. Where environments differ, each value names its own.",
        "",
        "```console",
        "$ totara config list prod                  # with the values in effect, tenant by tenant",
        "$ totara config check prod                 # what is live, held against this page",
        "$ totara config get prod /bank/prod/tenant/institution-type",
        "```",
    ]
    tables: list[str] = []
    for domain in facts.catalogue.domains:
        values = [(m, d) for m in domain.modules for d in values_of(m)]
        if values:
            tables += [f"## {domain.id} {text(domain.title)}", *value_table(facts, values, PATH)]
    return [*lines, *filtered(tables, "Name, module or word")]
