r"""Patterns of AWS's models, which are Java's, held against texts.

A value must match as a whole, whether or not the model anchors its pattern. Java's `\w`, `\d` and
`\s` mean ASCII; Python knows no `\p{…}`, so it becomes the characters of that category.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import groupby

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


def _characters(category: str, last: int) -> str:
    """A Unicode category as what stands between the brackets of a class."""
    # A category without a character in ASCII must not empty the class: this one is not in ASCII.
    return _categories(last).get(category, "\\U0010ffff")


@cache
def _categories(last: int) -> Mapping[str, str]:
    """Each category up to a character, as ranges; all at once, since one costs as much."""
    ranges: dict[str, list[tuple[int, int]]] = {}
    codes = range(last + 1)
    for category, run in groupby(codes, key=lambda code: unicodedata.category(chr(code))[0]):
        first, *others = run
        ranges.setdefault(category, []).append((first, others[-1] if others else first))
    return {
        category: "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in found)
        for category, found in ranges.items()
    }
