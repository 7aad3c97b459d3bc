"""One spelling of what statements say, so that two of them can be compared."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from totara_infra.migrations.statements import Node


def spelled(node: Node, *without: str) -> str:
    """A node's content, wherever it stands and however it is laid out.

    Args:
        node: of the parse tree.
        without: keys that make no difference, such as `replace`.
    """
    return json.dumps(_plain(node, {"location", "if_not_exists", *without}), sort_keys=True)


def _plain(content: Any, without: set[str]) -> Any:
    if isinstance(content, dict):
        # A function's source is taken without its indentation.
        if content.get("defname") == "as" and "List" in content.get("arg", ()):
            return {"as": [source(i["String"]["sval"]) for i in content["arg"]["List"]["items"]]}
        return {k: _plain(v, without) for k, v in content.items() if k not in without}
    if isinstance(content, list):
        return [_plain(item, without) for item in content]
    return content


def source(text: str) -> str:
    """A function's source without what only lays it out."""
    return "\n".join(line.rstrip() for line in textwrap.dedent(text).strip().splitlines())


def body_of(node: Node) -> str:
    """A CREATE FUNCTION's source; empty where it is no text."""
    for option in node.get("options", ()):
        part = option["DefElem"]
        if part["defname"] == "as":
            return source(part["arg"]["List"]["items"][0]["String"]["sval"])
    return ""
