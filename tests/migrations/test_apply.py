"""Up from nothing and undone to nothing, on a real PostgreSQL, with the URLs out of the secrets."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from tests.migrations.conftest import Place
from tests.migrations.server import DATABASES
from tests.secrets import leaks
from totara_infra.model.databases import read_databases

EXAMPLES = 81
OBJECTS = """
SELECT n.nspname || '.' || c.relname, c.relkind::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'v', 'S')
UNION ALL
SELECT n.nspname || '.' || p.proname, 'f'
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^(pg_|information_schema)'
UNION ALL
SELECT nspname, 'schema' FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public$)'
"""


@pytest.fixture(scope="module")
def applied(place: Place) -> tuple[Place, subprocess.CompletedProcess[str], leaks.Watch]:
    passwords = list(place.server.passwords.values())
    with leaks.Watch(passwords) as watch:
        process = place.start("apply")
        out, err = process.communicate(timeout=120)
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    return place, done, watch


def test_a_plan_shows_all_in_order_with_the_reason_and_changes_nothing(place: Place) -> None:
    plan = place.data("plan")["databases"]
    assert sum(len(d["pending"]) for d in plan) == EXAMPLES
    order = [d["database"] for d in plan]
    assert sorted(order) == sorted(DATABASES)
    # The log of actions is first, sign-in comes with the platform, the ledger before payments.
    assert order.index("bank_platform") < order.index("bank_core")
    assert order.index("bank_app") < order.index("bank_core") < order.index("bank_payments")
    assert order.index("bank_core") < order.index("bank_credit")
    assert all(d["reason"].startswith("before MOD-") for d in plan)
    assert place.server.ask("bank_core", OBJECTS) == []


def test_everything_in_the_catalogue_exists_after_apply(applied, catalogue) -> None:
    place, done, _ = applied
    assert done.returncode == 0, done.stderr
    assert f"{EXAMPLES} migrations applied." in done.stdout
    for database in read_databases(catalogue).databases:
        found = dict(place.server.ask(database.name, OBJECTS))
        assert {s.name for s in database.schemas} <= found.keys()
        kinds = {"r": database.tables, "v": database.views, "f": database.functions}
        for kind, things in kinds.items():
            assert {t.name for t in things} == {
                n for n, k in found.items() if k == kind and n != "public.flyway_schema_history"
            }
        columns = place.server.ask(
            database.name,
            "SELECT table_schema || '.' || table_name || '.' || column_name"
            " FROM information_schema.columns",
        )
        named = {f"{t.name}.{c}" for t in database.tables for c in t.columns}
        assert named <= {c for (c,) in columns}


def test_no_password_is_seen_anywhere(applied) -> None:
    place, done, watch = applied
    passwords = list(place.server.passwords.values())
    # The emulator keeps what was stored in it; nothing else may.
    assert watch.seen
    assert not watch.found
    assert not leaks.everywhere(passwords, done.stdout + done.stderr, place.state)


@pytest.mark.parametrize("database", DATABASES)
def test_rows_of_append_only_tables_stay_as_they_are(applied, catalogue, database) -> None:
    place, _, _ = applied
    described = read_databases(catalogue).by_name[database]
    for table in sorted(described.append_only):
        with place.server.connect(database) as connection:
            # Without a row there is nothing that a row trigger could refuse.
            connection.execute("SET session_replication_role = replica")
            connection.execute(_row_for(connection, table).encode())
            connection.execute("SET session_replication_role = origin")
            for change in (f"UPDATE {table} SET ctid = ctid", f"DELETE FROM {table}"):
                statement = change.replace("ctid = ctid", _same(connection, table))
                with pytest.raises(psycopg.errors.RestrictViolation):
                    connection.execute(statement.encode())
            with pytest.raises(psycopg.errors.RestrictViolation):
                connection.execute(f"TRUNCATE {table} CASCADE".encode())
            connection.execute("SET session_replication_role = replica")
            connection.execute(f"DELETE FROM {table}".encode())
        for role in described.application_roles:
            ((allowed,),) = place.server.ask(
                database,
                "SELECT has_table_privilege(%s, %s, 'INSERT')"
                " AND NOT has_table_privilege(%s, %s, 'UPDATE, DELETE, TRUNCATE')",
                (role, table, role, table),
            )
            assert allowed, (role, table)


def _columns(connection: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = ''",
        (table,),
    ).fetchall()


def _same(connection: psycopg.Connection, table: str) -> str:
    name, _ = _columns(connection, table)[0]
    return f"{name} = {name}"


def _row_for(connection: psycopg.Connection, table: str) -> str:
    """A row that passes every CHECK: values that its constraints name, or any."""
    checks = connection.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype = 'c'",
        (table,),
    ).fetchall()
    values = {
        "bigint": "1",
        "boolean": "true",
        "bytea": "decode(repeat('00', 32), 'hex')",
        "date": "now()",
        "integer": "1",
        "jsonb": "'{}'",
        "numeric": "1",
        "text": "'x'",
        "timestamp with time zone": "now()",
        "uuid": "gen_random_uuid()",
    }
    names, row = [], []
    for name, kind in _columns(connection, table):
        names.append(name)
        allowed = [c for (c,) in checks if f"({name} = ANY" in c]
        row.append(f"'{allowed[0].split(chr(39))[1]}'" if allowed else values[kind])
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(row)})"


def test_applying_again_changes_nothing(applied) -> None:
    place, _, _ = applied
    again = place.data("apply")
    assert {d["outcome"] for d in again["databases"]} == {"up to date"}


def test_an_undo_keeps_append_only_rows(applied) -> None:
    place, _, _ = applied
    insert = (
        "INSERT INTO audit.agent_actions"
        " VALUES (gen_random_uuid(), 't', 'a', 'AGENT', 'x', 'y', '{}', NULL, now(), now())"
        " RETURNING 1"
    )
    place.server.ask("bank_platform", insert)
    refused = place.run("undo", "--database", "bank_platform", "--to", "002", "--yes")
    assert refused.returncode == 1
    assert "audit.agent_actions has rows" in refused.stderr
    # What came before it in the run is undone, and status says how far.
    (state,) = place.data("status", "--database", "bank_platform")
    assert state["applied"] == ["001", "002", "003"]
    with place.server.connect("bank_platform") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit.agent_actions")


def test_all_is_undone_to_nothing(applied) -> None:
    place, _, _ = applied
    done = place.run("undo", "--all-databases", "--to", "000", "--yes")
    assert done.returncode == 0, done.stderr
    for database in DATABASES:
        assert place.server.ask(database, OBJECTS) == []
    assert (
        place.server.ask(
            "postgres", "SELECT rolname FROM pg_roles WHERE NOT rolcanlogin AND rolname !~ '^pg_'"
        )
        == []
    )
