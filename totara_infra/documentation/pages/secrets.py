"""The secrets manifest: every credential, and never a value."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import filtered, link, text
from totara_infra.documentation.pages.declarations import secret_table

PATH = "operations/secrets.md"


def write(facts: Facts) -> list[str]:
    """Secrets by domain."""
    count = sum(len(m.secrets) for m in facts.catalogue.modules.values())
    lines = [
        f"The {count} credentials of the platform: what each is for, who may read it, who fills "
        "it, and when it gets a new value. Containers are made by the program; values go "
        "straight to Secrets Manager and stand nowhere here. The gate of phase 1 stops at a "
        f"required one that is empty. {link('How to fill them', '../guides/secrets.md')}.",
        "",
        "```console",
        "$ totara secrets list prod                 # how each one stands in AWS",
        "$ totara secrets check prod                # and who can read it, by the live policies",
        "```",
    ]
    tables: list[str] = []
    for domain in facts.catalogue.domains:
        secrets = [(m, s) for m in domain.modules for s in m.secrets]
        if secrets:
            tables += [f"## {domain.id} {text(domain.title)}", *secret_table(facts, secrets, PATH)]
    return [*lines, *filtered(tables, "Path, module or word")]
