"""YAML files read into plain data, with the line of every value for error messages."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from totara_infra.model.characters import holds_invisible, invisible_characters
from totara_infra.model.forms import FORMS
from totara_infra.model.kept_documents import data_of
from totara_infra.model.problems import MOST_PROBLEMS, Problem, ProblemsError, quoted, shown
from totara_infra.model.vocabulary import DAY_ERROR
from totara_infra.model.yaml_text import MAXIMUM_BYTES, YamlFaultsError, compose

Location = tuple[int | str, ...]
ModelType = TypeVar("ModelType", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """One YAML file: its data, and where in the file each value stands.

    Attributes:
        path: the file.
        root: the project's folder, to show the path relative to it.
        text: the content as read.
        data: the content as plain data.
    """

    path: Path
    root: Path
    text: str = field(repr=False)
    data: Any = field(repr=False)

    @cached_property
    def name(self) -> str:
        """The path as people should read it."""
        return shown(self.path, self.root)

    @classmethod
    def of(cls, path: Path, root: Path, text: str) -> Document:
        """A document from its text, which need not be in the file yet.

        Raises:
            ProblemsError: it is not YAML, or not such that every reader takes it alike.
        """
        try:
            data = data_of(text, engine=path.name.startswith("Pulumi."))
        except YamlFaultsError as error:
            name = shown(path, root)
            raise ProblemsError(
                Problem(name, f.line, f.rule, f.what, f.why, f.fix)
                for f in error.faults[:MOST_PROBLEMS]
            ) from None
        return cls(path, root, text, data)

    @cached_property
    def _node(self) -> yaml.Node | None:
        return compose(self.text)

    def written(self, location: Location) -> str | None:
        """The scalar at a place as it stands in the file; None where there is none."""
        node = self._node
        for part in location:
            step = _step(node, part)
            if step is None:
                return None
            node = step[0]
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def line(self, location: Location) -> int:
        """The line, from 1, of the value at a path of keys and indices.

        Parts that are not in the file (names of union members in pydantic's locations, or a key
        that is missing) are passed over, so the nearest enclosing value's line comes back.
        """
        node, line = self._node, 1
        for part in location:
            step = _step(node, part)
            if step is not None:
                node, line = step
        return line

    def key(self, part: int | str) -> str:
        """The last part of a location as people wrote it."""
        return part if isinstance(part, str) else "this entry"

    def problem(
        self, location: Location, rule: str, what: str, why: str, fix: str, module: str = ""
    ) -> Problem:
        """A problem at a place in this file."""
        return Problem(self.name, self.line(location), rule, what, why, fix, module)


def _step(node: yaml.Node | None, part: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child, child.start_mark.line + 1
    return None


def read_document(path: Path, root: Path) -> Document:
    """Read one YAML file.

    Raises:
        ProblemsError: the file is absent, not text, not YAML, or has a key twice.
    """
    return Document.of(path, root, _text(path, shown(path, root)))


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as stream:
            # A device or pipe has no end.
            content = stream.read(MAXIMUM_BYTES + 1)
    except FileNotFoundError:
        raise _unreadable(
            name,
            "file-missing",
            "the file does not exist",
            "create it, or correct its name",
            why="it is part of what was asked for",
        ) from None
    except OSError as error:
        raise _unreadable(
            name,
            "file-unreadable",
            f"the file can't be read: {error.strerror or error}",
            "make it a readable UTF-8 text file",
        ) from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:4]:
        raise _unreadable(
            name, "file-encoding", "the file is UTF-16 or UTF-32 text", "save it as UTF-8"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if len(content) > MAXIMUM_BYTES:
            # The end may be in the middle of a character; that it is too large is said elsewhere.
            return content.decode("utf-8", errors="replace")
        raise _unreadable(
            name,
            "file-encoding",
            f"line {line} is not UTF-8 text",
            "save the file as UTF-8",
            line=line,
        ) from None


def _unreadable(
    name: str, rule: str, what: str, fix: str, why: str = "its content is needed", line: int = 0
) -> ProblemsError:
    return ProblemsError([Problem(name, line, rule, what, why, fix)])


def parse(document: Document, model: type[ModelType]) -> ModelType:
    """Validate a document against a model.

    Raises:
        ProblemsError: every mismatch, with line and fix.
    """
    if not isinstance(document.data, dict):
        raise ProblemsError([not_a_mapping(document)])
    problems = [
        document.problem(
            place,
            "control-character",
            f"the text holds {character}",
            "nobody sees it, and names, pages and terminals would carry it along",
            "type the text again without it",
            subject(document.data, place),
        )
        for place, character in _invisible(document)
    ]
    try:
        found = model.model_validate(document.data)
    except ValidationError as error:
        problems += _problems(document, model, error)
    if problems:
        raise ProblemsError(problems)
    return found


def _invisible(document: Document) -> Iterator[tuple[Location, str]]:
    # Where the text holds none, nor any escape that could stand for one, its data holds none.
    if "\\" in document.text or holds_invisible(document.text):
        yield from invisible_characters(document.data)


def not_a_mapping(document: Document, location: Location = ()) -> Problem:
    """The problem of a place that holds something else than `key: value` lines."""
    data = document.data
    for part in location:
        data = _child(data, part)
    name = f"`{location[-1]}`" if location else "the file"
    return document.problem(
        location,
        "no-mapping",
        f"{name} is {_kind(data)}",
        "a mapping is expected",
        "write lines of the form `key: value`"
        + (", indented below it" if location else "")
        + "; the guides show whole files",
    )


def _kind(value: Any) -> str:
    """What a value is, as people who write YAML call it."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, dict | list):
        return quoted(value)[: -len(f" of {len(value):,}")] if value else quoted(value)
    return "empty"


