"""The provisioning playbook: each step with its signal, and the way out of a client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import code, codes, link, mark, table, text
from totara_infra.model.provisioning import (
    Deployment,
    Part,
    ProvisioningCatalogue,
    ProvisioningStep,
    StepCondition,
    read_provisioning,
)

PATH = "operations/provisioning.md"
_PARTS = {
    Part.PREREQUISITE: (
        "Prerequisites",
        "They are there before the published days begin to count; their minutes are lead time.",
    ),
    Part.PLAYBOOK: ("Steps", "In order; what does not need one another goes side by side."),
}


def write(facts: Facts) -> list[str]:
    """Commands, prerequisites, steps, suppliers, the way out, what is kept."""
    content = read_provisioning(facts.catalogue)
    first, later = (content.published_hours(d) for d in Deployment)
    lines = [
        "From nothing to a client whose first customer is signed in. A step is done when its "
        "proof holds, which asks AWS, GitHub, the databases or the files; nobody ticks it. "
        f"{link('How to run it', '../guides/provision.md')}.",
        "",
        "```console",
        "$ totara provision acorn prod --dry-run      # the plan, and how each proof stands",
        "$ totara provision acorn prod                # takes what can be taken, names the rest",
        "$ totara provision acorn local               # the same on this machine, unattended",
        "$ totara decommission acorn prod --dry-run   # the way out",
        "```",
        "",
        f"A first deployment takes {first[0]:g} to {first[1]:g} hours of work, a later client "
        f"{later[0]:g} to {later[1]:g}; {text('totara validate')} holds the steps against it.",
        "",
    ]
    for part, (title, about) in _PARTS.items():
        steps = [s for s in content.provision if s.part is part]
        lines += [f"## {title}", "", about, *_steps(steps)]
    lines += ["## Who supplies which credential", *_suppliers(content)]
    lines += [
        "## The way out",
        "",
        f"What a client leaves is kept for {content.retention.years} years from the day on which "
        "it was closed; an update of production refuses to drop it before.",
        *_steps(content.decommission),
    ]
    return lines


def _steps(steps: Sequence[ProvisioningStep]) -> list[str]:
    return table(
        ("step", "who", "minutes", "at it", "after", "done when", "for", "provenance"),
        (
            (
                f"{code(step.id)}<br>{text(step.title)}",
                text(step.performer),
                f"{step.minutes:g}",
                f"{step.hands_on_minutes:g}",
                codes(step.needs) or "-",
                text(step.signal),
                text("; ".join(_condition(step.when)) or "everybody"),
                mark(step.provenance),
            )
            for step in steps
        ),
    )


def _condition(when: StepCondition) -> Iterator[str]:
    if when.environments:
        yield ", ".join(when.environments)
    if when.jurisdictions:
        yield f"licensed in {' or '.join(when.jurisdictions)}"
    if when.options:
        yield f"licence option {' or '.join(when.options)}"
    if when.institution_types:
        yield f"institution type {' or '.join(when.institution_types)}"
    if when.deployment is not None:
        yield f"{when.deployment} deployment"
    if when.isolated is not None:
        yield "isolated clients" if when.isolated else "shared stacks"
    if when.throwaway is not None:
        yield "emulators" if when.throwaway else "AWS"


def _suppliers(content: ProvisioningCatalogue) -> list[str]:
    return table(
        ("who", "secrets", "provenance"),
        ((text(s.name), codes(s.supplies), mark(s.provenance)) for s in content.suppliers),
    )
