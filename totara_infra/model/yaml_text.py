"""YAML as people write it and as the engine reads it: one strict reader, one writer.

PyYAML follows YAML 1.1, the engine's Go library YAML 1.2, and the two disagree about unquoted text:
`no`, `012`, `1_000`, `1e3` and `12:30` are different values to each. What they read alike is read
here as well, and the rest is refused with the advice to quote it, so that no value changes on its
way. Dates stay text. Merge keys and tags are refused by name. What aliases stand for is bounded: a
few hundred bytes can stand for gigabytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from totara_infra.model.problems import quoted

MAXIMUM_BYTES = 4 * 1024 * 1024
"""Of a file that people write. The largest of the catalogue has a tenth of it."""
MAXIMUM_DEPTH = 40
MAXIMUM_VALUES = 100_000
LARGEST_INTEGER = 2**53 - 1
"""RFC 8259, section 6: beyond it, readers of JSON may take a neighbouring number."""

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_UNCLEAR_WORDS = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false"} | {
    "off": "false"
}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_NUMBER_LIKE = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"  # a number in either dialect
    r"|[-+]?0[xX][0-9a-fA-F]+|[-+]?0[oO][0-7]+|[-+]?0[bB][01]+"
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"  # base 60 in YAML 1.1
)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)
_DATE_LIKE = re.compile(r"\d{4}-\d\d?-\d\d?([Tt \t].*)?")
_PLAIN_TEXT = re.compile(r"[A-Za-z]([A-Za-z0-9 ._/()&+:-]*[A-Za-z0-9.)])?")
_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")

# libyaml is many times faster than the pure Python parser; wheels of PyYAML carry it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN, _QUOTED = "plain", "quoted"


class _Loader(_Base):  # type: ignore[misc]
    """Marks what is unquoted, instead of deciding by YAML 1.1 what it means."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML calls it
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _QUOTED


@dataclass(frozen=True)
class Fault:
    """One thing in a text that can't be read as it stands.

    Attributes:
        line: from 1; 0 where it is the text as a whole.
        column: from 1; 0 where it is unknown.
        rule: short name.
        what: what is there.
        why: why that can't be taken.
        fix: what to write instead.
    """

    line: int
    column: int
    rule: str
    what: str
    why: str
    fix: str


