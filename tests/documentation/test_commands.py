"""Every `totara …` and `make …` that the documentation shows exists, down to its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.conftest import PROJECT
from totara_infra.cli.main import app
from totara_infra.documentation.facts import Facts
from totara_infra.documentation.site import write_sources

_FENCE = re.compile(r"^(?:```|~~~)(\w*)[^\n]*\n(.*?)^(?:```|~~~)", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^ {4}.*\n?)+", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_TOTARA = re.compile(r"(?:^|[\s|(`])(?:\.venv/bin/)?totara (.+)")
_MAKE = re.compile(r"^(?:\$ )?make ([\w-]+)")


def commands(markdown: str) -> Iterator[str]:
    """Lines of code that could be commands, joined where they go on, without comments."""
    # Other languages mention the commands in their own comments only.
    fenced = [
        body for kind, body in _FENCE.findall(markdown) if kind in ("", "console", "sh", "text")
    ]
    rest = _FENCE.sub("", markdown)
    blocks = [
        *fenced,
        *(re.sub("^ {4}", "", b, flags=re.MULTILINE) for b in _INDENTED.findall(rest)),
    ]
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            yield line.split("  #")[0].split(" # ")[0].strip()
    yield from _INLINE.findall(rest)


def totara_words(line: str) -> list[str] | None:
    """The words after `totara` in a line, up to a pipe or a redirection; None where it has none."""
    found = _TOTARA.search(line)
    if found is None:
        return None
    words: list[str] = []
    # `[--option a|b]` is how usage is written.
    for word in shlex.split(re.sub(r"[…'\[\]]", " ", found[1])):
        # In prose a sentence goes on after the command; in a shell another one follows.
        if word in ("|", ">", ";", "&&", "<") or re.match(r"^\d?[<>]", word):
            break
        words.append(word.rstrip(";"))
    return words


@cache
def tree() -> Any:
    """The `totara` command with everything below it."""
    return typer.main.get_command(app)


def fault(words: list[str]) -> str | None:
    """Why `totara` would refuse these words, as far as its tree of commands tells."""
    command = tree()
    left = list(words)
    while getattr(command, "commands", None):
        if not left or left[0].startswith("-"):
            break
        name = left[0]
        choices = name.split("|")
        known = command.commands
        if any(c not in known for c in choices):
            # Some groups have a command that may be left out.
            default = getattr(command, "default", "show")
            if default in known and name in ENVIRONMENTS:
                command = known[default]
                continue
            return f"`{name}` is none of {', '.join(known)}"
        left.pop(0)
        command = known[choices[0]]
        if len(choices) > 1:
            return None
    options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help", "-h"}
    for word in left:
        option = word.split("=")[0]
        if option.startswith("-") and option != "-" and option not in options:
            return f"`{option}` is no option of it; it has {', '.join(sorted(options))}"
    return None


ENVIRONMENTS = ("local", "local-recovery", "dev", "uat", "prod", "prod-rata", "ENV")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def wrong(markdown: str) -> Iterator[str]:
    """What does not exist among the commands that a page shows."""
    targets = make_targets()
    for line in commands(markdown):
        words = totara_words(line)
        if words is not None and (said := fault(words)):
            yield f"{line}: {said}"
        made = _MAKE.match(line)
        if made and made[1] not in targets:
            yield f"{line}: the Makefile has no such target"


def hand_written() -> list[Path]:
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", hand_written(), ids=lambda p: str(p.relative_to(PROJECT)))
def test_every_command_of_a_page_exists(path) -> None:
    assert list(wrong(path.read_text(encoding="utf-8"))) == []


def test_every_command_of_a_generated_page_exists(tmp_path) -> None:
    write_sources(Facts.read(), PROJECT / "docs", tmp_path)
    pages = sorted((tmp_path / "docs").rglob("*.md"))
    assert len(pages) > 149
    found = {str(p.relative_to(tmp_path)): list(wrong(p.read_text())) for p in pages}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_the_guides_show_commands_at_all() -> None:
    """The reading above would pass if it found nothing."""
    for path in sorted((PROJECT / "docs" / "guides").glob("*.md")):
        lines = list(commands(path.read_text()))
        shown = [line for line in lines if totara_words(line) or _MAKE.match(line)]
        assert len(shown) > 1, path.name


@pytest.mark.parametrize(
    "line",
    [
        "$ .venv/bin/totara sequences local",
        "$ totara sequence local --because MOD-119",
        "sops -d prod.yaml | totara secrets importing prod -",
        "$ totara secrets put prod core/neon-db-url --value x",
        "$ make upp",
    ],
)
def test_a_command_that_does_not_exist_is_found(line) -> None:
    assert len(list(wrong(f"# A page\n\n```console\n{line}\n```\n"))) == 1
    assert len(list(wrong(f"# A page\n\n    {line}\n"))) == 1
