"""Proofs that ask the databases, through their direct URLs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from totara_infra.delivery.runbooks import Finding
from totara_infra.local.project import project_root
from totara_infra.migrations.connections import DirectUrl, MigrationError, read_urls
from totara_infra.migrations.files import find_folders
from totara_infra.migrations.order import database_order
from totara_infra.migrations.undo import HISTORY
from totara_infra.model.databases import read_databases
from totara_infra.provisioning.proofs.asking import Asking, listed

SESSION_MODULE = "MOD-068"
"""Which keeps the sessions of customers, in the database of its domain."""


def databases(asking: Asking) -> Finding:
    """Each database answers through its direct URL."""
    urls = _urls(asking)

    def fault(url: DirectUrl) -> str | None:
        try:
            url.connect().close()
        except MigrationError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(len(urls)) as executor:
        faults = [f for f in executor.map(fault, urls.values()) if f is not None]
    if faults:
        names = listed([f.split(":", maxsplit=1)[0] for f in faults], 8)
        return Finding(False, f"No answer from {names}. The first: {faults[0]}")
    return Finding(True, f"{len(urls)} databases answer.")


def migrations(asking: Asking) -> Finding:
    """The history of each database has every migration that there is a file for."""
    urls = _urls(asking)
    behind = []
    for folder in find_folders(asking.catalogue, [project_root() / "migrations"]):
        applied = _applied(urls[folder.database])
        missing = sorted(folder.pairs().keys() - applied)
        if missing:
            behind.append(f"{folder.database} from {missing[0]} on")
    if behind:
        return Finding(False, f"Not applied: {listed(behind, 8)}.")
    return Finding(True, "Every migration is in the history of its database.")


def customer_session(asking: Asking) -> Finding:
    """A customer of the client has had a session."""
    url = direct_url(asking, SESSION_MODULE)
    with url.connect() as connection:
        try:
            row = connection.execute(
                "SELECT count(*) FROM app.customer_sessions WHERE tenant_id = %s",
                (asking.client_id,),
            ).fetchone()
        except psycopg.Error as error:
            return Finding(False, f"{url.database}: {url.hidden(str(error))}")
    count = row[0] if row else 0
    if not count:
        return Finding(False, f"No customer of {asking.client_id} has had a session yet.")
    return Finding(True, f"{count} sessions of customers of {asking.client_id}.")


def direct_url(asking: Asking, module_id: str) -> DirectUrl:
    """The direct URL of the database of a module's domain.

    Raises:
        MigrationError: a secret is absent, empty or wrong.
    """
    return _urls(asking)[asking.catalogue.domain_of[module_id].database]


def _urls(asking: Asking) -> dict[str, DirectUrl]:
    live = asking.live()
    sequence = asking.blueprint(live).sequence
    places = database_order(asking.catalogue, read_databases(asking.catalogue), sequence)
    return read_urls(live, places)


def _applied(url: DirectUrl) -> set[str]:
    """Versions that Flyway's history has as applied."""
    with url.connect() as connection:
        try:
            rows = connection.execute(
                psycopg.sql.SQL(
                    "SELECT version FROM {} WHERE success AND version IS NOT NULL"
                ).format(HISTORY)
            ).fetchall()
        except psycopg.errors.UndefinedTable:
            return set()
    return {row[0] for row in rows}
