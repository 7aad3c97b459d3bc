"""Keeps secret values out of everything that is written.

Whoever reads or takes in a secret value says so here. What leaves the program (output, errors,
records, evidence) is rewritten at its exit, so that it does not matter which library put a piece of
a value into which message.

A piece is any run of four characters, in any spelling: as it was given, percent-encoded or
decoded, escaped for JSON or Python, in upper or lower case, or in base64. Two kinds of text stay
readable, as they tell nothing about a value: what is known to be public (user, host and database
of a URL, the path of a secret), and an ordinary word such as `integer` that merely shares four
letters with one.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO, cast
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
"""Stands where a piece of a value stood."""
SHORTEST = 4
"""Characters of the shortest piece that tells something about a value."""
_SHORTEST_IN_WORD = 6
"""Inside an id or a digest four or five characters of one of many values occur by chance."""
_SHORTEST_IN_BASE64 = 6
"""As many characters of base64 hold four bytes or more."""
_LONG = 256
"""Characters from which on a value is a key or a certificate rather than a password."""
_SHORTEST_OF_LONG = 16
"""Of such a value; four characters of one occur in many other places by chance."""
_PUBLIC_KEYS = frozenset(
    {"database", "dbname", "engine", "host", "port", "user", "user_name", "username"}
)
"""Entries of a JSON secret that are no secret."""
_THROWAWAY = "throwaway"
"""What made-up values start with."""
_WORD = re.compile(r"(?<![^\W_])(?:[A-Za-z]?[a-z]+|[A-Z]+|[0-9]+)(?![^\W_])")
_SEPARATORS = re.compile(r"[\W_]+")
_LETTERS = re.compile("[a-z]{6,}")
"""Words inside of a value that digits don't set apart."""


class _Clean(str):
    """Text that has been rewritten already, or that has no value in it by construction."""

    __slots__ = ()


class _Known:
    """The values in play, as the pieces by which they are recognized."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._pieces: dict[int, set[str]] = {
            SHORTEST: set(),
            _SHORTEST_IN_BASE64: set(),
            _SHORTEST_OF_LONG: set(),
        }
        self._fragments: set[str] = set()
        self._public: set[str] = {_THROWAWAY}
        self._public_pattern: re.Pattern[str] | None = None

    def add(self, value: str, public: Iterable[str]) -> None:
        with self._lock:
            readable = {p for p in public if len(p) >= SHORTEST}
            if not readable <= self._public:
                self._public |= readable
                self._public_pattern = None
            if value in self._seen:
                return
            self._seen.add(value)
            secret, plain = _parts(value)
            self._public |= {p for p in plain if len(p) >= SHORTEST}
            self._public_pattern = None
            for text in secret:
                self._add(text)

    def _add(self, text: str) -> None:
        length = _SHORTEST_OF_LONG if len(text) >= _LONG else SHORTEST
        for form in _spellings(text):
            self._pieces[length].update(_runs(_lowered(form), length))
            self._fragments.update(_SEPARATORS.split(_lowered(form)))
            self._fragments.update(_LETTERS.findall(_lowered(form)))
        if len(text) < _LONG:
            for form in _in_base64(text):
                self._pieces[_SHORTEST_IN_BASE64].update(_runs(_lowered(form), _SHORTEST_IN_BASE64))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where pieces stand in a text, joined where they overlap."""
        lowered = _lowered(text)
        found = sorted(
            (start, start + length)
            for length, pieces in self._pieces.items()
            if pieces
            for start in range(len(lowered) - length + 1)
            if lowered[start : start + length] in pieces
        )
        if not found:
            return
        readable = list(self._readable(text))
        start, end = found[0]
        for next_start, next_end in [*found[1:], (len(text) + 1, 0)]:
            if next_start < end:
                end = max(end, next_end)
                continue
            by_chance = end - start < _SHORTEST_IN_WORD and not (
                _breaks(text, start) and _breaks(text, end)
            )
            if not by_chance and not any(s <= start and end <= e for s, e in readable):
                yield start, end
            start, end = next_start, next_end

    def _readable(self, text: str) -> Iterator[tuple[int, int]]:
        for word in _WORD.finditer(text):
            if word[0].lower() not in self._fragments:
                yield word.span()
        pattern = self._public_pattern
        if pattern is None:
            longest_first = sorted(self._public, key=len, reverse=True)
            words = "|".join(map(re.escape, longest_first))
            pattern = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])")
            self._public_pattern = pattern
        for found in pattern.finditer(text):
            yield found.span()

    @property
    def empty(self) -> bool:
        return not self._seen


def _breaks(text: str, place: int) -> bool:
    """Whether no word goes on across a place."""
    return place in (0, len(text)) or not text[place - 1 : place + 1].isalnum()


