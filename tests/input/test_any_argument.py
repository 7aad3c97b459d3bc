"""Whatever arguments a command is given, it ends orderly: every option of every command."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import typer
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.input.in_process import Project
from totara_infra.cli.main import app
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE

ODD = [
    "", "-", "--", "local", "dev", "prod", "prod-acorn", "moon", "acorn", "MOD-001", "MOD-999",
    "SD01", "-1", "0", "3", "1e3", "nan", "inf", "9" * 30, "é", "\U0001f600", "\udcff", "a b",
    "a" * 3_000, ".", "file", "none/file", "a\nb", "\x1b[31m", "{}", "{env}", "[", "*", "%s",
    "%(x)s", "$HOME", "core/neon-db-url", "/bank/{env}/x", "json", "2026-13-01", "key=value",
    "region-loss", "live", "v1.2.3", "HEAD", "http://127.0.0.1:1", "s3://x",
]  # fmt: skip
TIMES = 4
"""How often each command is run with words of Hypothesis's choice."""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its parameters."""

    def below(group: Any, *before: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, *before, name)
            else:
                yield " ".join((*before, name)), command

    yield from below(typer.main.get_command(app))


COMMANDS = dict(commands())


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    """Files that may be broken, on a machine without programs, network or patience."""
    project = Project.make(tmp_path_factory.mktemp("odd") / "project")

    def no_program(_: Any, args: Any, *__: Any, **___: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(args[0]))

    def no_network(*_: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.setenv(STATE_DIRECTORY_VARIABLE, str(project.root / ".totara"))
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("TOTARA_PORT", "1")
        patch.setattr(subprocess.Popen, "__init__", no_program)
        patch.setattr(socket.socket, "connect", no_network)
        patch.setattr(time, "sleep", lambda _: None)
        patch.setattr("totara_infra.documentation.server.Address.wait", lambda _: None)
        yield project


def words_of(command: Any, chosen: Mapping[str, Any]) -> list[str]:
    """The command line of chosen values; a flag is set where its value is odd in length."""
    words = []
    for parameter in command.params:
        value = chosen[parameter.name]
        if parameter.param_type_name == "argument":
            words.append(value)
        elif parameter.name == "help" or value is None:
            continue
        elif parameter.is_flag:
            words += [parameter.opts[0]] if len(value) % 2 else []
        else:
            words += [parameter.opts[0], value]
    return words


def choices(command: Any) -> st.SearchStrategy[dict[str, Any]]:
    value = st.sampled_from(ODD)
    return st.fixed_dictionaries(
        {
            p.name: st.one_of(st.sampled_from(["local", "prod", "acorn"]), value)
            if p.param_type_name == "argument"
            else st.one_of(st.none(), st.none(), value)
            for p in command.params
        }
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_ends_orderly_whatever_its_arguments_are(project: Project, name: str) -> None:
    command = COMMANDS[name]
    codes = []

    @settings(
        max_examples=TIMES, deadline=None, derandomize=True, phases=[Phase.generate], database=None
    )
    @given(choices(command))
    def try_one(chosen: dict[str, Any]) -> None:
        words = [*name.split(), *words_of(command, chosen)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
            ended = project.totara(*words)
        codes.append(ended.code)
        assert ended.code in (0, 1, 2), (words, ended)
        assert ended.code == 0 or ended.err.strip() or ended.out.strip(), words

    try_one()
    assert len(codes) == TIMES or not command.params


def test_every_parameter_gets_odd_values() -> None:
    """The strategy above knows every kind of parameter there is."""
    kinds = {p.param_type_name for c in COMMANDS.values() for p in c.params}
    assert kinds == {"argument", "option"}
    assert len(COMMANDS) > 60
