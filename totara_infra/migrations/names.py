"""Names that PostgreSQL gives to what a statement leaves unnamed.

As in `makeObjectName` and `ChooseRelationName`, `src/backend/commands/indexcmds.c`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from totara_infra.migrations.statements import Node, nodes

_LONGEST = 63
"""Bytes of a name."""


def chosen(first: str, second: str, label: str, taken: Callable[[str], bool]) -> str:
    """A free name, such as `accounts_party_id_idx`.

    Args:
        first: the table.
        second: its columns, or nothing.
        label: key, idx, fkey, …
        taken: whether a name is in use.
    """
    number = 0
    while taken(name := _shortened(first, second, f"{label}{number or ''}")):
        number += 1
    return name


def _shortened(first: str, second: str, label: str) -> str:
    one, two = first.encode(), second.encode()
    room = _LONGEST - len(label) - 1 - (1 if two else 0)
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    parts = [one.decode(errors="ignore"), two.decode(errors="ignore"), label]
    return "_".join(p for p in parts if p)


def joined(columns: Sequence[str]) -> str:
    """Columns in one name."""
    return "_".join(columns).encode()[:_LONGEST].decode(errors="ignore")


def index_columns(node: Node) -> list[str]:
    """The columns of an index as they come into its name; an expression is called `expr`."""
    found: list[str] = []
    for element in [*node.get("indexParams", ()), *node.get("indexIncludingParams", ())]:
        part = element["IndexElem"]
        name = part.get("name") or _figured(part.get("expr", {})) or "expr"
        free, number = name, 0
        while free in found:
            number += 1
            free = f"{name}{number}"
        found.append(free)
    return found


def _figured(expression: Node) -> str:
    call = expression.get("FuncCall")
    return str(call["funcname"][-1]["String"]["sval"]) if call else ""


def checked_columns(expression: Node) -> list[str]:
    """The columns that a CHECK reads, each once."""
    found: dict[str, None] = {}
    for kind, node in nodes(expression):
        if kind == "ColumnRef" and "String" in node["fields"][-1]:
            found[node["fields"][-1]["String"]["sval"]] = None
    return list(found)
