"""SQL files taken apart by PostgreSQL's own parser."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pgparse

from totara_infra.migrations.rules import ALLOW

Node = dict[str, Any]
"""A node of the parse tree, as libpg_query writes it in JSON."""
_BEFORE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_EXCUSE = re.compile(rf"--\s*{ALLOW}\b(?P<rest>[^\n]*)")
_EXCUSE_CONTENT = re.compile(r"\s+(?P<rule>[a-z-]+)\s*:\s*(?P<reason>\S.*)")


class SqlSyntaxError(Exception):
    """PostgreSQL's parser does not take the text.

    Args:
        line: from 1.
        what: the parser's own words.
    """

    def __init__(self, line: int, what: str) -> None:
        self.line = line
        self.what = what
        super().__init__(what)


@dataclass(frozen=True)
class Excuse:
    """A comment that excuses the statement below it from a rule.

    Attributes:
        line: from 1.
        rule: the rule's id; empty where the comment can't be read.
    """

    line: int
    rule: str


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        kind: libpg_query's name of the node, such as `CreateStmt`.
        node: its content.
        line: of its first word, from 1.
        last_line: of its last word.
        excuses: comments above it.
        nested: it stands in the body of a DO block.
    """

    kind: str
    node: Node
    line: int
    last_line: int
    excuses: tuple[Excuse, ...] = ()
    nested: bool = False


def parse_file(text: str) -> list[Statement]:
    """The statements of a file, those inside DO blocks behind their block.

    Raises:
        SqlSyntaxError: PostgreSQL would refuse it.
    """
    lines = _Lines(text)
    encoded = text.encode()
    try:
        parsed = pgparse.parse(text)
    except pgparse.PGQueryError as error:
        raise SqlSyntaxError(lines.at(max(error.position - 1, 0)), error.message) from None
    found: list[Statement] = []
    for entry in parsed:
        # libpg_query counts bytes; a length of 0 means to the end.
        start = entry.get("stmt_location", 0)
        length = entry.get("stmt_len", 0) or len(encoded) - start
        before = len(encoded[:start].decode())
        body = encoded[start : start + length].decode()
        leading = _BEFORE.match(body)
        comments = leading.group() if leading else ""
        first = before + len(comments)
        ((kind, node),) = entry["stmt"].items()
        line, last = lines.at(first), lines.at(before + len(body.rstrip()))
        excuses = tuple(
            Excuse(lines.at(before + m.start()), _excused(m["rest"]))
            for m in _EXCUSE.finditer(comments)
        )
        found.append(Statement(kind, node, line, last, excuses))
        if kind == "DoStmt":
            found += _body(body[len(comments) :], found[-1])
    return found


def _excused(rest: str) -> str:
    matched = _EXCUSE_CONTENT.fullmatch(rest.rstrip())
    return matched["rule"] if matched else ""


def _body(text: str, block: Statement) -> Iterator[Statement]:
    """What a DO block runs; EXECUTE comes out as kind `dynamic`."""
    try:
        parsed = pgparse.parse_pgsql(text)
    except pgparse.PGQueryError as error:
        raise SqlSyntaxError(block.line, error.message) from None
    for kind, content in _walk(parsed):
        if kind in ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"):
            yield Statement("dynamic", {}, block.line, block.last_line, block.excuses, True)
        elif kind == "PLpgSQL_expr" and content.get("parseMode", 0) == 0:
            for entry in pgparse.parse(content["query"]):
                ((inner, node),) = entry["stmt"].items()
                yield Statement(inner, node, block.line, block.last_line, block.excuses, True)


def nodes(content: Any) -> Iterator[tuple[str, Node]]:
    """Every node in a statement, with its kind: the keys that start with a capital letter."""
    return ((kind, node) for kind, node in _walk(content) if kind[:1].isupper())


def _walk(content: Any) -> Iterator[tuple[str, Node]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, dict):
                yield key, value
            yield from _walk(value)
    elif isinstance(content, list):
        for value in content:
            yield from _walk(value)


class _Lines:
    def __init__(self, text: str) -> None:
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def at(self, position: int) -> int:
        """The line, from 1, of a character."""
        return bisect.bisect_right(self._starts, position)
