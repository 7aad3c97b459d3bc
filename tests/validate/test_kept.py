"""What is kept between commands saves time, and never says what the files do not say."""

from __future__ import annotations

import hashlib
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.small_catalogue import write_small_catalogue
from totara_infra.local import kept
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE
from totara_infra.model.kept_documents import data_of, kept_documents
from totara_infra.model.problems import ProblemsError
from totara_infra.model.yaml_text import YamlFaultsError
from totara_infra.resolver import kept_catalogue, load_catalogue, validation


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A working folder that holds nothing yet."""
    (tmp_path / "state").mkdir()
    monkeypatch.setenv(STATE_DIRECTORY_VARIABLE, str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch) -> Path:
    """A small catalogue in place of the packaged one."""
    place = tmp_path / "project" / "totara_infra" / "catalogue"
    write_small_catalogue(place)
    monkeypatch.setattr(validation, "CATALOGUE_DIRECTORY", place)
    return place


@pytest.fixture
def readings(monkeypatch) -> list[Path]:
    """The folders that were read rather than recalled."""
    read: list[Path] = []
    real = validation.read_catalogue

    def reading(directory: Path):
        read.append(directory)
        return real(directory)

    monkeypatch.setattr(validation, "read_catalogue", reading)
    return read


def test_the_catalogue_is_read_once_and_comes_back_the_same(folder, directory, readings) -> None:
    first, second = load_catalogue(directory), load_catalogue(directory)
    assert len(readings) == 1
    assert second.catalogue == first.catalogue
    assert second.documents == first.documents
    place = ("modules", 0, "title")
    assert second.documents["SD01"].line(place) == first.documents["SD01"].line(place) > 1


def test_a_change_is_seen_and_a_fault_is_never_kept(folder, directory, readings) -> None:
    load_catalogue(directory)
    file = directory / "domains" / "sd01.yaml"
    right = file.read_text(encoding="utf-8")
    file.write_text(right.replace("id: MOD-001", "id: MOD-999", 1), encoding="utf-8")
    for _ in range(2):
        with pytest.raises(ProblemsError):
            load_catalogue(directory)
    file.write_text(right, encoding="utf-8")
    load_catalogue(directory)
    (directory / "domains" / "more.yaml").write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(ProblemsError, match="unread-file"):
        load_catalogue(directory)
    assert len(readings) == 4


def test_other_code_reads_anew(folder, directory, readings, monkeypatch) -> None:
    load_catalogue(directory)
    monkeypatch.setattr(kept_catalogue, "code_version", lambda *packages: "another")
    load_catalogue(directory)
    assert len(readings) == 2


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "folder"])
def test_what_is_damaged_counts_as_not_there(folder, directory, readings, damage: str) -> None:
    expected = load_catalogue(directory).catalogue
    file = folder / "kept" / "catalogue"
    content = file.read_bytes()
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        middle = len(content) // 2
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
        file.mkdir()
    assert load_catalogue(directory).catalogue == expected
    assert len(readings) == 2


class Runs:
    """A pickle of it calls a function when it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran",)


class Calls:
    """The same with a function of the catalogue's own modules."""

    def __reduce__(self) -> tuple[object, tuple[bytes]]:
        from totara_infra.model.json_text import read_json

        return read_json, (b"{}",)


@pytest.mark.parametrize(
    "content", [Runs(), Calls(), {"catalogue": 1}, Path], ids=["os", "own", "dict", "class"]
)
def test_a_file_can_have_no_code_run(
    folder, directory, readings, tmp_path, monkeypatch, content
) -> None:
    """Not even one that carries the right key and the right checksum."""
    monkeypatch.chdir(tmp_path)
    key = kept_catalogue.catalogue_key(directory)
    assert key is not None
    kept.keep("catalogue", key, pickle.dumps(content))
    assert kept.recall("catalogue", key) is not None
    assert kept_catalogue.recall_catalogue(key) is None
    assert "MOD-001" in load_catalogue(directory).catalogue.modules
    assert len(readings) == 1
    assert not (tmp_path / "ran").exists()


def test_without_a_working_folder_nothing_is_made(folder, directory, readings) -> None:
    folder.rmdir()
    load_catalogue(directory)
    load_catalogue(directory)
    assert len(readings) == 2
    assert not folder.exists()


def test_a_folder_that_can_not_be_written_keeps_nothing(folder, directory, readings) -> None:
    # A file where the folder should be refuses root too, as permissions would not.
    (folder / "kept").write_text("", encoding="utf-8")
    load_catalogue(directory)
    load_catalogue(directory)
    assert len(readings) == 2
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_writers_side_by_side_leave_one_whole_result(folder) -> None:
    results = {hashlib.sha256(bytes([n])).hexdigest(): bytes([n]) * 100_000 for n in range(8)}
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            list(pool.map(lambda item: kept.keep("result", *item), results.items()))
            found = [kept.recall("result", key) for key in results]
            assert [f for f in found if f is not None] in [[r] for r in results.values()]
    assert [path.name for path in (folder / "kept").iterdir()] == ["result"]


def test_the_data_of_a_file_comes_back_the_same(folder) -> None:
    texts = {
        'a: 1\nb: [1.0, true, null, "yes", é]\n': {"a": 1, "b": [1.0, True, None, "yes", "é"]},
        "- 12345678901\n- -0.5\n": [12345678901, -0.5],
    }
    for _ in range(2):
        for text, expected in texts.items():
            plain = data_of(text, engine=False)
            with kept_documents():
                again = data_of(text, engine=False)
            assert repr(again) == repr(plain) == repr(expected)
    with kept_documents():
        first, second = data_of("a: [1]\n", engine=False), data_of("a: [1]\n", engine=False)
    first["a"].append(2)
    assert second == {"a": [1]}


def test_data_is_kept_of_the_files_that_are_there_and_of_no_engine_file(folder) -> None:
    file = folder / "kept" / "documents.json"
    for number in (1, 2):
        with kept_documents():
            data_of(f"file: {number}\n", engine=False)
            data_of("secure: sealed\n", engine=True)
        held = file.read_text(encoding="utf-8")
        assert f'file\\": {number}' in held and "sealed" not in held
    assert 'file\\": 1' not in held
    file.write_text(held.replace("2", "3"), encoding="utf-8")
    with kept_documents():
        assert data_of("file: 2\n", engine=False) == {"file": 2}


def test_a_faulty_text_is_refused_each_time_and_never_kept(folder) -> None:
    for _ in range(2):
        with kept_documents(), pytest.raises(YamlFaultsError):
            data_of("a: 1\na: 2\n", engine=False)
    assert not (folder / "kept" / "documents.json").exists()
