"""Markdown from the catalogue's words, which must come out exactly as they stand in it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from totara_infra.model.vocabulary import Provenance

# Everything that Markdown or its extensions could take for markup, `{env}` among it.
_MARKUP = str.maketrans({c: f"&#{ord(c)};" for c in "\\`*_{}[]<>|~^&$"})


def text(content: object) -> str:
    """Plain text for a paragraph or a cell."""
    return " ".join(str(content).split()).translate(_MARKUP)


def code(content: object) -> str:
    """A name or value, which may be wrapped after a slash or a dot."""
    escaped = text(content)
    for sign in ("/", ".", ","):
        escaped = escaped.replace(sign, f"{sign}<wbr>")
    return f"<code>{escaped}</code>"


def codes(contents: Iterable[object]) -> str:
    """Several names, joined by commas."""
    return ", ".join(code(c) for c in contents)


def link(label: str, target: str) -> str:
    """A link; the label is Markdown already."""
    return f"[{label}]({target})"


def mark(provenance: Provenance | str) -> str:
    """Who says so, as a small mark."""
    word = str(provenance)
    return f'<span class="mark {word}">{word}</span>'


def unfolding(summary: str, content: str) -> str:
    """A word that unfolds to an explanation, inside a cell."""
    return f'<details class="reasons"><summary>{summary}</summary>{content}</details>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; its cells are Markdown already.

    Returns:
        Lines, with an empty one before and after.
    """
    lines = ["", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(cell or " " for cell in row) + " |" for row in rows]
    return [*lines, ""]


def filtered(lines: Iterable[str], label: str) -> list[str]:
    """Tables whose rows a reader can choose by typing; all are shown where scripts don't run.

    Args:
        lines: Markdown.
        label: what the field asks for.
    """
    opening = f'<div class="filtered" data-label="{html.escape(label)}" markdown>'
    return ["", opening, *lines, "</div>", ""]


def front_matter(**settings: object) -> list[str]:
    """Settings of a page; values must be plain words or lists of them."""
    return ["---", *(f"{name}: {value}" for name, value in settings.items()), "---", ""]
