"""What a migration may do to what earlier ones made: each way to lose it, and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.migrations.test_lint import EVENTS, GUARDED, NOTHING, problems
from totara_infra.migrations.files import Folder
from totara_infra.migrations.lint import lint
from totara_infra.model.databases import read_databases
from totara_infra.model.problems import Problem

LIMITS = "CREATE TABLE payments.limits (id uuid PRIMARY KEY, amount numeric, note text);\n"
VIEW = "CREATE VIEW payments.big AS SELECT id FROM payments.limits;\n"
VIEW_NEW = "CREATE OR REPLACE VIEW payments.big AS SELECT id, amount FROM payments.limits;\n"
VIEW_OLD = VIEW.replace("CREATE", "CREATE OR REPLACE")
FEE = (
    "CREATE FUNCTION payments.fee(amount numeric) RETURNS numeric\n"
    "LANGUAGE sql AS $$ SELECT amount * 0.01 $$;\n"
)
FEE_OLD = FEE.replace("CREATE", "CREATE OR REPLACE")
FEE_NEW = FEE_OLD.replace("0.01", "0.02")
PURGE = (
    "CREATE FUNCTION payments.purge() RETURNS void\n"
    "LANGUAGE plpgsql AS $$ BEGIN DELETE FROM payments.limits; END $$;\n"
)
REGIONS = (
    "CREATE TABLE payments.by_region (region text, n int) PARTITION BY LIST (region);\n"
    "CREATE TABLE payments.region_nz PARTITION OF payments.by_region FOR VALUES IN ('NZ');\n"
    "CREATE TABLE payments.region_au (region text, n int);\n"
    "CREATE SEQUENCE payments.numbers;\n"
    "CREATE TYPE payments.state AS ENUM ('NEW');\n"
    "CREATE MATERIALIZED VIEW payments.kept AS SELECT id FROM payments.limits;\n"
    'CREATE TABLE payments."Odd.Name" (id int);\n'
)
FIRST = (
    "CREATE SCHEMA payments;\n" + LIMITS + VIEW + FEE + PURGE + REGIONS + GUARDED,
    "DROP TABLE payments.payment_events;\n"
    "DROP MATERIALIZED VIEW payments.kept;\n"
    'DROP TABLE payments.by_region, payments.region_au, payments."Odd.Name";\n'
    "DROP SEQUENCE payments.numbers;\n"
    "DROP TYPE payments.state;\n"
    "DROP FUNCTION payments.purge(), payments.fee(numeric);\n"
    "DROP VIEW payments.big;\n"
    "DROP TABLE payments.limits;\n"
    "DROP SCHEMA payments;\n",
)
AGAIN = LIMITS.replace("TABLE", "TABLE IF NOT EXISTS")
EVENTS_AGAIN = EVENTS.replace("TABLE", "TABLE IF NOT EXISTS")
V, U = "V002__alter_limits.sql", "U002__alter_limits_rollback.sql"
FOUND: dict[str, tuple[str, str, str, str, int]] = {
    # name: (rule, V file, U file, the one at fault, line)
    "undo drops a table that was there": ("undo-scope", AGAIN, "DROP TABLE payments.limits;", U, 1),
    "undo drops with cascade": (
        "cascade",
        AGAIN,
        "SELECT 1;\nDROP TABLE payments.limits CASCADE;",
        U,
        2,
    ),
    "undo drops a schema that was there": (
        "undo-scope",
        "CREATE SCHEMA IF NOT EXISTS payments;",
        "DROP SCHEMA payments;",
        U,
        1,
    ),
    "undo truncates": ("undo-scope", AGAIN, "TRUNCATE payments.limits;", U, 1),
    "undo deletes all": ("undo-scope", AGAIN, "DELETE FROM payments.limits;", U, 1),
    "undo deletes all with a WHERE that says nothing": (
        "undo-scope",
        AGAIN,
        "DELETE FROM payments.limits WHERE 1 = 1;",
        U,
        1,
    ),
    "undo empties a column": ("undo-scope", AGAIN, "UPDATE payments.limits SET note = NULL;", U, 1),
    "undo drops a column that was there": (
        "undo-scope",
        "ALTER TABLE payments.limits ADD COLUMN IF NOT EXISTS note text;",
        "ALTER TABLE payments.limits DROP COLUMN note;",
        U,
        1,
    ),
    "undo drops a replaced function": (
        "undo-scope",
        FEE_NEW,
        "DROP FUNCTION payments.fee(numeric);",
        U,
        1,
    ),
    "undo drops a replaced view": ("undo-scope", VIEW_NEW, "DROP VIEW payments.big;", U, 1),
    "undo leaves the new function": ("undo-complete", FEE_NEW, NOTHING, U, 0),
    "undo leaves the new view": ("undo-complete", VIEW_NEW, NOTHING, U, 0),
    "undo drops another overload": (
        "undo-scope",
        "CREATE FUNCTION payments.fee(amount int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;",
        "DROP FUNCTION payments.fee(numeric);",
        U,
        1,
    ),
    "undo leaves an overload": (
        "undo-complete",
        "CREATE FUNCTION payments.fee(amount int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;",
        NOTHING,
        U,
        0,
    ),
    "undo drops what a rename hid": (
        "undo-scope",
        "-- totara-allow renaming: nobody reads it yet\n"
        "ALTER TABLE payments.limits RENAME TO bounds;",
        "DROP TABLE payments.bounds;",
        U,
        1,
    ),
    "undo drops a partition that was a table": (
        "undo-scope",
        "CREATE TABLE payments.more (region text, n int) PARTITION BY LIST (region);\n"
        "ALTER TABLE payments.more ATTACH PARTITION payments.region_au FOR VALUES IN ('AU');",
        "DROP TABLE payments.more;",
        U,
        1,
    ),
    "undo drops a sequence that was given to a column": (
        "undo-scope",
        "CREATE TABLE payments.t (id int);\n"
        "ALTER SEQUENCE payments.numbers OWNED BY payments.t.id;",
        "DROP TABLE payments.t;",
        U,
        1,
    ),
    "undo drops a type": ("undo-scope", NOTHING, "DROP TYPE payments.state;", U, 1),
    "undo drops a materialised view": (
        "undo-scope",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS payments.kept AS SELECT 1 AS id;",
        "DROP MATERIALIZED VIEW payments.kept;",
        U,
        1,
    ),
    "undo drops a quoted name": ("undo-scope", NOTHING, 'DROP TABLE payments."Odd.Name";', U, 1),
    "undo in a block": (
        "undo-scope",
        AGAIN,
        "DO $$ BEGIN DROP TABLE payments.limits; END $$;",
        U,
        1,
    ),
    "undo through EXECUTE": (
        "dynamic-sql",
        NOTHING,
        "DO $$ BEGIN EXECUTE 'DROP TABLE payments.limits'; END $$;",
        U,
        1,
    ),
    "undo leaves a trigger": (
        "undo-complete",
        "CREATE TRIGGER t BEFORE UPDATE ON payments.limits\n"
        "FOR EACH ROW EXECUTE FUNCTION payments.fn_immutable_row();",
        NOTHING,
        U,
        0,
    ),
    "undo leaves a constraint": (
        "undo-complete",
        "ALTER TABLE payments.limits ADD CONSTRAINT p CHECK (amount > 0) NOT VALID;",
        NOTHING,
        U,
        0,
    ),
    "undo leaves a policy": (
        "undo-complete",
        "CREATE POLICY own ON payments.limits USING (true);",
        NOTHING,
        U,
        0,
    ),
    "undo leaves a column nullable": (
        "undo-complete",
        "ALTER TABLE payments.limits ALTER COLUMN id DROP NOT NULL;",
        NOTHING,
        U,
        0,
    ),
    "deletes all of what it did not make": (
        "destructive",
        AGAIN + "DELETE FROM payments.limits;",
        NOTHING,
        V,
        2,
    ),
    "deletes all of an append-only one": (
        "append-only",
        EVENTS_AGAIN + "DELETE FROM payments.payment_events;",
        NOTHING,
        V,
        2,
    ),
    "drops what it did not make": (
        "destructive",
        AGAIN + "DROP TABLE payments.limits;",
        NOTHING,
        V,
        2,
    ),
    "drops a function": ("destructive", "DROP FUNCTION payments.fee;", FEE, V, 1),
    "drops a sequence": (
        "destructive",
        "DROP SEQUENCE payments.numbers;",
        "CREATE SEQUENCE payments.numbers;",
        V,
        1,
    ),
    "drops in a block": (
        "destructive",
        "DO $$ BEGIN DROP TABLE payments.limits; END $$;",
        LIMITS,
        V,
        1,
    ),
    "merge deletes": (
        "destructive",
        "MERGE INTO payments.limits AS l USING payments.region_au AS r ON true\n"
        "WHEN MATCHED THEN DELETE;",
        NOTHING,
        V,
        1,
    ),
    "a CTE deletes": (
        "destructive",
        "WITH x AS (DELETE FROM payments.limits RETURNING 1) SELECT FROM x;",
        NOTHING,
        V,
        1,
    ),
    "a copy deletes": (
        "destructive",
        "COPY (DELETE FROM payments.limits RETURNING 1) TO STDOUT;",
        NOTHING,
        V,
        1,
    ),
    "a conversion empties": (
        "destructive",
        "-- totara-allow locking: small\n"
        "ALTER TABLE payments.limits ALTER COLUMN amount TYPE int USING NULL;",
        "-- back\nALTER TABLE payments.limits ALTER COLUMN amount TYPE numeric;",
        V,
        2,
    ),
    "a materialised view is emptied": (
        "destructive",
        "REFRESH MATERIALIZED VIEW payments.kept WITH NO DATA;",
        NOTHING,
        V,
        1,
    ),
    "a partition goes": (
        "destructive",
        "ALTER TABLE payments.by_region DETACH PARTITION payments.region_nz;",
        "ALTER TABLE payments.by_region ATTACH PARTITION payments.region_nz FOR VALUES IN ('NZ');",
        V,
        1,
    ),
    "an earlier function deletes": ("destructive", "SELECT payments.purge();", NOTHING, V, 1),
    "an own function deletes": (
        "destructive",
        PURGE.replace("purge", "sweep") + "DO $$ BEGIN PERFORM payments.sweep(); END $$;",
        "DROP FUNCTION payments.sweep();",
        V,
        3,
    ),
    "a called function puts SQL together": (
        "dynamic-sql",
        PURGE.replace("purge", "x").replace("DELETE FROM payments.limits", "EXECUTE 'SELECT 1'")
        + "SELECT payments.x();",
        "DROP FUNCTION payments.x();",
        V,
        3,
    ),
    "a block in another language": (
        "dynamic-sql",
        "DO LANGUAGE plpython3u 'plpy.execute(1)';",
        NOTHING,
        V,
        1,
    ),
    "a function rewrites append-only rows": (
        "append-only",
        PURGE.replace("purge", "x").replace("payments.limits", "payments.payment_events"),
        "DROP FUNCTION payments.x();",
        V,
        1,
    ),
    "a guarding trigger is replaced": (
        "append-only",
        "CREATE OR REPLACE TRIGGER keep_rows BEFORE INSERT ON payments.payment_events\n"
        "FOR EACH ROW EXECUTE FUNCTION payments.fn_immutable_row();",
        NOTHING,
        V,
        1,
    ),
    "triggers are switched off": (
        "append-only",
        "SET session_replication_role = replica;",
        NOTHING,
        V,
        1,
    ),
    "the schema of an append-only table is renamed": (
        "append-only",
        "-- totara-allow renaming: why not\nALTER SCHEMA payments RENAME TO old;",
        NOTHING,
        V,
        2,
    ),
    "a search path": ("schema-named", "SET search_path = payments;", NOTHING, V, 1),
    "a search path by function": (
        "schema-named",
        "SELECT set_config('search_path', 'payments', false);",
        NOTHING,
        V,
        1,
    ),
    "deletes from a name without schema": (
        "schema-named",
        "DELETE FROM limits WHERE note = 'x';",
        NOTHING,
        V,
        1,
    ),
    "drops a name without schema": ("schema-named", NOTHING, "DROP TABLE limits;", U, 1),
    "drops with cascade": (
        "cascade",
        "-- totara-allow destructive: unused\nDROP TABLE payments.limits CASCADE;",
        LIMITS,
        V,
        2,
    ),
    "truncates with cascade": (
        "cascade",
        "-- totara-allow destructive: unused\nTRUNCATE payments.limits CASCADE;",
        NOTHING,
        V,
        2,
    ),
    "whatever a role owns": ("cascade", "DROP OWNED BY bank_payments_readonly;", NOTHING, V, 1),
    "new view under an old one": (
        "cascade",
        "CREATE TABLE payments.t (id uuid);\n"
        "CREATE OR REPLACE VIEW payments.big AS SELECT id FROM payments.t;",
        "DROP TABLE payments.t CASCADE;",
        U,
        1,
    ),
    "an index under a lock, of a table that seems new": (
        "locking",
        AGAIN + "CREATE INDEX i ON payments.limits (note);",
        "DROP INDEX payments.i;",
        V,
        2,
    ),
    "an index that Flyway can't rebuild": (
        "transaction",
        "REINDEX TABLE CONCURRENTLY payments.limits;",
        NOTHING,
        V,
        1,
    ),
    "an index that is passed by": (
        "transaction",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON payments.limits (note);",
        "DROP INDEX payments.i;",
        V,
        1,
    ),
}
ALLOWED: dict[str, tuple[str, str]] = {
    "a replaced function comes back": (FEE_NEW, FEE_OLD),
    "a replaced view comes back": (VIEW_NEW, "DROP VIEW payments.big;\n" + VIEW),
    "a new overload goes": (
        "CREATE FUNCTION payments.fee(amount int) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;",
        "DROP FUNCTION payments.fee(int);",
    ),
    "a new procedure goes by its name": (
        "CREATE PROCEDURE payments.nothing() LANGUAGE sql AS $$ SELECT 1 $$;",
        "DROP PROCEDURE payments.nothing;",
    ),
    "what exists already is left alone": (AGAIN, NOTHING),
    "a new table is filled, emptied and dropped with all that hangs on it": (
        "CREATE TABLE payments.t (id serial PRIMARY KEY, of uuid REFERENCES payments.limits);\n"
        "CREATE INDEX t_of ON payments.t (of);\n"
        "INSERT INTO payments.t (of) SELECT id FROM payments.limits;\n"
        "DELETE FROM payments.t;",
        "DROP TABLE payments.t CASCADE;",
    ),
    "a table is renamed and named back": (
        "-- totara-allow renaming: nobody reads it yet\n"
        "ALTER TABLE payments.limits RENAME TO bounds;",
        "ALTER TABLE payments.bounds RENAME TO limits;",
    ),
    "a partition comes and goes": (
        "CREATE TABLE payments.region_fj PARTITION OF payments.by_region FOR VALUES IN ('FJ');",
        "DROP TABLE payments.region_fj;",
    ),
    "a temporary table is emptied": (
        "CREATE TEMP TABLE kept AS SELECT 1 AS id;\nDELETE FROM kept;\nDROP TABLE kept;",
        NOTHING,
    ),
    "a reviewed exemption": (
        "-- totara-allow destructive: rebuilt every night\nTRUNCATE payments.limits;",
        NOTHING,
    ),
    "a function that is only made": (
        PURGE.replace("purge", "sweep"),
        "DROP FUNCTION payments.sweep();",
    ),
    "a named constraint and its end": (
        "ALTER TABLE payments.limits ADD CONSTRAINT p CHECK (amount > 0) NOT VALID;",
        "ALTER TABLE payments.limits DROP CONSTRAINT p;",
    ),
}


def folder(root: Path, forward: str, back: str) -> Path:
    files = {
        "V001__create_limits.sql": FIRST[0],
        "U001__create_limits_rollback.sql": FIRST[1],
        V: forward,
        U: back,
    }
    root.mkdir(parents=True)
    for name, text in files.items():
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def found(catalogue, tmp_path_factory) -> list[Problem]:
    """What is wrong with all the cases, looked at together: squawk is started once."""
    root = tmp_path_factory.mktemp("cases")
    folders = [
        Folder("bank_payments", folder(root / case.replace(" ", "-"), forward, back))
        for case, (forward, back) in {
            **{c: (f, b) for c, (_, f, b, _, _) in FOUND.items()},
            **ALLOWED,
        }.items()
    ]
    return list(lint(read_databases(catalogue), folders).problems)


def of(case: str, found: list[Problem]) -> list[Problem]:
    return [p for p in found if f"/{case.replace(' ', '-')}/" in p.file]


@pytest.mark.parametrize("case", FOUND)
def test_what_was_there_is_not_lost(case, found) -> None:
    rule, _, _, file, line = FOUND[case]
    here = of(case, found)
    assert any(p.rule == rule and p.file.endswith(file) and p.line == line for p in here), here


@pytest.mark.parametrize("case", ALLOWED)
def test_what_loses_nothing_passes(case, found) -> None:
    assert of(case, found) == []


def test_the_command_says_what_was_there_and_how_to_go_back(tmp_path) -> None:
    place = folder(tmp_path / "bank_payments", FEE_NEW, "DROP FUNCTION payments.fee(numeric);\n")
    (problem,) = [p for p in problems(place) if p["rule"] == "undo-scope"]
    assert "function payments.fee(numeric)" in problem["what"]
    assert "migration 001" in problem["what"]
