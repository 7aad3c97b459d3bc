"""Checks of the built pages: every link leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADING = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("use", "href")}
"""Elements whose address the browser fetches by itself."""
_NEVER_FETCHED = {"canonical", "prev", "next", "alternate"}
"""Relations of a `link` element that only tell where something is."""


@dataclass
class _Read(HTMLParser):
    """What a page links to, what it loads, and which places it has."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        for name in ("href", "src"):
            if name not in given:
                continue
            told = set(given.get("rel", "").split()) & _NEVER_FETCHED
            if (tag, name) in _LOADING and not told:
                self.loaded.append(given[name])
            elif tag == "a":
                self.links.append(given[name])


def faults(site: Path) -> Iterator[str]:
    """What is wrong with the links of a built site, one sentence each."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for address in dict.fromkeys(page.loaded):
            parts = urlsplit(address)
            if parts.scheme not in ("", "data") or parts.netloc:
                yield f"{name} loads {address} from elsewhere."
            elif not parts.scheme and not _target(site, path, parts.path).is_file():
                yield f"{name} loads {address}, which does not exist."
        for address in dict.fromkeys(page.links):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = _target(site, path, parts.path)
            if not target.is_file():
                yield f"{name} links to {address}, which does not exist."
            elif parts.fragment and target.suffix == ".html":
                known = (pages.get(target) or _read(target)).places
                if unquote(parts.fragment) not in known:
                    yield f"{name} links to {address}, a place that {target.name} does not have."


def _read(path: Path) -> _Read:
    reader = _Read()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader


def _target(site: Path, page: Path, path: str) -> Path:
    if not path:
        return page
    start = site if path.startswith("/") else page.parent
    target = (start / unquote(path).lstrip("/")).resolve()
    return target / "index.html" if target.is_dir() else target
