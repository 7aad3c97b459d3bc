"""What a page is, and where pages find one another."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.markdown import link, text
from totara_infra.model.declarations import Readers


@dataclass(frozen=True)
class Page:
    """One page that is written from the catalogue.

    Attributes:
        path: where it lies in the site's sources, such as `operations/secrets.md`.
        title: its name in the navigation.
        about: one sentence for the start page.
        write: gives its Markdown, without the title.
        settings: settings of the page, such as `hide`.
    """

    path: str
    title: str
    about: str
    write: Callable[[Facts], list[str]]
    settings: str = ""


def module_path(module_id: str) -> str:
    """The page of a module."""
    return f"modules/{module_id.lower()}.md"


def domain_path(domain_id: str) -> str:
    """The page of a domain, which lists its modules."""
    return f"modules/{domain_id.lower()}.md"


def relative(target: str, start: str) -> str:
    """The way from one page to another (both from the root of the sources)."""
    return posixpath.relpath(target, posixpath.dirname(start) or ".")


def module_link(facts: Facts, module_id: str, start: str, anchor: str = "") -> str:
    """The id of a module as a link to its page, with its title as a tip."""
    title = facts.catalogue.modules[module_id].title.replace('"', "'")
    target = relative(module_path(module_id), start)
    return f'[{module_id}]({target}{anchor} "{title}")'


def reader_links(facts: Facts, readers: Readers, start: str) -> str:
    """Who reads something: modules and domains as links, or `every module`."""
    if readers == "all":
        return "every module"
    shown = []
    for reader in readers:
        if reader in facts.catalogue.modules:
            shown.append(module_link(facts, reader, start))
        elif reader in facts.catalogue.domain:
            shown.append(link(f"{reader}, all of it", relative(domain_path(reader), start)))
        else:
            shown.append(text(reader))
    return ", ".join(shown) or text("nobody yet")