class YamlFaultsError(ValueError):
    """Everything in a text that can't be read as it stands."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"line {f.line}: {f.what}" for f in faults))


def compose(text: str) -> yaml.Node | None:
    """The nodes of a text with their positions; None for an empty one.

    Raises:
        YamlFaultsError: it is too large, or not YAML.
    """
    found = next(_whole_faults(text), None)
    if found is not None:
        raise YamlFaultsError([found])
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise YamlFaultsError([_syntax_fault(text, error)]) from None
    except RecursionError:
        raise YamlFaultsError([_too_deep(0, 0)]) from None
    return node


def build(
    node: yaml.Node | None,
    *,
    engine: bool = False,
    confidential: bool = False,
    exact: bool = False,
) -> Any:
    """The plain data behind a node: mappings, lists, text, numbers, booleans and None.

    Args:
        node: as `compose` returned it.
        engine: whether the engine reads the text too, which takes unquoted dates for times.
        confidential: whether messages must not repeat any of the text.
        exact: whether a number or constant must be written as JSON writes it, so that nothing of it
            can be lost: `1.10`, `True` and `~` are refused.

    Raises:
        YamlFaultsError: everything that can't be read as it stands.
    """
    builder = _Builder(engine, confidential, exact)
    data = builder.value(node, 0) if node is not None else None
    if builder.faults:
        raise YamlFaultsError(builder.faults)
    return data


def is_explicitly_tagged(node: yaml.Node) -> bool:
    """Whether a node has a tag of its own, such as `!!binary`."""
    return node.tag not in (_PLAIN, _QUOTED)


def is_merge_key(node: yaml.Node) -> bool:
    """Whether a key is `<<`, unquoted."""
    return node.tag == _PLAIN and node.value == "<<"


@dataclass
class _Builder:
    """Nodes turned into data; what is wrong is collected."""

    engine: bool
    confidential: bool
    exact: bool
    faults: list[Fault] = field(default_factory=list)
    _count: int = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        # What an alias stands for counts each time: a short file can't stand for a huge one.
        self._count += 1
        if self._count > MAXIMUM_VALUES:
            raise YamlFaultsError([_too_many(node)])
        if depth > MAXIMUM_DEPTH:
            raise YamlFaultsError([_too_deep(*_place(node))])
        if node.tag not in (_PLAIN, _QUOTED):
            self._add(node, "yaml-tag", f"the tag {self._shown(node.tag)}", *_TAG)
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, depth + 1) for child in node.value]
        if node.tag == _QUOTED:
            return node.value
        found = self._plain(node, node.value)
        if self.exact and not isinstance(found, str) and json.dumps(found) != node.value:
            self._add(node, "unquoted", f"{self._shown(node.value)} without quotes", *_NOT_EXACT)
        return found

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, depth)
            if is_merge_key(key_node):
                continue
            value = self.value(value_node, depth + 1)
            if key is None:
                continue
            if key in found:
                shown = "here" if self.confidential else repr(quoted(key))
                what = f"key {shown} stands twice in one mapping"
                self._add(key_node, "yaml", what, *_TWICE)
            found[key] = value
        return found

    def _key(self, node: yaml.Node, depth: int) -> str | None:
        if is_merge_key(node):
            self._add(node, "yaml-merge", *_MERGE)
            return None
        before = len(self.faults)
        key = self.value(node, depth + 1)
        if isinstance(key, str):
            return key
        if len(self.faults) == before:
            kind = "a list or mapping" if isinstance(key, list | dict) else "not text"
            shown = self._shown(str(node.value)) if kind == "not text" else "here"
            what = f"the key {shown} is {kind}"
            self._add(node, "yaml-key", what, "every key is text", 'quote it, such as "1":')
        return None

    def _plain(self, node: yaml.Node, text: str) -> Any:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if text[0] not in "+-.0123456789":
            self._check_word(node, text)
            return text
        if _INTEGER.fullmatch(text):
            # Python refuses to convert thousands of digits, and 17 are out of the range anyway.
            if len(text) <= 17 and abs(int(text)) <= LARGEST_INTEGER:
                return int(text)
            self._add(node, "number-size", f"the number {self._shown(text)}", *_INEXACT)
        elif _DECIMAL.fullmatch(text):
            number = float(text)
            # 0.1 is the nearest to what was written; twenty digits are not.
            if math.isfinite(number) and Decimal(repr(number)) == Decimal(text):
                return number
            self._add(node, "number-size", f"the number {self._shown(text)}", *_INEXACT)
        elif _NOT_FINITE.fullmatch(text):
            self._add(node, "number-finite", f"{self._shown(text)} is not a number", *_FINITE)
        elif _NUMBER_LIKE.fullmatch(text.replace("_", "")):
            self._add(node, "unquoted", f"{self._shown(text)} without quotes", *_UNCLEAR_NUMBER)
        elif self.engine and _DATE_LIKE.fullmatch(text):
            self._add(node, "unquoted", f"{self._shown(text)} without quotes", *_ENGINE_DATE)
        return text

    def _check_word(self, node: yaml.Node, text: str) -> None:
        meaning = _UNCLEAR_WORDS.get(text.lower()) if len(text) < 4 else None
        if meaning is not None:
            self._add(
                node,
                "unquoted",
                f"{self._shown(text)} without quotes",
                f"some readers of YAML take it for {meaning}, others for text",
                "quote it if it is text"
                if self.confidential
                else f'quote it if it is text: "{text}"; otherwise write {meaning}',
            )
        elif text == "=":
            self._add(node, "unquoted", "`=` without quotes", *_EQUALS)

    def _shown(self, text: str) -> str:
        return "a value" if self.confidential else f"`{quoted(text)}`"

    def _add(self, node: yaml.Node, rule: str, what: str, why: str, fix: str) -> None:
        self.faults.append(Fault(*_place(node), rule, what, why, fix))


_TAG = (
    "tags are not supported: a value's type follows from how it is written",
    "remove the tag; quote what is text",
)
_MERGE = (
    "a merge key, `<<:`",
    "merge keys are not supported: readers of YAML disagree about which value wins",
    "write the keys out",
)
_TWICE = ("only one of the two values would count", "remove one, or correct its name")
_INEXACT = (
    "readers of JSON can't hold it exactly, so they would take a neighbouring one",
    f"write at most 15 digits, or quote it if it is text; the largest is {LARGEST_INTEGER}",
)
_FINITE = ("JSON has no such number, and neither has AppConfig", "write a finite number")
_UNCLEAR_NUMBER = (
    "some readers of YAML take it for text, others for a number, and not all for the same one",
    "quote it if it is text, exactly as it should stay; write a number in plain decimal digits",
)
_ENGINE_DATE = ("the engine takes it for a point in time and rewrites it", "quote it")
_NOT_EXACT = (
    "stored as JSON it would be written otherwise",
    "quote it if it is text; otherwise write it as JSON does",
)
_EQUALS = ("YAML 1.1 gives it a meaning of its own", 'quote it: "="')


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _too_deep(line: int, column: int) -> Fault:
    what = f"more than {MAXIMUM_DEPTH} lists and mappings inside one another"
    return Fault(line, column, "yaml-depth", what, "no file needs that", "write it flatter")


def _too_many(node: yaml.Node) -> Fault:
    return Fault(
        *_place(node),
        "yaml-size",
        f"more than {MAXIMUM_VALUES:,} values in one file",
        "no file needs that",
        "remove what does not belong here",
    )


def _whole_faults(text: str) -> Iterator[Fault]:
    if len(text) > MAXIMUM_BYTES:
        yield Fault(
            0,
            0,
            "yaml-size",
            f"more than {MAXIMUM_BYTES // 1024:,} KiB",
            "files that people write are far smaller",
            "make sure that it is the right file",
        )
    separator = _LINE_SEPARATORS.search(text)
    if separator is not None:
        code = f"U+{ord(separator[0]):04X}"
        yield Fault(
            text.count("\n", 0, separator.start()) + 1,
            separator.start() - text.rfind("\n", 0, separator.start()),
            "yaml",
            f"the invisible character {code}",
            "some readers of YAML take it for the end of the line, others do not",
            f'remove it, or write it in double quotes as "\\u{ord(separator[0]):04x}"',
        )


def _syntax_fault(text: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    detail = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    detail = detail or str(error).splitlines()[0]
    fix = "correct the indentation, quotes or brackets at this line"
    position = getattr(error, "position", None)
    if mark is None and isinstance(position, int):
        # libyaml counts bytes of what it was handed, which is UTF-8.
        before = text.encode()[:position]
        line = before.count(b"\n") + 1
        fix = "remove the character, or write it in double quotes as an escape"
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())] or "'\\t'" in detail:
        detail = "the line is indented with a tab"
        fix = "indent with spaces; YAML does not allow tabs there"
    elif "nesting depth" in detail:
        return _too_deep(line, column)
    return Fault(
        line,
        column,
        "yaml",
        f"this is not valid YAML: {detail}",
        "the file can't be understood from here on",
        fix,
    )


def is_plain(text: str) -> bool:
    """Whether every reader of YAML takes a text for itself when it is not quoted."""
    return (
        _PLAIN_TEXT.fullmatch(text) is not None
        and ": " not in text
        and text not in _CONSTANTS
        and text.lower() not in {*_UNCLEAR_WORDS, "null", "true", "false", "nan", "inf"}
    )


def scalar(text: str) -> str:
    """A text in one line of YAML that every reader takes for exactly this text."""
    if is_plain(text):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    width, mark = (2, "x") if code < 0x100 else (4, "u") if code < 0x10000 else (8, "U")
    return f"\\{mark}{code:0{width}x}"


class _Dumper(yaml.SafeDumper):
    """Quotes text wherever a reader could take it for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML calls it
        return True


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None if is_plain(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represented)


def dump(data: Any) -> str:
    """Data as YAML in which every text reads the same in YAML 1.1 and 1.2."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=math.inf)