_known = _Known()


def keep_secret(value: str, *public: str) -> None:
    """Keep a value out of everything that is written from now on.

    Args:
        value: as it is stored or was given. Of a URL, its password counts; of a JSON object, its
            values; of anything else, all of it.
        public: texts that stay readable even where they share a piece with a value.
    """
    _known.add(value, public)


def redacted(text: str) -> str:
    """A text without any piece of the values that are in play."""
    if _known.empty:
        return text
    result, position = [], 0
    for start, end in _known.spans(text):
        result += [text[position:start], HIDDEN]
        position = end
    return "".join([*result, text[position:]])


def redacted_data(data: Any) -> Any:
    """The same for what becomes JSON: each text in it, so that its form stays whole."""
    if isinstance(data, str):
        return redacted(data)
    if isinstance(data, Mapping):
        return {key: redacted_data(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [redacted_data(entry) for entry in data]
    return data


def write_redacted_json(content: Any, stream: TextIO) -> None:
    """Write data as indented JSON, with characters as they are."""
    stream.write(_Clean(json.dumps(redacted_data(content), indent=2, ensure_ascii=False) + "\n"))


class _Guarded:
    """A text stream that rewrites what is written to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(text if isinstance(text, _Clean) else redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Let nothing reach standard output or standard error but through `redacted`.

    Tracebacks, warnings, threads and logging write there as well. It holds until the process ends.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Guarded):
            setattr(sys, name, cast("TextIO", _Guarded(stream)))


def _parts(value: str) -> tuple[list[str], list[str]]:
    """What is secret about a value, and what is not."""
    if re.match("[a-z]+://", value):
        return _of_url(value)
    if value.lstrip().startswith("{"):
        try:
            content = json.loads(value)
        except (ValueError, RecursionError):
            return [value], []
        return _of_json(content)
    if "-----BEGIN" in value:
        body = [line for line in value.splitlines() if "-----" not in line]
        return ["".join(body), "\n".join(body)], []
    return [value.removeprefix(f"{_THROWAWAY}-")], []


def _of_url(url: str) -> tuple[list[str], list[str]]:
    # It may be malformed, with anything in its password: all that could be part of it is secret.
    scheme, _, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    credentials, found, place = rest.rpartition("@")
    if not found and scheme in ("http", "https"):
        return [rest[len(authority) :]], [authority]
    user, colon, password = credentials.partition(":")
    if not found or not colon:
        return [credentials or rest], [scheme]
    host = re.split("[/?#]", place, maxsplit=1)[0]
    database = place[len(host) :].partition("?")[0].strip("/")
    secret = [password, *re.findall("password=([^&]+)", rest)]
    return secret, [scheme, user, unquote(user), host, host.rpartition(":")[0], database]


def _of_json(content: Any, key: str = "") -> tuple[list[str], list[str]]:
    if isinstance(content, str) and content.find("://") > 0:
        return _of_url(content)
    if isinstance(content, str | int | float):
        return ([], [str(content)]) if key.lower() in _PUBLIC_KEYS else ([str(content)], [])
    entries: Iterable[tuple[str, Any]] = ()
    if isinstance(content, dict):
        entries = content.items()
    elif isinstance(content, list):
        entries = ((key, entry) for entry in content)
    parts = [_of_json(entry, name) for name, entry in entries]
    return [s for secret, _ in parts for s in secret], [p for _, public in parts for p in public]


def _spellings(text: str) -> set[str]:
    forms = {text, unquote(text), unquote_plus(text)}
    for form in list(forms):
        forms |= {
            quote(form, safe=""),
            quote_plus(form, safe=""),
            quote(form),
            json.dumps(form)[1:-1],
            json.dumps(form, ensure_ascii=False)[1:-1],
            form.encode("unicode_escape").decode(),
            repr(form.encode("utf-8", "surrogatepass"))[2:-1],
        }
    return forms


def _in_base64(text: str) -> Iterator[str]:
    """All three ways in which bytes fall into base64, without what depends on their neighbours."""
    for form in {text, unquote(text)}:
        content = form.encode("utf-8", "surrogatepass")
        for before, cut in ((0, 0), (1, 2), (2, 3)):
            encoded = base64.b64encode(b"\0" * before + content).decode()
            inner = encoded.rstrip("=")[cut : -1 if (before + len(content)) % 3 else None]
            yield inner
            yield inner.translate(str.maketrans("+/", "-_"))


def _runs(text: str, length: int) -> Iterator[str]:
    return (text[i : i + length] for i in range(len(text) - length + 1))


def _lowered(text: str) -> str:
    """In lower case, character by character, so that places stay where they are."""
    if text.isascii():
        return text.lower()
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
