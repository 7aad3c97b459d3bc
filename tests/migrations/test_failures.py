"""What goes wrong while databases are migrated, and how it goes on. Small migrations of our own."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from tests.migrations.conftest import Place, own_flyway, place_of
from totara_infra.migrations.connections import LOCK, DirectUrl
from totara_infra.migrations.files import Folder
from totara_infra.operations.secrets.inventory import THROWAWAY

HISTORY = "SELECT version, success FROM flyway_schema_history ORDER BY installed_rank"
CANCEL = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
SCHEMA = ("create_schema", "CREATE SCHEMA payments;", "DROP SCHEMA payments;")
TABLE = (
    "create_payments_table",
    "CREATE TABLE payments.payments (id int);\nINSERT INTO payments.payments VALUES (7);",
    "DROP TABLE payments.payments;",
)
BROKEN = (
    "backfill_payments",
    "CREATE TABLE payments.fx_rates (id int);\n"
    "INSERT INTO payments.fx_rates SELECT 1 / (id - 7) FROM payments.payments;",
    "DROP TABLE payments.fx_rates;",
)
MENDED = (BROKEN[0], BROKEN[1].replace("id - 7", "id"), BROKEN[2])
INDEX = (
    "index_payments",
    "CREATE INDEX CONCURRENTLY by_id ON payments.payments (id);",
    "DROP INDEX payments.by_id;",
)


def write(root: Path, database: str, *migrations: tuple[str, str, str]) -> Path:
    folder = root / database
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, forward, back) in enumerate(migrations, start=1):
        (folder / f"V{number:03}__{name}.sql").write_text(forward, encoding="utf-8")
        (folder / f"U{number:03}__{name}_rollback.sql").write_text(back, encoding="utf-8")
    return root


def simple(schema: str) -> tuple[str, str, str]:
    return ("create_schema", f"CREATE SCHEMA {schema};", f"DROP SCHEMA {schema};")


@pytest.fixture
def fresh(place: Place) -> Place:
    """The environment with empty databases and sound secrets."""
    place.server.empty()
    place.store_all()
    return place


def words(root: Path) -> tuple[str, str]:
    return "--from", str(root)


def test_a_failure_stops_the_run_says_where_and_the_next_one_goes_on(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    write(tmp_path, "bank_payments", SCHEMA, TABLE, BROKEN, INDEX)
    write(tmp_path, "bank_credit", simple("credit"))
    done = fresh.run("apply", *words(tmp_path), "--format", "json")
    assert done.returncode == 1
    outcome = {d["database"]: d for d in json.loads(done.stdout)["databases"]}
    assert outcome["bank_core"]["outcome"] == "applied"
    assert outcome["bank_payments"]["outcome"] == "failed"
    assert outcome["bank_payments"]["applied"] == ["001", "002"]
    assert outcome["bank_payments"]["pending"] == ["003", "004"]
    assert "division by zero" in outcome["bank_payments"]["error"]
    assert outcome["bank_credit"]["outcome"] == "not reached"
    assert "V003__backfill_payments.sql" in done.stderr
    # Nothing of the failed one stayed.
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True), ("002", True)]
    assert fresh.server.ask("bank_payments", "SELECT to_regclass('payments.fx_rates')") == [(None,)]

    write(tmp_path, "bank_payments", SCHEMA, TABLE, MENDED, INDEX)
    again = fresh.data("apply", *words(tmp_path))
    outcome = {d["database"]: d for d in again["databases"]}
    assert outcome["bank_core"]["outcome"] == "up to date"
    assert outcome["bank_payments"]["applied"] == ["003", "004"]
    assert outcome["bank_credit"]["applied"] == ["001"]
    # An index that is built beside the work came through without waiting for Flyway's own lock.
    assert fresh.server.ask(
        "bank_payments",
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'payments.by_id'::regclass",
    ) == [(True,)]


def test_what_was_applied_and_then_changed_stops_everything(fresh, tmp_path) -> None:
    write(tmp_path, "bank_payments", SCHEMA, TABLE)
    assert fresh.run("apply", *words(tmp_path)).returncode == 0
    # A database that comes earlier has work to do, and must not be touched either.
    write(tmp_path, "bank_core", simple("core"))
    write(tmp_path, "bank_payments", SCHEMA, (TABLE[0], f"{TABLE[1]}\n-- harmless?", TABLE[2]))
    for action in (["status"], ["apply"], ["undo", "--all-databases", "--yes"]):
        refused = fresh.run(*action, *words(tmp_path))
        assert refused.returncode == 1, action
        said = refused.stdout + refused.stderr
        assert "bank_payments: migration 002 was changed after it was applied" in said
    assert fresh.server.ask("bank_core", "SELECT to_regnamespace('core')") == [(None,)]
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True), ("002", True)]

    for file in (tmp_path / "bank_payments").glob("?002*"):
        file.unlink()
    ahead = fresh.run("apply", *words(tmp_path))
    assert ahead.returncode == 1
    assert "migration 002 is applied, and its file is gone" in ahead.stderr


def test_two_runners_at_once_apply_each_migration_once(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    slow = (TABLE[0], f"{TABLE[1]}\nSELECT pg_sleep(2);", TABLE[2])
    write(tmp_path, "bank_payments", SCHEMA, slow, INDEX)
    runners = [fresh.start("apply", *words(tmp_path), "--format", "json") for _ in range(2)]
    ended = [runner.communicate(timeout=120) for runner in runners]
    assert [r.returncode for r in runners] == [0, 0], ended
    applied = [
        (d["database"], version)
        for out, _ in ended
        for d in json.loads(out)["databases"]
        for version in d["applied"]
    ]
    assert sorted(applied) == [
        ("bank_core", "001"),
        ("bank_payments", "001"),
        ("bank_payments", "002"),
        ("bank_payments", "003"),
    ]
    assert fresh.server.ask("bank_payments", "SELECT id FROM payments.payments") == [(7,)]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_tears_nothing_and_the_next_one_goes_on(
    fresh, tmp_path, sign
) -> None:
    slow = (TABLE[0], f"{TABLE[1]}\nSELECT pg_sleep(3);", TABLE[2])
    write(tmp_path, "bank_payments", SCHEMA, slow)
    write(tmp_path, "bank_credit", simple("credit"))
    runner = fresh.start("apply", *words(tmp_path))
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    deadline = time.monotonic() + 60
    while fresh.server.ask("bank_payments", sleeping) == [(0,)]:
        assert time.monotonic() < deadline
    runner.send_signal(sign)
    _, said = runner.communicate(timeout=60)
    assert runner.returncode == (130 if sign is signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in said
    if sign is signal.SIGINT:
        last = said.strip().splitlines()[-1]
        assert last.startswith("Interrupted. Stands: ")
        assert "`totara migrations status local`" in last
    again = fresh.data("apply", *words(tmp_path))
    assert {d["outcome"] for d in again["databases"]} <= {"applied", "up to date"}
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True), ("002", True)]
    assert fresh.server.ask("bank_payments", "SELECT id FROM payments.payments") == [(7,)]
    assert fresh.server.ask("bank_credit", HISTORY) == [("001", True)]


def test_whoever_has_the_lock_is_named(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    with psycopg.connect(fresh.server.url("bank_core"), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        refused = fresh.run("apply", *words(tmp_path), "--wait", "0.5")
    assert refused.returncode == 1
    assert "somebody else is migrating it (bank_core_migrate_user, since " in refused.stderr


def test_an_undo_that_fails_leaves_database_and_history_as_they_were(fresh, tmp_path) -> None:
    wrong = (TABLE[0], TABLE[1], f"{TABLE[2]}\nSELECT 1 / 0;")
    write(tmp_path, "bank_payments", SCHEMA, wrong)
    assert fresh.run("apply", *words(tmp_path)).returncode == 0
    one = ("--database", "bank_payments", *words(tmp_path))
    shown = fresh.run("undo", *one)
    assert shown.returncode == 0
    assert "U002__create_payments_table_rollback.sql" in shown.stdout
    assert "Nothing was changed" in shown.stdout
    failed = fresh.run("undo", *one, "--to", "000", "--yes")
    assert failed.returncode == 1
    assert "division by zero" in failed.stderr
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True), ("002", True)]
    assert fresh.server.ask("bank_payments", "SELECT id FROM payments.payments") == [(7,)]

    # A U file may change after its V file was applied, and is looked at again.
    write(tmp_path, "bank_payments", SCHEMA, (*TABLE[:2], "DROP SCHEMA payments CASCADE;"))
    refused = fresh.run("undo", *one, "--yes")
    assert refused.returncode == 1
    assert "[cascade]" in refused.stderr
    assert "drops schema payments of migration 001 [undo-scope]" in refused.stderr
    assert fresh.server.ask("bank_payments", "SELECT id FROM payments.payments") == [(7,)]

    write(tmp_path, "bank_payments", SCHEMA, TABLE)
    done = fresh.data("undo", *one, "--to", "001", "--yes")
    assert done["databases"][0]["applied"] == ["002"]
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True)]


BY_ID = "CREATE INDEX CONCURRENTLY by_id ON payments.payments (id);\n"
BY_NOTE = "CREATE INDEX CONCURRENTLY by_note ON payments.payments (note);\n"
PLAIN = BY_ID.replace("CONCURRENTLY ", "")
UNIQUE = BY_ID.replace("INDEX", "UNIQUE INDEX", 1)
NO_COLUMN = BY_NOTE.replace("(note)", "(nothing)")
INDEXES = (
    "SELECT c.relname, i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = 'payments.payments'::regclass ORDER BY 1"
)
HALF_DONE: dict[str, tuple[str, str, str, str, list[tuple[str, bool]], list[tuple[str, bool]]]] = {
    # name: (an index that was there, V, its mended form, U, indexes then, indexes in the end)
    "an invalid index": (
        "",
        UNIQUE,
        BY_ID,
        "DROP INDEX payments.by_id;",
        [("by_id", False)],
        [("by_id", True)],
    ),
    "no index": ("", NO_COLUMN, BY_NOTE, "DROP INDEX payments.by_note;", [], [("by_note", True)]),
    "the second of two": (
        "",
        BY_NOTE + UNIQUE,
        BY_NOTE + BY_ID,
        "DROP INDEX payments.by_id, payments.by_note;",
        [("by_id", False), ("by_note", True)],
        [("by_id", True), ("by_note", True)],
    ),
    "the first of two": (
        "",
        UNIQUE + BY_NOTE,
        BY_ID + BY_NOTE,
        "DROP INDEX payments.by_note;\nDROP INDEX payments.by_id;",
        [("by_id", False)],
        [("by_id", True), ("by_note", True)],
    ),
    "left by a run that was killed": (
        UNIQUE,
        BY_ID,
        BY_ID,
        "DROP INDEX payments.by_id;",
        [("by_id", False)],
        [("by_id", True)],
    ),
    "a drop that came too far": (
        PLAIN,
        "DROP INDEX CONCURRENTLY payments.by_id;\nDROP INDEX CONCURRENTLY payments.by_note;",
        "DROP INDEX CONCURRENTLY payments.by_id;",
        "CREATE INDEX by_id ON payments.payments (id);",
        [],
        [],
    ),
    "a drop that did not come far": (
        PLAIN,
        "DROP INDEX CONCURRENTLY payments.by_note;\nDROP INDEX CONCURRENTLY payments.by_id;",
        "DROP INDEX CONCURRENTLY payments.by_id;",
        "CREATE INDEX by_id ON payments.payments (id);",
        [("by_id", True)],
        [],
    ),
}


@pytest.mark.parametrize("case", HALF_DONE)
def test_what_failed_outside_a_transaction_has_a_way_forward(fresh, tmp_path, case) -> None:
    there, forward, mended, back, after_failure, in_the_end = HALF_DONE[case]
    table = (
        TABLE[0],
        "CREATE TABLE payments.payments (id int, note text);\n"
        "INSERT INTO payments.payments VALUES (7), (7);\n"
        + ("" if "CONCURRENTLY" in there else there),
        TABLE[2],
    )
    write(tmp_path, "bank_payments", SCHEMA, table)
    assert fresh.run("apply", *words(tmp_path)).returncode == 0
    if "CONCURRENTLY" in there:
        # Somebody's run that ended before Flyway could write down that it failed.
        with pytest.raises(psycopg.errors.UniqueViolation):
            fresh.server.ask("bank_payments", there)
    write(tmp_path, "bank_payments", SCHEMA, table, (INDEX[0], forward, back))
    failed = fresh.run("apply", *words(tmp_path))
    assert failed.returncode == 1
    assert fresh.server.ask("bank_payments", INDEXES) == after_failure
    assert fresh.server.ask("bank_payments", HISTORY)[-1] == ("003", False)
    # Run again, it says the same, and what to run is what it says.
    again = fresh.run("apply", *words(tmp_path))
    assert "migration 003 failed half-way" in again.stderr
    told = [re.findall(r"fix: `totara migrations ([^`]+)`", f.stderr) for f in (failed, again)]
    assert told[0] == told[1] == ["undo local --database bank_payments --yes"]
    action, _, *rest = told[0][0].split()
    cleared = fresh.run(action, *rest, *words(tmp_path))
    assert cleared.returncode == 0, cleared.stderr
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True), ("002", True)]
    write(tmp_path, "bank_payments", SCHEMA, table, (INDEX[0], mended, back))
    done = fresh.run("apply", *words(tmp_path))
    assert done.returncode == 0, done.stderr
    assert fresh.server.ask("bank_payments", INDEXES) == in_the_end
    assert fresh.server.ask("bank_payments", HISTORY)[-1] == ("003", True)


def test_tables_without_a_history_are_said_before_anything_is_touched(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    write(tmp_path, "bank_payments", SCHEMA, TABLE)
    statements = f"{SCHEMA[1]} {TABLE[1]}"
    with fresh.server.connect("bank_payments") as connection:
        connection.execute(statements.encode())
    planned = fresh.run("plan", *words(tmp_path))
    refused = fresh.run("apply", *words(tmp_path))
    assert (planned.returncode, refused.returncode) == (1, 1)
    for said in (planned.stdout, refused.stderr):
        assert "bank_payments: it has 1 tables, views, sequences and functions, such as" in said
        assert "table payments.payments, but no history of migrations" in said
        assert "are those of migration 002" in said
        assert "fix: if the secret leads to the wrong database" in said
    # The database that comes first is whole, and was left alone all the same.
    assert fresh.server.ask("bank_core", "SELECT to_regnamespace('core')") == [(None,)]
    history = "SELECT to_regclass('public.flyway_schema_history')"
    assert fresh.server.ask("bank_payments", history) == [(None,)]
    with fresh.server.connect("bank_payments") as connection:
        connection.execute("ALTER TABLE payments.payments ADD n int")
    planned = fresh.run("plan", *words(tmp_path))
    assert "migration 002, but column payments.payments.n is in no migration" in planned.stdout


def test_nothing_is_undone_while_somebody_runs_flyway_by_other_means(fresh, tmp_path) -> None:
    write(tmp_path, "bank_payments", SCHEMA)
    assert fresh.run("apply", *words(tmp_path)).returncode == 0
    shutil.copytree(tmp_path, tmp_path / "theirs")
    slow = ("create_payments_table", "SELECT pg_sleep(60);", "SELECT 1;")
    theirs = write(tmp_path / "theirs", "bank_payments", SCHEMA, slow) / "bank_payments"
    url = DirectUrl("bank_payments", SecretStr(fresh.server.url("bank_payments")))
    with own_flyway() as flyway, ThreadPoolExecutor(1) as pool:
        running = pool.submit(flyway.migrate, url, Folder("bank_payments", theirs))
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
        deadline = time.monotonic() + 30
        while fresh.server.ask("bank_payments", sleeping)[0][0] < 2:
            assert time.monotonic() < deadline
        refused = fresh.run("undo", "--database", "bank_payments", *words(tmp_path), "--yes")
        fresh.server.ask("bank_payments", f"{CANCEL} WHERE query LIKE 'SELECT pg_sleep%'")
        assert running.exception() is not None
    assert refused.returncode == 1
    assert "somebody runs Flyway on it by other means" in refused.stderr
    assert fresh.server.ask("bank_payments", HISTORY) == [("001", True)]


def test_secrets_that_lead_nowhere_are_all_named_without_their_values(fresh, tmp_path) -> None:
    for database in ("bank_core", "bank_kyc", "bank_aml", "bank_credit"):
        write(tmp_path, database, simple(database.removeprefix("bank_")))
    fresh.store("bank_core", "postgresql://u:hush-hush@ep-x-pooler.aws.neon.tech/bank_core")
    fresh.store("bank_kyc", fresh.server.url("bank_core"))
    fresh.store("bank_aml", "postgresql://u:hush-hush@127.0.0.1/bank_aml?gssencmode=disable")
    fresh.store("bank_credit", "hush-hush")
    refused = fresh.run("status", *words(tmp_path))
    assert refused.returncode == 1
    for segment, why in (
        ("core", "goes through the pool"),
        ("kyc", "another database than bank_kyc"),
        ("aml", "takes no parameter gssencmode"),
        ("credit", "not a PostgreSQL URL"),
    ):
        assert f"/bank/local/{segment}/neon-db-migrate-url: " in refused.stderr
        assert why in refused.stderr
    assert "hush" not in refused.stdout + refused.stderr


def test_a_throwaway_value_is_taken_for_no_database(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    secrets, path = fresh.live.client("secretsmanager"), fresh.secret("bank_core")
    written = secrets.put_secret_value(SecretId=path, SecretString=fresh.server.url("bank_core"))
    secrets.update_secret_version_stage(
        SecretId=path, VersionStage=THROWAWAY, MoveToVersionId=written["VersionId"]
    )
    refused = fresh.run("status", *words(tmp_path))
    assert refused.returncode == 1
    assert f"{path}: its value is a throwaway one" in refused.stderr
    assert f"totara secrets put local {path}" in refused.stderr
    # A real value takes its place, and the label stays with the other one.
    fresh.store("bank_core", fresh.server.url("bank_core"))
    assert fresh.run("status", *words(tmp_path)).returncode == 0


def test_a_server_that_does_not_answer_is_said_without_the_url(fresh, tmp_path) -> None:
    write(tmp_path, "bank_core", simple("core"))
    fresh.store("bank_core", "postgresql://u:hush-hush@127.0.0.1:1/bank_core")
    refused = fresh.run("status", *words(tmp_path))
    assert refused.returncode == 1
    assert "bank_core: no connection" in refused.stdout
    assert "hush" not in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr


def test_production_asks_for_a_snapshot_that_lets_it_go_back(server, emulated, tmp_path) -> None:
    server.empty()
    prod = place_of("prod", True, server, emulated)
    write(tmp_path, "bank_core", simple("core"))
    asked = prod.run("apply", *words(tmp_path))
    assert asked.returncode == 2
    assert "--snapshot-evidence FILE" in asked.stderr
    proof = tmp_path / "snapshot.json"
    example = json.loads(asked.stderr[asked.stderr.index("{") :])

    def tried(**change: object) -> str:
        proof.write_text(json.dumps({**example, **change}), encoding="utf-8")
        done = prod.run("apply", *words(tmp_path), "--snapshot-evidence", str(proof))
        return f"{done.returncode} {done.stderr}"

    long_ago = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    wrong = tried(taken_at=long_ago, environment="uat", databases=["bank_kyc"])
    assert wrong.startswith("1 ")
    for fault in ("older than 24 hours", "is of uat, not of prod", "does not hold bank_core"):
        assert fault in wrong
    assert tried(taken_at="yesterday").startswith("2 ")
    assert server.ask("bank_core", "SELECT to_regnamespace('core')") == [(None,)]
    assert tried(snapshot="before-core").startswith("0 ")
    ((who,),) = server.ask("bank_core", "SELECT installed_by FROM flyway_schema_history")
    assert who.endswith(", snapshot before-core")
    # It does not hold what has happened since.
    time.sleep(1)
    late = prod.run(
        "undo",
        "--database",
        "bank_core",
        *words(tmp_path),
        "--yes",
        "--snapshot-evidence",
        str(proof),
    )
    assert late.returncode == 1
    assert "was changed at" in late.stderr


@pytest.mark.parametrize(
    "given",
    [
        ["apply", "local", "--database", "bank_none"],
        ["apply", "nowhere"],
        ["apply", "local", "--from", "/nowhere"],
        ["undo", "local"],
        ["undo", "local", "--all-databases", "--to", "7"],
    ],
)
def test_a_wrong_call_says_what_is_wrong(place, given) -> None:
    action, environment, *rest = given
    done = replace(place, environment=environment).run(action, *rest)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
