"""The post-deployment checklist: what is checked in the live environment, and when."""

from __future__ import annotations

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import link, mark, table, text
from totara_infra.documentation.pages import sequence
from totara_infra.documentation.pages.page import relative
from totara_infra.model.vocabulary import Provenance
from totara_infra.operations.checks.registry import CHECKS

PATH = "operations/checklist.md"


def write(facts: Facts) -> list[str]:
    """The checks, the gates that run them, and how to keep the evidence."""
    phases = facts.sequence.phases
    published = sum(c.published for c in CHECKS)
    order = relative(sequence.PATH, PATH)
    return [
        f"{len(CHECKS)} checks of what is live, {published} of them from the platform's published "
        "checklist. The gate at the end of each phase runs those that the phase gives something to "
        "look at; the same checks run whenever you ask. They ask AWS, not the engine's state. "
        f"{link('How to run them and keep the evidence', '../guides/verify.md')}.",
        "",
        "```console",
        "$ totara verify prod                       # every check, with advice for what failed",
        "$ totara verify prod --phase 1             # what one gate would say",
        "$ totara verify prod --tenant acorn        # what one tenant needs",
        "$ totara verify prod --evidence today.json # a record for the regulator",
        "$ totara verify report today.json          # the record as a page",
        "```",
        "",
        "Each result is *passed*, *failed* (what was expected, what was found, how to mend it) or "
        "*skipped* (why). The exit code is 1 when one failed.",
        "",
        "## Checks",
        *table(
            ("", "Check", "What it makes certain of", "Provenance"),
            [
                (
                    str(number),
                    text(check.name),
                    text(check.asks),
                    mark(Provenance.PUBLISHED if check.published else Provenance.ASSUMED),
                )
                for number, check in enumerate(CHECKS, start=1)
            ],
        ),
        "## Gates",
        "",
        "A phase may begin when the gate before it has passed. A gate is a parameter that is "
        "written only then; its value is the digest of the phase's content, so it is checked again "
        "when something in the phase has changed.",
        *table(
            ("Gate", "After", "What goes on when it has passed"),
            [
                (
                    f"<code>/bank/{text('{env}')}/deployment/phase-{phase.id}</code>",
                    link(f"phase {phase.id} {text(phase.title)}", f"{order}#phase-{phase.id}"),
                    f"phase {after.id} {text(after.title)}"
                    if after
                    else "nothing: the environment is up",
                )
                for phase, after in zip(phases, [*phases[1:], None], strict=True)
            ],
        ),
    ]
