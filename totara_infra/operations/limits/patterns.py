r"""Patterns of AWS's models, which are Java's, held against texts.

A value must match as a whole, whether or not the model anchors its pattern. Java's `\w`, `\d` and
`\s` mean ASCII; Python knows no `\p{…}`, so it becomes the characters of that category.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

_CATEGORY = re.compile(r"\\p\{(\w)\}")


def fits(pattern: str, text: str) -> bool:
    """Whether all of a text matches a pattern.

    Args:
        pattern: as the model has it.
        text: the value.
    """
    # Nearly every text is ASCII; the categories of all characters take a third of a second.
    return _compiled(pattern, text.isascii()).fullmatch(text) is not None


@cache
def _compiled(pattern: str, ascii_only: bool) -> re.Pattern[str]:
    last = 127 if ascii_only else sys.maxunicode
    return re.compile(_CATEGORY.sub(lambda m: _characters(m[1], last), pattern), re.ASCII)


@cache
def _characters(category: str, last: int) -> str:
    """A Unicode category as what stands between the brackets of a class."""
    ranges: list[tuple[int, int]] = []
    for code in range(last + 1):
        if unicodedata.category(chr(code))[0] == category:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1] = (ranges[-1][0], code)
            else:
                ranges.append((code, code))
    # An empty category must not empty the class: NUL is in none that AWS takes, nor in any text.
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges) or "\\x00"
