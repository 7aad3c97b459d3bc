"""`python -m benchmarks commands`: it measures commands that exist, and reads them as they are."""

from __future__ import annotations

import json

import pytest

from benchmarks import __main__, commands, measured
from tests.documentation.test_commands import fault


def test_every_measured_command_exists_and_there_are_ten() -> None:
    assert len(commands.COMMANDS) == 10
    for words in commands.COMMANDS:
        assert fault(words.split()) is None, words


def test_a_command_is_measured_cold_and_warm_beside_the_yardstick(monkeypatch, capsys) -> None:
    chosen = {"--help": 150.0, "validate": 350.0}
    monkeypatch.setitem(measured.BENCHMARKS, "commands", lambda: commands.measure(chosen, rounds=1))
    assert __main__.main(["commands", "--format", "json"]) == 0
    found = {figure["what"]: figure for figure in json.loads(capsys.readouterr().out)}
    assert list(found) == [
        "totara --help, warm",
        "totara --help, cold",
        "totara validate, warm",
        "totara validate, a file of the catalogue changed",
        "totara validate, cold",
    ]
    for what, figure in found.items():
        assert figure["unit"] == "ms" and figure["value"] > 0
        assert "of the yardstick" in figure["detail"]
        assert (figure["goal"] is None) is what.endswith("cold")
    # A record that holds saves the reading of every file.
    assert found["totara validate, warm"]["value"] < found["totara validate, cold"]["value"]


def test_a_command_that_fails_is_no_figure(monkeypatch, capsys) -> None:
    monkeypatch.setitem(
        measured.BENCHMARKS, "commands", lambda: commands.measure({"sequence nowhere": 1}, 1)
    )
    assert __main__.main(["commands"]) == 1
    assert "commands could not be measured" in capsys.readouterr().err


def test_an_unknown_benchmark_is_named(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        __main__.main(["nothing"])
    assert ended.value.code == 2
    assert "there is no benchmark nothing" in capsys.readouterr().err
