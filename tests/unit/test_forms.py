"""Every pattern of the models is put into words, and the words' examples fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import totara_infra.model
from totara_infra.model.forms import FORMS

EXAMPLE = re.compile(r"such as [`']?([^\s,`']+(?: [^,`']+\))?)")


def patterns() -> set[str]:
    folder = Path(totara_infra.model.__file__).parent
    found: set[str] = set()
    for file in folder.glob("*.py"):
        module = import_module(f"totara_infra.model.{file.stem}".removesuffix(".__init__"))
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, BaseModel) and kind is not BaseModel:
                found |= {*patterns_in(kind.model_json_schema())}
    return found


def patterns_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from patterns_in(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from patterns_in(inner)


def test_every_pattern_has_words_and_no_words_are_left_over() -> None:
    assert patterns() == FORMS.keys()


def test_the_examples_fit() -> None:
    examples = {p: found[1] for p, words in FORMS.items() if (found := EXAMPLE.search(words))}
    assert len(examples) >= 10
    for pattern, example in examples.items():
        assert re.search(pattern, example), (pattern, example)
