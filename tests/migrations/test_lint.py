"""Each rule of migrations, broken once; the examples, which break none; the forms of the result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import PROJECT
from totara_infra.cli.main import app
from totara_infra.migrations.files import Folder
from totara_infra.migrations.lint import lint
from totara_infra.migrations.rules import RULES
from totara_infra.model.databases import read_databases
from totara_infra.model.problems import Problem

V1, U1 = "V001__create_limits_table.sql", "U001__create_limits_table_rollback.sql"
V2, U2 = "V002__alter_limits_table.sql", "U002__alter_limits_table_rollback.sql"
TABLE = "CREATE TABLE payments.payment_limits (limit_id uuid PRIMARY KEY, amount numeric);\n"
GONE = "DROP TABLE payments.payment_limits;\n"
NOTHING = "SELECT 1;\n"
SOUND = {V1: TABLE, U1: GONE}
EVENTS = "CREATE TABLE payments.payment_events (event_id uuid PRIMARY KEY);\n"
GUARDED = (
    EVENTS
    + """CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON payments.payment_events
FOR EACH ROW EXECUTE FUNCTION payments.fn_immutable_row();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON payments.payment_events
FOR EACH STATEMENT EXECUTE FUNCTION payments.fn_immutable_row();
"""
)


def second(sql: str, undo: str = NOTHING) -> dict[str, str]:
    """A sound first migration, and a second one with this SQL."""
    return {**SOUND, V2: sql, U2: undo}


def renamed(name: str, undo: str | None = None) -> dict[str, str]:
    other = undo or f"U{name.removeprefix('V').removesuffix('.sql')}_rollback.sql"
    return {name: TABLE, other: GONE}


BROKEN: dict[str, tuple[str, dict[str, str], str, int]] = {
    # name: (rule, files, file that is at fault, line)
    "another ending": ("extension", {**SOUND, "notes.txt": ""}, "notes.txt", 0),
    "capital ending": ("extension", {**SOUND, "V002__add_x.SQL": NOTHING}, "V002__add_x.SQL", 0),
    "one underscore": ("name-form", {**SOUND, "V002_add_x.sql": NOTHING}, "V002_add_x.sql", 0),
    "repeatable": ("name-form", {**SOUND, "R__create_x.sql": NOTHING}, "R__create_x.sql", 0),
    "undo without ending": (
        "name-form",
        {V1: TABLE, "U001__create_limits_table.sql": GONE},
        "U001__create_limits_table.sql",
        0,
    ),
    "four digits": ("number", renamed("V0001__create_x.sql"), "V0001__create_x.sql", 0),
    "zero": ("number", renamed("V000__create_x.sql"), "V000__create_x.sql", 0),
    "hyphen": ("characters", renamed("V001__create-x.sql"), "V001__create-x.sql", 0),
    "capitals": ("characters", renamed("V001__create_X.sql"), "V001__create_X.sql", 0),
    "three underscores": ("characters", renamed("V001___create_x.sql"), "V001___create_x.sql", 0),
    "51 characters": (
        "length",
        renamed(f"V001__create_{'x' * 44}.sql"),
        f"V001__create_{'x' * 44}.sql",
        0,
    ),
    "no verb": ("verb", renamed("V001__limits_table.sql"), "V001__limits_table.sql", 0),
    "past tense": ("verb", renamed("V001__created_x.sql"), "V001__created_x.sql", 0),
    "a number twice": (
        "number-twice",
        {**SOUND, "V001__index_limits.sql": NOTHING, "U001__index_limits_rollback.sql": NOTHING},
        "V001__index_limits.sql",
        0,
    ),
    "starts with 2": ("number-gap", {V2: TABLE, U2: GONE}, V2, 0),
    "no undo": ("undo-missing", {V1: TABLE}, V1, 0),
    "only an undo": ("undo-alone", {**SOUND, U2: NOTHING}, U2, 0),
    "byte order mark": ("encoding", {**SOUND, V2: f"\ufeff{NOTHING}", U2: NOTHING}, V2, 0),
    "no SQL": ("syntax", second("SELECT 1;\n\nCREATE TABEL payments.x (n int);\n"), V2, 3),
    "backslash": ("syntax", second("\\connect bank_core\nSELECT 1;\n"), V2, 1),
    "only a comment": ("empty", second("-- later\n"), V2, 0),
    "another database's schema": (
        "one-database",
        second("-- x\nINSERT INTO accounts.accounts SELECT FROM payments.payment_limits;\n"),
        V2,
        2,
    ),
    "three parts": ("one-database", second("SELECT FROM bank_core.accounts.accounts;\n"), V2, 1),
    "another database's function": ("one-database", second("SELECT kyc.screen(1);\n"), V2, 1),
    "unknown schema": ("one-database", second("CREATE SCHEMA elsewhere;\n"), V2, 1),
    "dblink": ("one-database", second("SELECT dblink_exec('x', 'y');\n"), V2, 1),
    "foreign tables": ("one-database", second("CREATE EXTENSION postgres_fdw;\n"), V2, 1),
    "another database's role": (
        "one-database",
        second("GRANT SELECT ON payments.payment_limits TO bank_core_app_user;\n"),
        V2,
        1,
    ),
    "database as a whole": ("one-database", second("CREATE DATABASE more;\n"), V2, 1),
    "no schema": (
        "schema-named",
        second("CREATE TABLE loose (n int);\n", "DROP TABLE loose;"),
        V2,
        1,
    ),
    "begin": ("transaction", second("BEGIN;\nSELECT 1;\nCOMMIT;\n"), V2, 1),
    "concurrently among others": (
        "transaction",
        second(
            "SELECT 1;\nCREATE INDEX CONCURRENTLY by_amount ON payments.payment_limits (amount);\n",
            "DROP INDEX payments.by_amount;",
        ),
        V2,
        2,
    ),
    "concurrently in an undo": (
        "transaction",
        second(
            "CREATE INDEX CONCURRENTLY by_amount ON payments.payment_limits (amount);\n",
            "DROP INDEX CONCURRENTLY payments.by_amount;\n",
        ),
        U2,
        1,
    ),
    "execute": (
        "dynamic-sql",
        second("DO $$\nBEGIN\n    EXECUTE 'SELECT 1';\nEND\n$$;\n"),
        V2,
        1,
    ),
    "rows changed": (
        "append-only",
        second("SELECT 1;\nUPDATE payments.payment_events SET payload = '{}' WHERE true;\n"),
        V2,
        2,
    ),
    "rows changed in a block": (
        "append-only",
        second("DO $$\nBEGIN\n    DELETE FROM payments.payment_events WHERE true;\nEND\n$$;\n"),
        V2,
        1,
    ),
    "rows changed in a CTE": (
        "append-only",
        second("WITH x AS (DELETE FROM payments.payment_events WHERE true RETURNING 1) SELECT;\n"),
        V2,
        1,
    ),
    "rows overwritten": (
        "append-only",
        second(
            "INSERT INTO payments.payment_events (event_id) VALUES (gen_random_uuid())\n"
            "ON CONFLICT (event_id) DO UPDATE SET payload = '{}';\n"
        ),
        V2,
        1,
    ),
    "truncated": ("append-only", second("TRUNCATE payments.payment_events;\n"), V2, 1),
    "column dropped": (
        "append-only",
        second("ALTER TABLE payments.payment_events DROP COLUMN payload;\n"),
        V2,
        1,
    ),
    "trigger off": (
        "append-only",
        second("ALTER TABLE payments.payment_events DISABLE TRIGGER ALL;\n"),
        V2,
        1,
    ),
    "trigger dropped": (
        "append-only",
        second("DROP TRIGGER keep_rows ON payments.payment_events;\n"),
        V2,
        1,
    ),
    "guard replaced": (
        "append-only",
        second(
            "CREATE OR REPLACE FUNCTION payments.fn_immutable_row() RETURNS trigger\n"
            "LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n",
            "DROP FUNCTION payments.fn_immutable_row();",
        ),
        V2,
        1,
    ),
    "right to change": (
        "append-only",
        second("GRANT ALL ON payments.payment_events TO bank_payments_app_user;\n"),
        V2,
        1,
    ),
    "dropped by another's undo": (
        "append-only",
        second(NOTHING, "DROP TABLE payments.payment_events;\n"),
        U2,
        1,
    ),
    "no triggers": (
        "append-only-trigger",
        second("SELECT 1;\n" + EVENTS, "DROP TABLE payments.payment_events;"),
        V2,
        2,
    ),
    "no trigger against truncate": (
        "append-only-trigger",
        second(
            GUARDED.replace("BEFORE TRUNCATE", "BEFORE INSERT"),
            "DROP TABLE payments.payment_events;",
        ),
        V2,
        1,
    ),
    "trigger with a condition": (
        "append-only-trigger",
        second(
            GUARDED.replace("FOR EACH ROW EXECUTE", "FOR EACH ROW WHEN (false) EXECUTE"),
            "DROP TABLE payments.payment_events;",
        ),
        V2,
        1,
    ),
    "table dropped": ("destructive", second("SELECT 1;\nDROP TABLE payments.payments;\n"), V2, 2),
    "column of data dropped": (
        "destructive",
        second("ALTER TABLE payments.payment_limits\nDROP COLUMN amount;\n"),
        V2,
        1,
    ),
    "all rows deleted": ("destructive", second("DELETE FROM payments.payment_limits;\n"), V2, 1),
    "all rows changed": (
        "destructive",
        second("UPDATE payments.payment_limits SET amount = 1;\n"),
        V2,
        1,
    ),
    "emptied": ("destructive", second("TRUNCATE payments.payment_limits;\n"), V2, 1),
    "column renamed": (
        "renaming",
        second("ALTER TABLE payments.payment_limits RENAME COLUMN amount TO most;\n"),
        V2,
        1,
    ),
    "moved": (
        "renaming",
        second("ALTER TABLE payments.payment_limits SET SCHEMA payments;\n"),
        V2,
        1,
    ),
    "index under a lock": (
        "locking",
        second(
            "CREATE INDEX by_amount ON payments.payment_limits (amount);\n",
            "DROP INDEX payments.by_amount;",
        ),
        V2,
        1,
    ),
    "type changed": (
        "locking",
        second("ALTER TABLE payments.payment_limits ALTER COLUMN amount TYPE bigint;\n"),
        V2,
        1,
    ),
    "not null": (
        "locking",
        second("ALTER TABLE payments.payment_limits ALTER COLUMN amount SET NOT NULL;\n"),
        V2,
        1,
    ),
    "constraint checked at once": (
        "locking",
        second(
            "ALTER TABLE payments.payment_limits ADD CONSTRAINT positive CHECK (amount > 0);\n",
        ),
        V2,
        1,
    ),
    "lock": ("locking", second("LOCK TABLE payments.payment_limits;\n"), V2, 1),
    "drops another's": ("undo-scope", second(NOTHING, "SELECT 1;\n" + GONE), U2, 2),
    "leaves something": ("undo-complete", {V1: TABLE, U1: NOTHING}, U1, 0),
    "leaves a column": (
        "undo-complete",
        second("ALTER TABLE payments.payment_limits ADD COLUMN note text;\n"),
        U2,
        0,
    ),
    "takes what depends on it": (
        "cascade",
        second(NOTHING, "SELECT 1;\nDROP TABLE payments.payment_limits CASCADE;\n"),
        U2,
        2,
    ),
    "excuse without a reason": (
        "excuse",
        second("-- totara-allow destructive:\nTRUNCATE payments.payment_limits;\n"),
        V2,
        1,
    ),
    "excuse from what can't be": (
        "excuse",
        second("-- totara-allow append-only: why not\nTRUNCATE payments.payment_events;\n"),
        V2,
        1,
    ),
    "excuse that nothing needs": (
        "excuse",
        second("-- totara-allow locking: it is small\nSELECT 1;\n"),
        V2,
        1,
    ),
    "squawk silenced": (
        "excuse",
        second("-- squawk-ignore ban-drop-table\nDROP TABLE payments.payments;\n"),
        V2,
        1,
    ),
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def problems(place: Path) -> list[dict]:
    done = CliRunner().invoke(app, ["migrations", "lint", str(place), "--format", "json"])
    found = json.loads(done.stdout)["problems"]
    assert done.exit_code == (1 if found else 0)
    return found


@pytest.fixture(scope="module")
def found(catalogue, tmp_path_factory) -> list[Problem]:
    """What is wrong with all the cases, looked at together."""
    root = tmp_path_factory.mktemp("cases")
    folders = [
        Folder("bank_payments", write(root / case.replace(" ", "-"), files))
        for case, (_, files, _, _) in BROKEN.items()
    ]
    return list(lint(read_databases(catalogue), folders).problems)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_found_where_it_is_broken(case, found) -> None:
    rule, _, file, line = BROKEN[case]
    place = f"/{case.replace(' ', '-')}/{file}"
    assert any(p.rule == rule and p.file.endswith(place) and p.line == line for p in found)


def test_every_rule_has_a_case_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN.values()} == set(RULES)


@pytest.mark.parametrize(
    "files",
    [
        SOUND,
        second(GUARDED, "DROP TABLE payments.payment_events;"),
        second(
            "CREATE INDEX CONCURRENTLY by_amount ON payments.payment_limits (amount);\n",
            "DROP INDEX payments.by_amount;\n",
        ),
        second(
            "-- totara-allow destructive: nothing has read it since release 4.2\n"
            "ALTER TABLE payments.payment_limits DROP COLUMN amount;\n",
            "ALTER TABLE payments.payment_limits ADD COLUMN amount numeric;\n",
        ),
        second(
            "ALTER TABLE payments.payment_limits ADD COLUMN note text;\n",
            "ALTER TABLE payments.payment_limits DROP COLUMN note;\n",
        ),
        second("UPDATE payments.payment_limits SET amount = 1 WHERE amount IS NULL;\n"),
        second("CREATE TEMP TABLE kept AS SELECT 1;\nCREATE TEMP TABLE more (n int);\n"),
        second("GRANT INSERT ON payments.payment_events TO bank_payments_app_user;\n"),
        second(
            "ALTER TABLE payments.payment_events ADD COLUMN trace_id text;\n",
            "-- The column is empty: its V file was never released.\n"
            "ALTER TABLE payments.payment_events DROP COLUMN trace_id;\n",
        ),
    ],
)
def test_what_keeps_the_rules_passes(files, tmp_path) -> None:
    assert problems(write(tmp_path / "bank_payments", files)) == []


def test_the_examples_keep_every_rule() -> None:
    assert problems(PROJECT / "migrations") == []


def test_a_repository_is_known_by_its_name(tmp_path) -> None:
    write(tmp_path / "bank-payments" / "db" / "migrations", {V1: TABLE})
    found = problems(tmp_path / "bank-payments")
    assert [(p["rule"], p["module"]) for p in found] == [("undo-missing", "bank_payments")]
    assert problems(tmp_path) == found


def run(*words: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "totara_infra.cli", "migrations", "lint", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_pull_requests_get_annotations_at_the_line(tmp_path) -> None:
    write(tmp_path / "bank-payments" / "db" / "migrations", second("SELECT 1;\nDROP TABEL x;\n"))
    done = run(".", "--format", "github", folder=tmp_path / "bank-payments")
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith(
        f"::error file=db/migrations/{V2},line=2,title=syntax::syntax error at or near"
    )
    assert "%0Afix: " in first


def test_all_that_is_wrong_comes_at_once_with_the_way_to_mend_it(tmp_path) -> None:
    write(tmp_path / "bank_core", {"V2__Accounts.sql": "SELEC 1;"})
    write(tmp_path / "bank_kyc", {"V001__create_x.sql": "DROP TABLE kyc.kyc_checks;"})
    done = run(str(tmp_path))
    assert done.returncode == 1
    for rule in ("number", "characters", "verb", "undo-missing", "syntax", "append-only"):
        assert f"[{rule}]" in done.stdout
    assert "2 files: " in done.stdout


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_nothing_to_look_at_is_a_wrong_call(place, tmp_path) -> None:
    done = run(place, folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbfSELECT 1;", "starts with a byte order mark (EF BB BF)"),
        (b"\xef\xbb\xbf", "starts with a byte order mark (EF BB BF)"),
        ("SELECT 1;".encode("utf-16"), "starts with the byte order mark of UTF-16"),
        ("\ufeffSELECT 1;".encode("utf-16-be"), "starts with the byte order mark of UTF-16"),
        ("SELECT 1;".encode("utf-32"), "starts with the byte order mark of UTF-32"),
        ("SELECT 1;".encode("utf-16-le"), "line 1 has a NUL byte, as UTF-16 text does"),
        # The parser stops at the NUL: without the rule, nobody would see the second statement.
        (b"SELECT 1;\n\0DROP TABLE payments.payments;", "line 2 has a NUL byte"),
        (b"SELECT 1;\n-- caf\xe9\n", "line 2 has the byte E9, which is not UTF-8"),
        ("SELECT 1;\n\ufeffSELECT 2;".encode(), "line 2 has a byte order mark inside"),
    ],
)
def test_bytes_that_are_no_plain_text_are_named(content, said, tmp_path) -> None:
    place = write(tmp_path / "bank_payments", second(NOTHING))
    (place / V2).write_bytes(content)
    found = [p for p in problems(place) if p["rule"] == "encoding"]
    assert [(p["file"].rpartition("/")[2], said in p["what"]) for p in found] == [(V2, True)]


def test_line_ends_of_other_systems_make_no_difference(tmp_path) -> None:
    place = write(tmp_path / "bank_payments", SOUND)
    (place / V1).write_bytes(TABLE.replace(" (", " (\n").replace("\n", "\r\n").encode())
    assert problems(place) == []
