"""Progress says what is under way and for how long, and stays plain where nobody watches."""

from __future__ import annotations

import io

import pytest

from totara_infra.local.progress import step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_where_there_is_no_terminal():
    out = io.StringIO()
    with step("Building", "about 4 minutes", out):
        pass
    assert out.getvalue() == "Building (usually about 4 minutes) …\nBuilding: done in 0 s\n"


def test_a_terminal_shows_the_time_so_far():
    out = Terminal()
    with pytest.raises(RuntimeError), step("Building", "about 4 minutes", out):
        raise RuntimeError
    assert "usually about 4 minutes, 0 s so far" in out.getvalue()
    assert out.getvalue().endswith("Building: failed after 0 s\n")


@pytest.mark.parametrize(("value", "coloured"), [("1", False), ("", True)])
def test_no_color_is_respected(monkeypatch, value, coloured):
    monkeypatch.setenv("NO_COLOR", value)
    out = Terminal()
    with step("Building", "about 4 minutes", out):
        pass
    assert ("\033[1m" in out.getvalue()) is coloured