def _problems(document: Document, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    found: dict[tuple[Location, str], Problem] = {}
    for item in error.errors(include_url=False):
        location: Location = item["loc"]
        if len(found) == MOST_PROBLEMS:
            text = "and further problems of the same file"
            fix = "correct those above, then check again"
            last = Problem(document.name, 10**9, "further", text, "one list is enough", fix)
            return [*found.values(), replace(last, line=0)]
        written = document.written(_in_file(document.data, location))
        rule, what, why, fix = _explain(model, location, item, written, document.key)
        module = subject(document.data, location)
        problem = document.problem(location, rule, what, why, fix, module)
        # A union reports once for each member that did not fit; one problem a place is enough.
        found.setdefault((_in_file(document.data, location), rule), problem)
    return list(found.values())


def _in_file(data: Any, location: Location) -> Location:
    """The location without the parts that only name a member of a union."""
    kept: list[int | str] = []
    for part in location:
        child = _child(data, part)
        if child is not _ABSENT:
            data = child
            kept.append(part)
        elif part == location[-1]:
            kept.append(part)
    return tuple(kept)


_ABSENT = object()


def _child(data: Any, part: int | str) -> Any:
    if isinstance(data, dict):
        return data.get(part, _ABSENT)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return _ABSENT


def subject(data: Any, location: Location) -> str:
    """The id of the innermost module, domain or tenant around a place in a document."""
    best = ""
    for part in location:
        best = _identity(data) or best
        data = _child(data, part)
        if data is _ABSENT:
            return best
    return _identity(data) or best


def _identity(data: Any) -> str:
    for key in ("client_id", "id"):
        value = data.get(key) if isinstance(data, dict) else None
        if isinstance(value, str):
            return value
    return ""


def _explain(
    model: type[BaseModel],
    location: Location,
    item: Any,
    written: str | None,
    key: Callable[[int | str], str],
) -> tuple[str, str, str, str]:
    """Rule, what, why and fix of one of pydantic's errors."""
    kind, message = item["type"], item["msg"]
    name = key(location[-1]) if location else "the file"
    mistyped = _mistyped(kind, location, item["input"], written, key)
    if mistyped is not None:
        return ("value", *mistyped)
    if kind == "extra_forbidden":
        known = _fields_at(model, location[:-1])
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"write `{near[0]}`" if near else "remove it"
        return (
            "unknown-key",
            f"unknown key `{name}`",
            "nothing reads it, so it would be lost",
            f"{hint}; known here: {', '.join(known)}" if known else hint,
        )
    if kind == "missing":
        return (
            "missing-key",
            f"`{name}` is missing",
            "it has no default",
            f"add `{name}:`",
        )
    if kind in ("enum", "literal_error", "union_tag_invalid"):
        expected = str(item.get("ctx", {}).get("expected") or item["ctx"].get("expected_tags"))
        return (
            "unknown-value",
            f"`{name}` is {_repeated(item['input'])}"
            if kind != "union_tag_invalid"
            else f"`kind` is {_repeated(item['ctx']['tag'])}",
            "only these are known",
            f"write one of {expected}",
        )
    if kind == "string_pattern_mismatch":
        pattern = item["ctx"]["pattern"]
        return (
            "pattern",
            f"`{name}` is {_repeated(item['input'])}",
            f"it must match {pattern}",
            f"write {FORMS[pattern]}" if pattern in FORMS else "write it in that form",
        )
    said = message.removeprefix("Value error, ")
    return "value", f"`{name}`: {said}", "the value is not allowed here", "correct the value"


_WANTED = {
    "bool": ("true or false", "write true or false, without quotes"),
    "int": ("a whole number", "write a whole number, without quotes"),
    "float": ("a number", "write a number, without quotes"),
    "string": ("text", ""),
    "list": ("a list", ""),
    "dict": ("a mapping", "write lines of the form `key: value` below it, indented"),
    "model": ("a mapping", "write lines of the form `key: value` below it, indented"),
    "finite": ("a finite number", "write a finite number"),
    DAY_ERROR: ("a day of the calendar", "write a day that exists, as YYYY-MM-DD"),
}
"""Start of one of pydantic's kinds of error -> what is expected, and how to write it."""

_SCALAR_MEMBERS = ("bool", "int", "float", "str", "list[str]")
"""Parts that pydantic adds to a location for the members of `Scalar`."""


def _mistyped(
    kind: str,
    location: Location,
    value: Any,
    written: str | None,
    key: Callable[[int | str], str],
) -> tuple[str, str, str] | None:
    """What, why and fix where a value is of another kind than the model takes."""
    start = kind if kind == DAY_ERROR else kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing", "_from_float")) or kind in (DAY_ERROR, "finite_number"):
        expected, fix = _WANTED.get(start, ("", ""))
    else:
        return None
    names = [part for part in location if part not in _SCALAR_MEMBERS]
    if len(names) < len(location):
        expected, fix = "a text, a number, true or false, or a list of texts", "write one of these"
    if not expected:
        return None
    name = next((key(part) for part in reversed(names) if isinstance(part, str)), "the file")
    entry = names and isinstance(names[-1], int)
    subject = f"entry {int(names[-1]) + 1} of `{name}`" if entry else f"`{name}`"
    prefix = "" if entry else f"{name}: "
    text = quoted(value if written is None else written)
    simple = not isinstance(value, list | dict | None)
    read = f"`{text}`, {_kind(value)}" if simple else _kind(value)
    if start == "string" and not fix:
        fix = f'quote it: `{prefix}"{text}"`' if simple else "write one text"
    if start == "list" and not fix:
        fix = f"write `{prefix}[{'' if value is None else text}]`"
    return f"{subject} is {read}", f"{expected} is expected", fix


def _repeated(value: Any) -> str:
    return repr(quoted(value)) if isinstance(value, str) else quoted(value)


def _fields_at(model: type[BaseModel], location: Location) -> list[str]:
    current: list[Any] = [model]
    for part in location:
        following: list[Any] = []
        for kind in current:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                if isinstance(part, str) and part in kind.model_fields:
                    following += _models(kind.model_fields[part].annotation)
                elif isinstance(part, int) or _is_tag(kind, part):
                    following.append(kind)
        current = following or current
    return sorted({f for k in current if issubclass(k, BaseModel) for f in k.model_fields})


def _is_tag(kind: type[BaseModel], part: int | str) -> bool:
    tag = kind.model_fields.get("kind")
    return tag is not None and part in [str(a) for a in get_args(tag.annotation)]


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel | Enum) else []
    if get_origin(annotation) in (Union, types.UnionType) or get_args(annotation):
        return [m for a in get_args(annotation) for m in _models(a)]
    return []
