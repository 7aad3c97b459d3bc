"""What a command does when its streams or its user are not what they should be: real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from unittest import mock

import pytest

from tests.conftest import PROJECT
from totara_infra.local.user import user_name

TOTARA = f"{sys.executable} -m totara_infra.cli"


def shell(line: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["bash", "-c", line],
        cwd=PROJECT,
        env=os.environ | variables,
        capture_output=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code", "lines"),
    [
        (f"{TOTARA} sequence local > /dev/full", 2, 1),
        (f"{TOTARA} sequence local >&-", 2, 1),
        (f"set -o pipefail; {{ {TOTARA} sequence local; }} | true", 0, 0),
        (f"{TOTARA} sequence local 2>&- > /dev/null", 0, 0),
    ],
    ids=["full", "closed", "pipe", "closed-errors"],
)
def test_streams_that_fail_cost_one_line_and_no_finding(line: str, code: int, lines: int) -> None:
    ended = shell(line)
    said = ended.stderr.decode().splitlines()
    assert ended.returncode == code, said
    assert len(said) == lines, said


def test_a_stream_that_is_not_utf_8_costs_no_traceback() -> None:
    ended = shell(
        f"{TOTARA} tenant show 'kōwhai'", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert b"Traceback" not in ended.stderr


def test_a_user_without_a_name_has_the_number() -> None:
    with (
        mock.patch.dict(os.environ),
        mock.patch("pwd.getpwuid", side_effect=KeyError("no entry")),
    ):
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            os.environ.pop(name, None)
        assert user_name() == f"uid-{os.getuid()}"
