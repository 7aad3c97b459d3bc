"""The drill of a lost database, on a real PostgreSQL with real Flyway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.engine.checkout import Checkout
from tests.migrations.server import Server
from tests.recovery.drilling import Drills, outcomes, refused
from totara_infra.local.project import state_directory
from totara_infra.migrations.flyway.install import ensure_installed as ensure_flyway
from totara_infra.operations.secrets.inventory import THROWAWAY

pytestmark = pytest.mark.engine

DATABASES = "totara_infra/catalogue/databases.yaml"
FILES = {
    "V001__create_accounts_table.sql": "CREATE SCHEMA core;\n"
    "CREATE TABLE core.accounts (account_id uuid PRIMARY KEY);\n",
    "U001__create_accounts_table_rollback.sql": "DROP TABLE core.accounts;\nDROP SCHEMA core;\n",
}
SECRET = "/bank/local/core/neon-db-migrate-url"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def drills(new_small_environment, server) -> Drills:
    """A small environment whose ledger has one table in a real database."""
    ensure_flyway()
    checkout: Checkout = new_small_environment()
    (checkout.state / "flyway").symlink_to((state_directory() / "flyway").resolve())
    file = checkout.root / DATABASES
    content = yaml.safe_load(file.read_text())
    ledger = next(d for d in content["databases"] if d["name"] == "bank_core")
    known = {"owner": "MOD-001", "provenance": "assumed"}
    ledger["schemas"] = [{"name": "core", **known, "owner_provenance": "assumed"}]
    ledger["tables"] = [{"name": "core.accounts", **known}]
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    folder = checkout.root / "migrations" / "bank_core"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    secrets = checkout.live().client("secretsmanager")
    secrets.create_secret(Name=SECRET, SecretString=server.url("bank_core"))
    checkout.totara("migrations", "apply", "local")
    return Drills(checkout, "database-loss")


def test_without_the_migrations_there_are_no_tables(drills: Drills, server: Server) -> None:
    record, _ = drills.without("rebuild-schemas")
    assert refused(record) == {"indicators-quiet"}
    assert server.ask("bank_core", "SELECT to_regclass('core.accounts')::text") == [(None,)]
    assert drills.status(code=1)["points_to"] == ["database-loss"]


def test_the_drill_goes_on_with_them_to_its_end(drills: Drills, server: Server) -> None:
    record, done = drills.run()
    assert record["outcome"] == "complete", done.err
    assert outcomes(record)["rebuild-schemas"] == "done"
    assert {a["name"] for a in record["acceptance"]} == {
        "indicators-quiet", "same-rows", "same-claims", "verified",
    }  # fmt: skip
    assert server.ask("bank_core", "SELECT count(*) FROM core.accounts") == [(0,)]
    assert any("Neon" in text for text in record["not_proved"])
    # What the drill has written is gone.
    schemas = server.ask("bank_core", "SELECT nspname FROM pg_namespace")
    assert ("recovery_canary",) not in schemas


def test_without_the_rows_the_drill_fails(drills: Drills) -> None:
    record, _ = drills.without("restore-rows")
    assert refused(record) == {"same-rows"}


def test_a_database_elsewhere_is_never_dropped(drills: Drills, server: Server) -> None:
    # Brings the rows of the drill before back, and ends it.
    drills.run()
    secrets = drills.checkout.live().client("secretsmanager")
    # Leads to this machine too, but who reads the URL can't know that.
    url = server.url("bank_core").replace("127.0.0.1", "0.0.0.0")
    secrets.put_secret_value(SecretId=SECRET, SecretString=url)
    done = drills.checkout.totara("dr", "drill", "database-loss", "local", code=1)
    assert "bank_core leads to another machine" in done.err
    assert server.passwords["bank_core_migrate_user"] not in done.text
    assert server.ask("bank_core", "SELECT count(*) FROM core.accounts") == [(0,)]


def test_throwaway_values_are_no_sign_of_a_loss(drills: Drills) -> None:
    secrets = drills.checkout.live().client("secretsmanager")
    url = "postgresql://u:hush-hush@127.0.0.1:1/bank_core"
    written = secrets.put_secret_value(SecretId=SECRET, SecretString=url)
    assert drills.status(code=1)["points_to"] == ["database-loss"]
    secrets.update_secret_version_stage(
        SecretId=SECRET, VersionStage=THROWAWAY, MoveToVersionId=written["VersionId"]
    )
    found = drills.status(code=0)
    assert found["points_to"] == []
    assert {i["raised"] for i in found["indicators"]} == {None}
    assert all("throwaway" in i["found"] for i in found["indicators"])
