"""Which engine is used, and that a half-built one never is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from totara_infra.local import packages, pulumi_engine
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.pulumi_engine import (
    LANGUAGE_HOST,
    build_with_go,
    built_engine,
    ensure_engine,
    find_engine,
    pinned_version,
)


def script(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def builder(version: str, built: list[Path]):
    def build(target: Path) -> None:
        built.append(target)
        script(target, f"echo v{version}")

    return build


@pytest.fixture
def path_folder(state_folder, tmp_path, monkeypatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def nothing_on_path(path_folder) -> None:
    """No engine on PATH."""


@pytest.mark.engine
def test_a_truncated_engine_is_noticed_and_replaced(nothing_on_path, real_engine):
    target = built_engine()
    target.parent.mkdir()
    with real_engine.open("rb") as whole:
        target.write_bytes(whole.read(1_000_000))
    target.chmod(0o755)
    assert find_engine() is None

    engine = ensure_engine(build=lambda unfinished: shutil.copy2(real_engine, unfinished))

    assert engine.path == target
    assert engine.version == pinned_version()
    assert target.stat().st_size == real_engine.stat().st_size


def test_an_engine_that_is_cut_short_after_it_was_checked_is_noticed(nothing_on_path):
    engine = ensure_engine(build=builder(pinned_version(), []))
    assert find_engine() == engine

    engine.path.write_text("#!/bin/sh\n")

    assert find_engine() is None


def test_a_whole_engine_is_built_once(nothing_on_path):
    built: list[Path] = []
    for _ in range(2):
        ensure_engine(build=builder(pinned_version(), built))
    assert len(built) == 1


def test_an_interrupted_build_leaves_no_engine(nothing_on_path, state_folder):
    def interrupted(target: Path) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_engine(build=interrupted)

    assert find_engine() is None
    assert list((state_folder / "bin").iterdir()) == []


def test_a_build_of_another_version_is_refused(nothing_on_path):
    with pytest.raises(LocalEnvironmentError, match=r"3\.1\.0"):
        ensure_engine(build=builder("3.1.0", []))
    assert not built_engine().exists()


def test_an_engine_on_path_with_its_language_host_is_used(path_folder):
    program = script(path_folder / "pulumi", "echo v3.999.0")
    script(path_folder / LANGUAGE_HOST, "")

    engine = find_engine()

    assert engine is not None
    assert (engine.path, engine.version, engine.brings_language_host) == (program, "3.999.0", True)


def test_the_language_host_may_lie_elsewhere_on_path(path_folder, tmp_path, monkeypatch):
    script(path_folder / "pulumi", "echo v3.999.0")
    script(tmp_path / "other" / LANGUAGE_HOST, "")
    monkeypatch.setenv("PATH", f"{path_folder}:{tmp_path / 'other'}:/usr/bin:/bin")

    engine = find_engine()

    assert engine is not None
    assert not engine.brings_language_host


@pytest.mark.parametrize(
    "answer",
    ["echo v3.99.0", "exit 1", "echo v3.999.0; # totara_infra.local.pulumi_command"],
    ids=["older than the SDK", "broken", "this project's own wrapper"],
)
def test_an_engine_on_path_that_does_not_suit_is_passed_by(path_folder, answer):
    script(path_folder / "pulumi", answer)
    script(path_folder / LANGUAGE_HOST, "")
    assert find_engine() is None


def test_an_engine_without_a_language_host_is_passed_by(path_folder):
    script(path_folder / "pulumi", "echo v3.999.0")
    assert find_engine() is None


def test_an_unreachable_module_proxy_is_said(nothing_on_path, monkeypatch):
    def install_go(folder: Path, lock: Path, *, purpose: str) -> None:
        script(folder / "bin" / "go", "echo 'dial tcp: lookup proxy: no such host' >&2; exit 1")

    monkeypatch.setattr(packages, "install_environment", install_go)

    with pytest.raises(LocalEnvironmentError, match="can't be reached") as caught:
        ensure_engine()
    assert "GOPROXY" in caught.value.fix
    assert find_engine() is None


def test_the_toolchain_goes_after_a_build(nothing_on_path, state_folder, monkeypatch):
    def install_go(folder: Path, lock: Path, *, purpose: str) -> None:
        script(folder / "bin" / "go", 'echo "$GOFLAGS $GOTOOLCHAIN $CGO_ENABLED $*" >> ../go.calls')

    monkeypatch.setattr(packages, "install_environment", install_go)
    monkeypatch.setattr(pulumi_engine, "ENGINE_FOLDER", state_folder / "bin")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    pinned_version.cache_clear()
    (state_folder / "bin").mkdir()
    shutil.copy(Path(packages.__file__).parent / "engine" / "go.mod", state_folder / "bin")

    build_with_go(state_folder / "bin" / "unfinished")

    calls = (state_folder / "go.calls").read_text().splitlines()
    assert [call.split()[3] for call in calls] == ["list", "build"]
    assert all(call.startswith("-mod=readonly local 0 ") for call in calls)
    assert not (state_folder / "go").exists()
