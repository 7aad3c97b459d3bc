"""SQL files taken apart by PostgreSQL's own parser."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pgparse

from totara_infra.migrations.rules import ALLOW

Node = dict[str, Any]
"""A node of the parse tree, as libpg_query writes it in JSON."""
DYNAMIC = "dynamic"
"""Kind of what can't be looked into; `why` in its node says what it is."""
_PLPGSQL = "plpgsql"
_EXPRESSION = 2
"""libpg_query's mode of parsing an expression; above it come assignments, 0 is a statement."""
_ASSIGNMENT = re.compile(":?=")
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
        text: its source.
    """

    kind: str
    node: Node
    line: int
    last_line: int
    excuses: tuple[Excuse, ...] = ()
    nested: bool = False
    text: str = ""


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
        found.append(Statement(kind, node, line, last, excuses, text=body[len(comments) :]))
        if kind == "DoStmt":
            found += _block(found[-1])
    return found


def _excused(rest: str) -> str:
    matched = _EXCUSE_CONTENT.fullmatch(rest.rstrip())
    return matched["rule"] if matched else ""


def _block(block: Statement) -> list[Statement]:
    """What a DO block runs; what can't be looked into comes out as kind `dynamic`."""
    language = _option(block.node.get("args", ()), "language") or _PLPGSQL
    if language != _PLPGSQL:
        return [_inside(block, DYNAMIC, {"why": f"a DO block in {language}"})]
    try:
        return list(_plpgsql(block))
    except pgparse.PGQueryError as error:
        raise SqlSyntaxError(block.line, error.message) from None


def function_body(statement: Statement) -> list[Statement]:
    """What a CREATE FUNCTION would run when called; `dynamic` where that can't be seen."""
    node = statement.node
    name = ".".join(p["String"]["sval"] for p in node["funcname"])
    if "sql_body" in node:
        return [_inside(statement, "AtomicBody", node["sql_body"])]
    language = _option(node.get("options", ()), "language") or "sql"
    try:
        if language == "sql":
            body = _option(node.get("options", ()), "as")
            return [
                _inside(statement, kind, content)
                for entry in pgparse.parse(body)
                for kind, content in entry["stmt"].items()
            ]
        if language == _PLPGSQL:
            return list(_plpgsql(statement))
    except pgparse.PGQueryError:
        return [_inside(statement, DYNAMIC, {"why": f"{name}(), which can't be read"})]
    return [_inside(statement, DYNAMIC, {"why": f"{name}(), which is in {language}"})]


def _option(options: Sequence[Any], name: str) -> str:
    """The text of an option of a function or block; empty where it is absent."""
    for option in options:
        if option["DefElem"]["defname"] == name:
            argument = option["DefElem"]["arg"]
            first = argument["List"]["items"][0] if "List" in argument else argument
            return str(first["String"]["sval"])
    return ""


def _plpgsql(outer: Statement) -> Iterator[Statement]:
    for kind, content in _walk(pgparse.parse_pgsql(outer.text)):
        if kind in ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"):
            yield _inside(outer, DYNAMIC, {"why": "EXECUTE"})
        elif kind == "PLpgSQL_stmt_open" and "dynquery" in content:
            yield _inside(outer, DYNAMIC, {"why": "OPEN … FOR EXECUTE"})
        elif kind == "PLpgSQL_expr":
            query, mode = content["query"], content.get("parseMode", 0)
            if mode == _EXPRESSION:
                query = f"SELECT {query}"
            elif mode > _EXPRESSION:
                # An assignment; what stands to the left of it runs nothing.
                query = f"SELECT {_ASSIGNMENT.split(query, maxsplit=1)[-1]}"
            for entry in pgparse.parse(query):
                ((inner, node),) = entry["stmt"].items()
                yield _inside(outer, inner, node, query)


def _inside(outer: Statement, kind: str, node: Node, text: str = "") -> Statement:
    return Statement(kind, node, outer.line, outer.last_line, outer.excuses, True, text)


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
