"""JSON that comes from elsewhere can be anything: a command says so in a line or two and exits."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.input.in_process import Project
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE

ODD: dict[str, bytes] = {
    "empty": b"",
    "cut-off": b'{"a": ',
    "list": b"[]",
    "text": b'"text"',
    "number": b"1",
    "null": b"null",
    "empty-object": b"{}",
    "other-types": b'{"pid": [], "checkpoint": 1, "author": {}, "result": [[]], "stack": {}}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep-object": b'{"checkpoint":' * 5_000 + b"1" + b"}" * 5_000,
    "huge-integer": b'{"pid": ' + b"9" * 5_000 + b"}",
    "not-a-number": b'{"pid": NaN}',
    "not-text": b"\xff\xfe\x00{",
    "surrogate": b'{"pid": "\\ud800"}',
    "key-twice": b'{"pid": 1, "pid": 2}',
}

STACKS = Path("state", ".pulumi", "stacks", "totara-infra")
LOCKS = Path("state", ".pulumi", "locks", "organization", "totara-infra", "local")
RELEASE = ("release", "check", "prod", "--tag", "v1.2.3", "--approved", "x", "--author", "y")


def evidence(place: Path) -> tuple[str, ...]:
    return ("verify", "report", str(place / "given"))


def approvals(place: Path) -> tuple[str, ...]:
    return (*RELEASE, "--approvals", str(place / "given"))


def token(place: Path) -> tuple[str, ...]:
    text = base64.urlsafe_b64encode((place / "given").read_bytes()).decode().rstrip("=")
    (place / "token").write_text(f"{text}.{text}.x", encoding="utf-8")
    return ("claims", "check", str(place / "token"))


def inside(place: Path, name: Path) -> None:
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / "given").rename(place / name)


def state(place: Path) -> tuple[str, ...]:
    inside(place, STACKS / "local.json")
    return ("state", "status", "local")


def lock(place: Path) -> tuple[str, ...]:
    inside(place, LOCKS / "0.json")
    return ("state", "status", "local")


def emulator(place: Path) -> tuple[str, ...]:
    inside(place, Path("emulators", "local.json"))
    return ("drift", "local")


def drill(place: Path) -> tuple[str, ...]:
    inside(place, Path("drills", "local", "lambda-failure", "journal.json"))
    return ("dr", "status", "lambda-failure", "local")


PLACES = (evidence, approvals, token, state, lock, emulator, drill)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return Project.make(tmp_path_factory.mktemp("odd") / "project")


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_odd_json_ends_in_words(
    project: Project,
    tmp_path: Path,
    monkeypatch,
    place: Callable[[Path], tuple[str, ...]],
    odd: str,
) -> None:
    (tmp_path / "given").write_bytes(ODD[odd])
    words = place(tmp_path)
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(tmp_path))
    monkeypatch.setenv("TOTARA_PORT", "1")
    ended = project.totara(*words)
    said = ended.out + ended.err
    assert ended.code in (0, 1, 2), said[-2000:]
    # A message quotes at most a little of what it can't read.
    assert len(said) < 4_000
