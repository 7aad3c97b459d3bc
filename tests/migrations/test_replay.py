"""A replayed schema is what PostgreSQL makes of the same statements."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import PROJECT
from tests.migrations.server import Server
from totara_infra.migrations.live_schema import differences, read_schema
from totara_infra.migrations.replay import replay
from totara_infra.migrations.schema import Schema
from totara_infra.migrations.statements import parse_file

SEQUENCES, LENGTH = 60, 25
START = """
CREATE SCHEMA a; CREATE SCHEMA "B.c"; CREATE TABLE a.one (id int PRIMARY KEY, n text);
CREATE FUNCTION a.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
"""
SCHEMAS = ("a", '"B.c"')
TABLES = ("one", "two", '"Odd one"', "parted", "part")
COLUMNS = ("id", "n", "amount", '"Mixed"', "at")
TYPES = (
    "int",
    "bigint",
    "numeric(19, 4)",
    "varchar(20)",
    "char",
    "timestamptz",
    "text[]",
    "boolean",
    "uuid",
    "timestamp(3) with time zone",
)
FORMS = (
    "CREATE TABLE {t} (id bigserial PRIMARY KEY, {c} {y} NOT NULL, CHECK ({c} IS NOT NULL))",
    "CREATE TABLE IF NOT EXISTS {t} (id int GENERATED ALWAYS AS IDENTITY UNIQUE,"
    " {c} {y} DEFAULT NULL)",
    "CREATE TABLE {t} (id int REFERENCES {u}, {c} {y}, d int GENERATED ALWAYS AS (id + 1) STORED)",
    "CREATE TABLE {t} (LIKE {u})",
    "CREATE TABLE {t} (id int, {c} {y}, PRIMARY KEY (id), UNIQUE ({c}, id))"
    " PARTITION BY RANGE (id)",
    "CREATE TABLE {t} PARTITION OF {u} FOR VALUES FROM ({i}) TO ({i} + 1)",
    "CREATE TABLE {t} () INHERITS ({u})",
    "CREATE UNLOGGED TABLE {t} (id int, {c} {y} CONSTRAINT k_{i} UNIQUE)",
    "CREATE TEMP TABLE gone_{i} (id int)",
    "CREATE VIEW {t} AS SELECT 1 AS id",
    "CREATE OR REPLACE VIEW {t} AS SELECT * FROM {u}",
    "CREATE MATERIALIZED VIEW {t} AS SELECT 1 AS id, 2 AS n",
    "CREATE INDEX ON {t} ({c})",
    "CREATE UNIQUE INDEX i_{i} ON {t} (id, {c})",
    "CREATE INDEX IF NOT EXISTS i_{i} ON {t} (lower({c}::text)) INCLUDE (id)",
    "CREATE SEQUENCE {s}.q_{i}",
    "ALTER SEQUENCE {s}.q_{i} OWNED BY {t}.{c}",
    "CREATE TYPE {s}.e_{i} AS ENUM ('x', 'y')",
    "CREATE DOMAIN {s}.d_{i} AS int CHECK (VALUE > 0)",
    "CREATE TYPE {s}.c_{i} AS (id int)",
    "CREATE FUNCTION {s}.f(x {y}) RETURNS int LANGUAGE sql AS $$ SELECT {i} $$",
    "CREATE OR REPLACE FUNCTION {s}.f(x {y}, OUT z int) LANGUAGE sql AS $$ SELECT {i} $$",
    "CREATE PROCEDURE {s}.p(INOUT x int) LANGUAGE plpgsql AS $$ BEGIN x := {i}; END $$",
    "DROP FUNCTION {s}.f({y})",
    "DROP ROUTINE {s}.p",
    "ALTER FUNCTION {s}.f({y}) RENAME TO g",
    "CREATE TRIGGER t_{i} BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION a.fire()",
    "CREATE OR REPLACE TRIGGER t_{i} AFTER INSERT ON {t} EXECUTE FUNCTION a.fire()",
    "DROP TRIGGER t_{i} ON {t}",
    "CREATE POLICY p_{i} ON {t} USING (true)",
    "CREATE RULE r_{i} AS ON INSERT TO {t} DO ALSO NOTHING",
    "ALTER TABLE {t} ADD COLUMN {c} {y}",
    "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS {c} {y} DEFAULT NULL",
    "ALTER TABLE {t} ADD COLUMN {c} serial",
    "ALTER TABLE {t} DROP COLUMN {c}",
    "ALTER TABLE {t} DROP COLUMN {c} CASCADE",
    "ALTER TABLE {t} ALTER COLUMN {c} SET NOT NULL",
    "ALTER TABLE {t} ALTER COLUMN {c} DROP NOT NULL",
    "ALTER TABLE {t} ALTER COLUMN {c} SET DEFAULT NULL",
    "ALTER TABLE {t} ALTER COLUMN {c} DROP DEFAULT",
    "ALTER TABLE {t} ALTER COLUMN {c} TYPE text",
    "ALTER TABLE {t} ADD CHECK ({c} IS NOT NULL), ADD CONSTRAINT k_{i} CHECK (id > 0) NOT VALID",
    "ALTER TABLE {t} ADD FOREIGN KEY (id) REFERENCES {u}",
    "ALTER TABLE {t} ADD UNIQUE ({c})",
    "ALTER TABLE {t} ADD CONSTRAINT u_{i} UNIQUE USING INDEX i_{i}",
    "ALTER TABLE {t} DROP CONSTRAINT k_{i}",
    "ALTER TABLE {t} RENAME CONSTRAINT k_{i} TO l_{i}",
    "ALTER TABLE {t} RENAME COLUMN {c} TO renamed_{i}",
    "ALTER TABLE {t} RENAME TO moved_{i}",
    "ALTER TABLE {t} SET SCHEMA {s}",
    "ALTER INDEX {s}.i_{i} RENAME TO j_{i}",
    "DROP INDEX {s}.i_{i}",
    "DROP SEQUENCE IF EXISTS {s}.q_{i}",
    "DROP TYPE {s}.e_{i}",
    "DROP TABLE {t}",
    "DROP TABLE IF EXISTS {t} CASCADE",
    "DROP VIEW {t}",
    "DROP MATERIALIZED VIEW {t}",
    "CREATE SCHEMA n_{i} CREATE TABLE inner_one (id int PRIMARY KEY)",
    "ALTER SCHEMA n_{i} RENAME TO m_{i}",
    "DROP SCHEMA n_{i}",
    "DROP SCHEMA m_{i} CASCADE",
    "DO $$ BEGIN CREATE TABLE {t} (id int); END $$",
    "CREATE STATISTICS {s}.x_{i} ON id, {c} FROM {t}",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server.start()
    yield server
    server.stop()


def statements(seed: int) -> Iterator[str]:
    """Random DDL, with names few enough to meet one another."""
    chance = random.Random(seed)
    for _ in range(LENGTH):
        schema, other = chance.choice(SCHEMAS), chance.choice(SCHEMAS)
        yield chance.choice(FORMS).format(
            s=schema,
            t=f"{schema}.{chance.choice(TABLES)}",
            u=f"{other}.{chance.choice(TABLES)}",
            c=chance.choice(COLUMNS),
            y=chance.choice(TYPES),
            i=chance.randrange(3),
        )


def test_generated_statements_come_to_the_same(server) -> None:
    taken: set[str] = set()
    with server.connect("bank_core") as connection:
        for seed in range(SEQUENCES):
            with connection.transaction(force_rollback=True):
                connection.execute(START.encode())
                schema, done = replay(Schema(), parse_file(START), 1), []
                for text in statements(seed):
                    try:
                        with connection.transaction():
                            connection.execute(text.encode())
                    except psycopg.Error:
                        continue
                    done.append(text)
                    taken.add(text.split(" ")[0] + text.split(" ")[1])
                    schema = replay(schema, parse_file(text), 2)
                    found = differences(schema.outline(), read_schema(connection).outline())
                    assert not found, (seed, ";\n".join(done), found)
    # Enough of them were taken for this to mean something.
    assert len(taken) > 15


@pytest.mark.parametrize("folder", sorted((PROJECT / "migrations").iterdir()), ids=lambda f: f.name)
def test_the_examples_come_to_the_same(server, folder: Path) -> None:
    schema = Schema()
    with server.connect(folder.name) as connection, connection.transaction(force_rollback=True):
        for number, file in enumerate(sorted(folder.glob("V*.sql")), start=1):
            text = file.read_text(encoding="utf-8")
            connection.execute(text.encode())
            schema = replay(schema, parse_file(text), number)
        assert schema.entries
        assert differences(schema.outline(), read_schema(connection).outline()) == []
