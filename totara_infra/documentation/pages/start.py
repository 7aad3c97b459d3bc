"""The first page."""

from __future__ import annotations

from collections.abc import Sequence

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import link, mark, table, text
from totara_infra.documentation.pages import modules, picture
from totara_infra.documentation.pages.page import Page, domain_path

PATH = "index.md"
FIRST_GUIDE = "guides/first-ten-minutes.md"


def write(facts: Facts, operations: Sequence[Page], guides: Sequence[tuple[str, str]]) -> list[str]:
    """What there is, and where.

    Args:
        facts: for the figures.
        operations: the generated pages.
        guides: title and path of each guide.
    """
    sequence = facts.sequence
    return [
        "# Totara Bank platform: operations",
        "",
        f"The platform consists of {len(sequence.modules)} modules in "
        f"{len(facts.catalogue.domains)} domains on AWS. One catalogue says what they are; the "
        "program brings them up from it, and these pages are written from it, so they can't "
        "disagree.",
        "",
        "## Find something",
        "",
        "* **A module:** type its id or a word into the search field, or open "
        f"{link('the list', modules.INDEX)}. Its page says what it waits for and why, and which "
        "secrets it reads.",
        "* **Why one module waits for another:** its page, or "
        f"{link('the picture', picture.PATH)}.",
        f"* **What to do:** {link('the first ten minutes', FIRST_GUIDE)}, and the guides below.",
        "",
        "## Operations",
        *table(("Page", "What it answers"), [(link(p.title, p.path), p.about) for p in operations]),
        "## Guides",
        "",
        *(f"* {link(text(title), path)}" for title, path in guides),
        "",
        "## Domains",
        *table(
            ("Domain", "Modules", "Owner"),
            [
                (
                    link(f"{d.id} {text(d.title)}", domain_path(d.id)),
                    str(len(d.modules)),
                    text(d.owner or "not stated"),
                )
                for d in facts.catalogue.domains
            ],
        ),
        "## Who says so",
        "",
        f"{mark('published')} stands beside what the platform's reference gives, "
        f"{mark('assumed')} beside what we chose because it is silent or contradicts itself. "
        f"{link('Coverage', 'coverage.md')} maps every name and figure of the reference to its "
        f"declaration; the {link('decisions', 'decisions/README.md')} say why things are as they "
        "are.",
    ]
