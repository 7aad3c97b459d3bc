"""Trying other versions: which words are taken, and what is pinned in the copy.

The rest is run by `make upgrade-check` itself.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from totara_infra.local import upgrade
from totara_infra.local.errors import LocalEnvironmentError


@pytest.mark.parametrize("words", [[], ["pulumi"], ["pulumi=new"], ["boto3=1.44.0"]])
def test_words_that_are_no_versions_are_refused_with_a_way(words, capsys):
    with pytest.raises(LocalEnvironmentError, match="VERSIONS="):
        upgrade.wanted_versions(words)
    assert upgrade.main(words) == 2
    assert "VERSIONS=" in capsys.readouterr().err


def test_the_copy_gets_the_versions_and_nothing_else_changes(tmp_path, monkeypatch):
    (tmp_path / "requirements").mkdir()
    for name in ("pyproject.toml", "requirements/emulator.in"):
        shutil.copy(PROJECT / name, tmp_path / name)
    commands = []
    monkeypatch.setattr(upgrade, "run_logged", lambda command, **_: commands.append(command))

    upgrade._pin(tmp_path, {"pulumi": "3.999.0", "pulumi-aws": "7.999.0", "ministack": "9.9.9"})

    def changed(name: str) -> dict[str, str]:
        before = (PROJECT / name).read_text().splitlines()
        after = (tmp_path / name).read_text().splitlines()
        return {a: b for a, b in zip(before, after, strict=True) if a != b}

    project = changed("pyproject.toml")
    assert [line.split(",")[0].strip() for line in project.values()] == [
        '"pulumi==3.999.0"', '"pulumi-aws==7.999.0"',
    ]  # fmt: skip
    assert [line.split()[0] for line in changed("requirements/emulator.in").values()] == [
        "ministack==9.9.9"
    ]
    assert [c[c.index("--output-file") + 1] for c in commands] == [
        "requirements/project.lock", "requirements/emulator.lock",
    ]  # fmt: skip
    assert "--upgrade-package=pulumi==3.999.0" in commands[0]
    assert all(Path(str(command[0])).name == "uv" for command in commands)
