"""Passwords of which no four characters stand in ordinary output, and the search for them."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import strategies as st

URL = "postgresql://app_user:{}@127.0.0.1:1/bank_core"
_LETTERS = "QXZJVKWqxzjvkw789"
"""No word or number of ours has four of these in a row."""
_OTHERS = "@/%#?[] :&=+\\\"'!$é漢\N{GRINNING FACE}"
_PERCENT = st.sampled_from(("%40", "%2F", "%25", "%C3%A9", "%zz"))
_WORD = st.text(_LETTERS, min_size=4, max_size=9)


@st.composite
def passwords(draw: st.DrawFn) -> str:
    """Words with anything between them, so that every parser finds something to stumble over."""
    first, *words = draw(st.lists(_WORD, min_size=2, max_size=4))
    between = st.one_of(st.text(_OTHERS, min_size=1, max_size=3), _PERCENT)
    return first + "".join(draw(between) + word for word in words)


def encoded(password: str) -> str:
    """As it has to be written in a URL."""
    return quote(password, safe="")


def runs_in(text: str, password: str) -> set[str]:
    """Its runs of four characters, two of them letters or digits, that stand in a text."""
    runs = {password[i : i + 4] for i in range(len(password) - 3)}
    return {r for r in runs if sum(c in _LETTERS for c in r) > 1 and r in text}
