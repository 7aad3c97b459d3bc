"""Building the site: sources into a folder of their own, Zensical over them, links checked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from totara_infra.documentation.facts import Facts
from totara_infra.documentation.links import faults
from totara_infra.documentation.markdown import front_matter
from totara_infra.documentation.pages import OPERATIONS, start
from totara_infra.documentation.pages.modules import (
    INDEX,
    write_domain,
    write_index,
    write_module,
)
from totara_infra.documentation.pages.page import domain_path, module_path
from totara_infra.model.problems import TotaraError, UsageError

ASSETS = Path(__file__).resolve().parent / "assets"
MARKER = "assets/totara/style.css"
"""A file that every site of ours has: a folder with it may be replaced."""

Navigation = Sequence[Mapping[str, "str | Navigation"]]


class BuildError(TotaraError):
    """The site could not be built, or it has faults and none were allowed."""

    exit_code = 1


@dataclass(frozen=True)
class Built:
    """A site that is there.

    Attributes:
        folder: where.
        pages: number of its pages.
        warnings: faults that were let pass.
    """

    folder: Path
    pages: int
    warnings: tuple[str, ...]


def build(root: Path, output: Path, strict: bool) -> Built:
    """Write the site.

    Nothing is left half-written: the site is built elsewhere and put in place when it is whole.

    Args:
        root: the project's folder, with `docs/`.
        output: the site's folder: absent, empty, or an earlier site, which is replaced.
        strict: let no fault pass.

    Raises:
        UsageError: the folder holds something else.
        ProblemsError: what is wrong in the catalogue or the tenants' files.
        BuildError: what is wrong in the pages.
    """
    _refuse_other_content(output)
    facts = Facts.read()
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".totara-site-", dir=output.parent) as name:
        work = Path(name)
        write_sources(facts, root / "docs", work)
        warnings = [*_run(work), *faults(work / "site")]
        if strict and warnings:
            raise BuildError("\n".join([*warnings, f"{len(warnings)} faults; nothing is written."]))
        if output.exists():
            shutil.rmtree(output)
        (work / "site").rename(output)
    return Built(output, sum(1 for _ in output.rglob("*.html")), tuple(warnings))


def _refuse_other_content(output: Path) -> None:
    if output.is_dir():
        if any(output.iterdir()) and not (output / MARKER).is_file():
            raise UsageError(
                f"`{output}` holds something else than a site of ours, which a build would "
                "replace. Name another folder with --output."
            )
    elif output.exists():
        raise UsageError(f"`{output}` is a file. Name a folder with --output.")


def write_sources(facts: Facts, hand_written: Path, work: Path) -> None:
    """Write Markdown, assets and settings of the site into a working folder."""
    sources = work / "docs"
    shutil.copytree(hand_written, sources)
    shutil.copytree(ASSETS, sources / "assets" / "totara", ignore=shutil.ignore_patterns("*.toml"))
    guides = _titles(sources, "guides")
    decisions = [t for t in _titles(sources, "decisions") if not t[1].endswith("README.md")]
    for path, lines in _pages(facts, guides):
        file = sources / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = (ASSETS / "zensical.toml").read_text(encoding="utf-8")
    navigation = f"[project]\nnav = {_toml(_navigation(facts, guides, decisions))}\n"
    (work / "zensical.toml").write_text(
        settings.replace("[project]\n", navigation, 1), encoding="utf-8"
    )


def _pages(facts: Facts, guides: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    yield start.PATH, start.write(facts, OPERATIONS, guides)
    for page in OPERATIONS:
        settings = front_matter(hide=page.settings) if page.settings else []
        yield page.path, [*settings, f"# {page.title}", "", *page.write(facts)]
    yield INDEX, ["# Modules", "", *write_index(facts)]
    for domain in facts.catalogue.domains:
        yield domain_path(domain.id), write_domain(facts, domain)
        for module in domain.modules:
            yield module_path(module.id), write_module(facts, module)


def _titles(sources: Path, folder: str) -> list[tuple[str, str]]:
    """Title and path of each hand-written page of a folder."""
    found = []
    # Who comes for the first time finds the first guide first.
    first = Path(start.FIRST_GUIDE).name
    for path in sorted((sources / folder).glob("*.md"), key=lambda p: (p.name != first, p.name)):
        title = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        found.append((title[1] if title else path.stem, f"{folder}/{path.name}"))
    return found


def _navigation(
    facts: Facts, guides: Sequence[tuple[str, str]], decisions: Sequence[tuple[str, str]]
) -> Navigation:
    domains: list[Mapping[str, str | Navigation]] = [
        {
            f"{d.id} {d.title}": [
                {f"{d.id} at a glance": domain_path(d.id)},
                *(
                    {f"{m.id} {m.title}": module_path(m.id)}
                    for m in sorted(d.modules, key=lambda m: m.id)
                ),
            ]
        }
        for d in facts.catalogue.domains
    ]
    return [
        {"Start": start.PATH},
        {"Operations": [{p.title: p.path} for p in OPERATIONS]},
        {"Modules": [{"All modules": INDEX}, *domains]},
        {"Guides": [{title: path} for title, path in guides]},
        {
            "Background": [
                {"Coverage of the reference": "coverage.md"},
                {
                    "Decisions": [
                        {"All decisions": "decisions/README.md"},
                        *({title: path} for title, path in decisions),
                    ]
                },
            ]
        },
    ]


def _toml(value: str | Navigation | Mapping[str, str | Navigation]) -> str:
    """A navigation in TOML; texts are written as JSON writes them, which TOML reads alike."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(k, ensure_ascii=False)} = {_toml(v)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }"
    return "[" + ", ".join(_toml(v) for v in value) + "]"


def _run(work: Path) -> Iterator[str]:
    """Run Zensical and give what it warns of.

    Raises:
        BuildError: it ended without a site.
    """
    command = [sys.executable, "-m", "zensical", "build"]
    result = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    said = _plain(result.stdout + result.stderr)
    if result.returncode != 0 or not (work / "site" / "index.html").is_file():
        raise BuildError(f"Zensical could not build the site:\n{said}")
    if "No issues found" not in said:
        yield said


def _plain(said: str) -> str:
    without_colour = re.sub(r"\x1b\[[0-9;]*m", "", said)
    return "\n".join(line for line in without_colour.splitlines() if line.strip())
