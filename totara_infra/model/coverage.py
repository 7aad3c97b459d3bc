"""What became of each name and figure of the platform's reference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.databases import read_databases
from totara_infra.model.declarations import Model
from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import Problem, ProblemsError
from totara_infra.model.provisioning import read_provisioning
from totara_infra.model.rules import name_of
from totara_infra.model.vocabulary import Phrase, Sentence

COVERAGE_DIRECTORY = "coverage"
_STACK_SETTINGS = (
    "account-id",
    "bucket-suffix",
    "disaster-recovery-region",
    "log-retention",
    "region",
    "roll-out",
    "tags",
)
"""What the stack's file decides rather than a declaration."""


class CoverageItem(Model):
    """One name or figure, or a few that belong together."""

    section: str
    item: Phrase
    declared: list[str] = Field(default_factory=list)
    """References to declarations, `kind:name`."""
    reason: Sentence | None = None
    """Why it has no declaration."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.declared) == (self.reason is not None):
            raise ValueError("give either `declared` or `reason`")
        return self


class CoveragePage(Model):
    """The coverage of one page of the reference."""

    page: str
    items: list[CoverageItem]


def read_coverage(directory: Path = CATALOGUE_DIRECTORY) -> list[tuple[Document, CoveragePage]]:
    """The coverage files with their documents, by name.

    Raises:
        ProblemsError: every file that is malformed.
    """
    root = directory.resolve().parent.parent
    found: list[tuple[Document, CoveragePage]] = []
    problems: list[Problem] = []
    for path in sorted((directory / COVERAGE_DIRECTORY).glob("*.yaml")):
        try:
            document = read_document(path, root)
            found.append((document, parse(document, CoveragePage)))
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(problems)
    return found


def known_references(catalogue: Catalogue, directory: Path = CATALOGUE_DIRECTORY) -> set[str]:
    """Everything that a coverage item may refer to."""
    known: set[str] = set()
    for domain in catalogue.domains:
        known.add(f"domain:{domain.id}")
        known |= {name_of(claim) for claim in domain.claims}
        for module in domain.modules:
            known.add(f"module:{module.id}")
            known |= {f"dependency:{module.id}>{d.module}" for d in module.depends_on}
            for group in (module.parameters, module.secrets, module.settings, module.resources):
                known |= {name_of(declaration) for declaration in group}
    known |= {f"phase:{p.id}" for p in catalogue.sequence.phases}
    known |= {f"rule:{r.id}" for r in catalogue.sequence.rules}
    known |= {f"option:{o.id}" for o in catalogue.tenancy.options}
    known |= {f"condition:{m}" for c in catalogue.tenancy.conditions for m in c.modules}
    known |= {f"stack:{setting}" for setting in _STACK_SETTINGS}
    if plan := catalogue.alerts:
        known |= {f"alert:{alert.id}" for alert in plan.alerts}
        known |= {f"alert_group:{group.id}" for group in plan.groups}
        known |= {f"alert_route:{route.id}" for route in plan.routes}
    if stores := catalogue.stores:
        known |= {f"store:{store.id}" for store in stores.stores}
        known |= {f"backup_method:{method.id}" for method in stores.methods}
    composed = known | _composed(catalogue)
    return composed | _in_databases(catalogue, directory) | _in_playbook(catalogue, directory)


def _in_playbook(catalogue: Catalogue, directory: Path) -> set[str]:
    """Steps on a client's way in and out, and how long they may take."""
    playbook = read_provisioning(catalogue, directory)
    steps = {f"step:{step.id}" for step in [*playbook.provision, *playbook.decommission]}
    return steps | {f"published_time:{time.deployment}" for time in playbook.times}


def _in_databases(catalogue: Catalogue, directory: Path) -> set[str]:
    """What the migrations make."""
    known: set[str] = set()
    for database in read_databases(catalogue, directory).databases:
        known |= {f"schema:{schema.name}" for schema in database.schemas}
        known |= {f"function:{function.name}" for function in database.functions}
        known |= {f"table:{table.name}" for table in database.tables}
        known |= {f"view:{view.name}" for view in database.views}
    return known


def _composed(catalogue: Catalogue) -> set[str]:
    """What is composed of several declarations: pools, groups, scopes, applications, profiles."""
    known = {"pool:customers", "pool:staff"}
    for domain in catalogue.domains:
        known.add(f"application:{domain.repository}")
        profiles = {"runtime"} | {s.profile for m in domain.modules for s in m.settings}
        if domain.repository == "bank-platform":
            profiles |= {"deployment", "module-activation"}
        known |= {f"profile:{domain.repository}/{profile}" for profile in profiles}
        for claim in domain.claims:
            kind = {"group": "group", "trigger": "scope"}.get(claim.origin)
            known |= {f"{kind}:{value}" for value in claim.values or [] if kind}
    return known


def coverage_problems(
    catalogue: Catalogue, directory: Path = CATALOGUE_DIRECTORY
) -> Iterator[Problem]:
    """References of the coverage files that lead nowhere.

    Raises:
        ProblemsError: every file that is malformed.
    """
    known = known_references(catalogue, directory)
    for document, page in read_coverage(directory):
        for index, item in enumerate(page.items):
            for position, reference in enumerate(item.declared):
                if reference not in known:
                    yield document.problem(
                        ("items", index, "declared", position),
                        "coverage-reference",
                        f"`{reference}` is not declared",
                        f"the coverage of `{item.item}` would claim what is not there",
                        "correct the reference, or give a `reason` instead",
                        item.section,
                    )


def coverage_page(catalogue: Catalogue) -> str:
    """The coverage table as Markdown.

    Raises:
        ProblemsError: a reference that leads nowhere.
    """
    problems = list(coverage_problems(catalogue))
    if problems:
        raise ProblemsError(problems)
    lines = [
        "# Coverage",
        "",
        "Each name and figure of the platform's reference, and the declaration that carries it, or "
        "why it has none. Generated by `totara coverage`; the source is "
        "`totara_infra/catalogue/coverage/`.",
    ]
    for _, page in read_coverage():
        declared = sum(bool(item.declared) for item in page.items)
        lines += [
            "",
            f"## {page.page}",
            "",
            f"{len(page.items)} items, {declared} declared.",
            "",
            "| section | item | declared by, or why not |",
            "| --- | --- | --- |",
        ]
        for item in page.items:
            where = ", ".join(f"`{r}`" for r in item.declared) or _words(item.reason or "")
            lines.append(f"| {item.section} | {_cell(_words(item.item))} | {_cell(where)} |")
    return "\n".join(lines) + "\n"


def _words(text: str) -> str:
    # `<name>` in the reference's names would be taken for an element of HTML.
    return text.replace("<", "&lt;")


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
