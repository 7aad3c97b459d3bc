"""No command that messages and guides offer removes a file that git tracks."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PROGRAMS = (
    "totara",
    "pulumi",
    "make",
    "git",
    "rm",
    "mv",
    "find",
    "chmod",
    "pip",
    "python",
    "export",
)
QUOTED = re.compile(r"`([^`\n]+)`")
CONSOLE = re.compile(
    r"^\s*(?:\$ )?((?:\.venv/bin/)?(?:" + "|".join(PROGRAMS) + r") .+)$", re.MULTILINE
)
HOLE = "PLACEHOLDER"


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Where and what: every text of the program, its data, and the guides."""
    for path in sorted((root / "totara_infra").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else HOLE for p in node.values]
                yield str(path), "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(path), node.value
    patterns = (
        "totara_infra/catalogue/**/*.yaml",
        "docs/**/*.md",
        "README.md",
        ".github/**/*.yaml",
    )
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            yield str(path), path.read_text(encoding="utf-8")


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command that a text offers."""
    for line in (*QUOTED.findall(text), *CONSOLE.findall(text)):
        try:
            words = shlex.split(re.sub(r"\{\w+\}", HOLE, line), comments=True)
        except ValueError:
            continue
        if words and Path(words[0]).name in PROGRAMS:
            yield [Path(words[0]).name, *words[1:]]


def removes_tracked(words: list[str], tracked: frozenset[str]) -> bool:
    """Whether a command removes, or takes back, a file that git tracks."""
    program, rest = words[0], words[1:]
    plain = [word for word in rest if not word.startswith("-")]
    if program == "pulumi" and plain[:2] in (["stack", "rm"], ["stack", "remove"]):
        # It removes Pulumi.STACK.yaml too.
        return "--preserve-config" not in rest
    if program == "git":
        # A secret that was committed by mistake leaves the index; the file stays.
        gone = plain[:1] == ["rm"] and "--cached" not in rest
        return gone or plain[:1] == ["clean"] or (plain[:1] == ["reset"] and "--hard" in rest)
    if program == "find":
        return "-delete" in rest
    if program == "rm":
        folders = {f"{parent}" for name in tracked for parent in Path(name).parents} - {"."}
        return any(word.strip("./") in tracked | folders or word in (".", "*") for word in plain)
    return False


@pytest.fixture(scope="module")
def tracked() -> frozenset[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a checkout of git")
    return frozenset(listed.stdout.split())


def test_no_offered_command_removes_a_tracked_file(tracked):
    offered = [(place, words) for place, text in texts(PROJECT) for words in commands(text)]

    # What is offered is found at all: in messages, in data and in guides.
    places = {place for place, _ in offered}
    assert len(offered) > 200
    for part in ("lifecycle.py", "situations.py", "recovery.yaml", "state.md", "README.md"):
        assert any(place.endswith(part) for place in places), part
    assert [entry for entry in offered if removes_tracked(entry[1], tracked)] == []


@pytest.mark.parametrize(
    ("text", "removes"),
    [
        ("`pulumi stack rm --force {stack}` removes it there", True),
        ("`pulumi stack rm --force --preserve-config local`", False),
        ("$ git clean -fdx", True),
        ("    rm -rf totara_infra", True),
        ("`rm Pulumi.local.yaml`", True),
        ("`rm -rf .totara/flyway`", False),
        ("`git switch --detach LAST_GOOD`", False),
    ],
)
def test_such_a_command_is_recognised(tracked, text, removes):
    (words,) = commands(text)

    assert removes_tracked(words, tracked) is removes
