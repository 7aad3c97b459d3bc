"""Whatever stands in a file that people write, a command ends orderly: every kind of file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import PROJECT
from tests.input.in_process import Project
from tests.small_catalogue import write_small_catalogue
from totara_infra.blueprint import Blueprint, plan
from totara_infra.model.loading import CATALOGUE_DIRECTORY
from totara_infra.model.problems import TotaraError
from totara_infra.model.release import read_calendar
from totara_infra.model.stack import read_stack
from totara_infra.model.tenants import load_tenants
from totara_infra.operations.secrets.importing import read_values

WORDS = st.sampled_from(
    ["null", "~", "true", "no", "0", "-1", "01", "1e3", ".nan", "-", "[]", "{}", "[[a]]", "{a: b}",
     '""', "2026-13-01", "!!int x", "&a a", "*a", "<<", "a: b: c", "'", "\t", "%", "@", "`", "|",
     "? a", "!<x> y", "9" * 400, "\U0001f600", "[a, 1, null]", "{1: 2}", "12:30", "é", "--- a",
     "...", '"\\0"', '"\\ud83d"', "a" * 3000, "MOD-999", "{env}", "{", "[a, a]"]
)  # fmt: skip
ANYTHING = st.one_of(WORDS, st.text(max_size=12).map(lambda s: s.replace("\r", "")))
MUTATION = st.tuples(st.integers(0, 5_000), ANYTHING, st.sampled_from(["value", "line", "cut"]))
WRITTEN = {
    # file -> the command that reads it, and how often that is tried
    "stacks/acorn.yaml": (("tenant", "validate", "stacks/acorn.yaml"), 12),
    "Pulumi.local.yaml": (("sequence", "local"), 20),
    "Pulumi.prod.yaml": (("config", "list", "prod", "--domain", "SD07"), 6),
    "Pulumi.yaml": (("sequence", "local"), 12),
}
FURTHER = ("coverage/sd01.yaml", "prices.yaml", "recovery.yaml")
"""Files of the packaged catalogue that the small one goes without."""


def mutated(text: str, number: int, value: str, how: str) -> bytes:
    """A text with one line that says something else, or that ends in the middle."""
    lines = text.splitlines()
    index = number % len(lines)
    line = lines[index]
    match how:
        case "value" if ":" in line:
            lines[index] = f"{line[: line.rfind(':')]}: {value}"
        case "cut":
            lines[index:] = [line[: number % (len(line) + 1)] + value]
        case _:
            lines[index] = value
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def times(number: int) -> settings:
    return settings(
        max_examples=number, deadline=None, derandomize=True, phases=[Phase.generate],
        database=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    project = Project.make(tmp_path_factory.mktemp("odd") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        yield project


@pytest.fixture(scope="module")
def catalogue_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "totara_infra" / "catalogue"
    write_small_catalogue(folder)
    for name in FURTHER:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(CATALOGUE_DIRECTORY / name, folder / name)
    return folder


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_of_the_project(project: Project, name: str) -> None:
    before, codes = project.text(name), set()
    words, number = WRITTEN[name]

    @times(number)
    @given(MUTATION)
    def try_one(mutation: tuple[int, str, str]) -> None:
        project.write(name, mutated(before, *mutation))
        ended = project.totara(*words)
        codes.add(ended.code)
        assert ended.code in (0, 1, 2), ended.err

    with project.holding(name, before):
        try_one()
    assert 2 in codes


@pytest.mark.parametrize(
    "name",
    ["alerts.yaml", "claims.lock.yaml", "databases.yaml", "domains/sd07.yaml", "provisioning.yaml",
     "sequence.yaml", "stores.yaml", "tenancy.yaml", *FURTHER],
)  # fmt: skip
def test_a_file_of_the_catalogue(project: Project, catalogue_folder: Path, name: str) -> None:
    path, codes = catalogue_folder / name, set()
    before = path.read_text(encoding="utf-8")

    @times(8)
    @given(MUTATION)
    def try_one(mutation: tuple[int, str, str]) -> None:
        path.write_bytes(mutated(before, *mutation))
        ended = project.totara("validate", "--catalogue", str(catalogue_folder))
        codes.add(ended.code)
        assert ended.code in (0, 2), ended.err

    with project.holding(str(path), before):
        try_one()
    assert 2 in codes


def test_the_release_calendar(project: Project) -> None:
    """The reader alone: every command that reads it turns these errors into words."""
    before, refused = project.text("release-calendar.yaml"), []

    @times(60)
    @given(MUTATION)
    def try_one(mutation: tuple[int, str, str]) -> None:
        project.write("release-calendar.yaml", mutated(before, *mutation))
        try:
            read_calendar(project.root)
        except TotaraError as error:
            refused.append(error)

    with project.holding("release-calendar.yaml", before):
        try_one()
    assert refused


@pytest.fixture(scope="module")
def blueprint(catalogue) -> Blueprint:
    stack = read_stack(PROJECT, "local")
    return plan(catalogue, stack, load_tenants(PROJECT, stack.tenants, "local"))


def test_a_file_of_secrets(blueprint: Blueprint, monkeypatch) -> None:
    monkeypatch.setattr("totara_infra.operations.secrets.importing.keep_secret", lambda *_: None)
    before = (
        "/bank/local/platform/pagerduty: abcdefgh\n"
        '/bank/local/platform/ses-sender: {"username": "app", "password": "012"}\n'
        "/bank/local/core/neon-db-url: postgresql://app:pw@127.0.0.1:5432/bank_core\n"
    )
    refused = []

    @times(60)
    @given(MUTATION)
    def try_one(mutation: tuple[int, str, str]) -> None:
        text = mutated(before, *mutation).decode("utf-8", "surrogatepass")
        try:
            read_values(text, "secrets.yaml", blueprint)
        except TotaraError as error:
            refused.append(error)

    try_one()
    assert refused


NAMES = ["V001__a.sql", "U001__a.sql", "V1.sql", "V001__.sql", "V001__é.sql", "V001__a.SQL",
         "R__a.sql", "V99999999999999999999__a.sql", "V001__a b.sql", "v001__a.sql", ".sql",
         "V-1__a.sql", "V001__a.sql~", "V001_a.sql", "V٣__a.sql"]  # fmt: skip
SQL = ["", "SELECT", "CREATE TABLE x (", "\0", "\ufeffSELECT 1;", "é;", "-- \n" * 50,
       "DROP TABLE x",
       "CREATE TABLE a.b.c.d (i int);", "$$", "'", "COPY x FROM stdin;\n1\n\\.", "\\copy x",
       "BEGIN; COMMIT;", "SELECT " + "(" * 5_000, ";" * 2_000]  # fmt: skip


def test_migrations_of_any_name_and_content(project: Project) -> None:
    codes = set()

    @times(12)
    @given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(SQL), min_size=1, max_size=6))
    def try_one(files: dict[str, str]) -> None:
        folder = project.root / "bank-core" / "migrations"
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        ended = project.totara("migrations", "lint", str(folder.parent))
        codes.add(ended.code)
        assert ended.code in (0, 1, 2), ended.err

    try_one()
    assert codes & {1, 2}
