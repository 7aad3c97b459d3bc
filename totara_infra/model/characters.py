"""Characters that no text in a file may hold: nobody sees them, and AWS or a terminal would."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"
    "\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb]"
)
"""Control characters but tab and line feed; marks that turn or hide text; separators of lines."""


def holds_invisible(text: str) -> bool:
    """Whether a text holds a character which nobody sees."""
    return _INVISIBLE.search(text) is not None


def invisible_characters(
    data: Any, here: tuple[int | str, ...] = ()
) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Texts in plain data, keys included, that hold a character which nobody sees.

    Args:
        data: content of a file.
        here: the path of keys and indices that leads to it.

    Yields:
        Where the text stands, and the character's number and name.
    """
    if isinstance(data, str):
        # Nearly every text is printable, which Python tells many times faster than the pattern.
        if not data.isprintable() and (found := _INVISIBLE.search(data)):
            name = unicodedata.name(found[0], "a control character").lower()
            yield here, f"U+{ord(found[0]):04X}, {name}"
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from invisible_characters(key, (*here, key))
            yield from invisible_characters(value, (*here, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from invisible_characters(value, (*here, number))
