"""YAML files read into plain data, with the line of every value for error messages."""

from __future__ import annotations

import difflib
import types
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from totara_infra.model.characters import invisible_characters
from totara_infra.model.problems import Problem, ProblemsError, shown

# libyaml is many times faster than the pure Python parser; wheels of PyYAML carry it.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Location = tuple[int | str, ...]
ModelType = TypeVar("ModelType", bound=BaseModel)


class _Loader(_Base):  # type: ignore[misc]
    """Safe loader that refuses a key written twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        if len(mapping) != len(node.value):
            seen: set[Any] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node)
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key!r} stands twice in one mapping", key_node.start_mark
                    )
                seen.add(key)
        return mapping


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

    @cached_property
    def _node(self) -> yaml.Node | None:
        node: yaml.Node | None = yaml.compose(self.text, Loader=_Base)
        return node

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
    name = shown(path, root)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProblemsError(
            [
                Problem(
                    name,
                    0,
                    "file-missing",
                    "the file does not exist",
                    "it is part of what was asked for",
                    "create it, or correct its name",
                )
            ]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemsError(
            [
                Problem(
                    name,
                    0,
                    "file-unreadable",
                    f"the file can't be read: {error}",
                    "its content is needed",
                    "make it a readable UTF-8 text file",
                )
            ]
        ) from None
    try:
        data = yaml.load(text, Loader=_Loader)  # a subclass of the safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        detail = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ProblemsError(
            [
                Problem(
                    name,
                    mark.line + 1 if mark else 0,
                    "yaml",
                    f"this is not valid YAML: {detail}",
                    "the file can't be understood from here on",
                    "correct the indentation, quotes or brackets at this line",
                )
            ]
        ) from None
    return Document(path, root, text, data)


def parse(document: Document, model: type[ModelType]) -> ModelType:
    """Validate a document against a model.

    Raises:
        ProblemsError: every mismatch, with line and fix.
    """
    problems = [
        document.problem(
            place,
            "control-character",
            f"the text holds {character}",
            "nobody sees it, and names, pages and terminals would carry it along",
            "type the text again without it",
            subject(document.data, place),
        )
        for place, character in invisible_characters(document.data)
    ]
    try:
        found = model.model_validate(document.data)
    except ValidationError as error:
        problems += _problems(document, model, error)
    if problems:
        raise ProblemsError(problems)
    return found


def _problems(document: Document, model: type[BaseModel], error: ValidationError) -> list[Problem]:
    found: dict[tuple[Location, str], Problem] = {}
    for item in error.errors(include_url=False):
        location: Location = item["loc"]
        rule, what, why, fix = _explain(model, location, item["type"], item["msg"], item)
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
    model: type[BaseModel], location: Location, kind: str, message: str, item: Any
) -> tuple[str, str, str, str]:
    """Rule, what, why and fix of one of pydantic's errors."""
    last = location[-1] if location else "the file"
    name = last if isinstance(last, str) else "this entry"
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
            f"`{name}` is {item['input']!r}"
            if kind != "union_tag_invalid"
            else f"`kind` is {item['ctx']['tag']!r}",
            "only these are known",
            f"write one of {expected}",
        )
    if kind == "string_pattern_mismatch":
        pattern = item["ctx"]["pattern"]
        return (
            "pattern",
            f"`{name}` is {item['input']!r}",
            f"it must match {pattern}",
            "write it in that form",
        )
    return "value", f"`{name}`: {message}", "the model does not take it", "correct the value"


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
