"""The direct URLs of the databases: read from Secrets Manager, kept from everything else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import psycopg
from botocore.exceptions import ClientError
from pydantic import SecretStr

from totara_infra.migrations.order import Place
from totara_infra.model.problems import TotaraError
from totara_infra.model.redaction import keep_secret, redacted
from totara_infra.model.vocabulary import SecretFormat
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.formats import fault
from totara_infra.operations.secrets.inventory import THROWAWAY, command

LOCK = int.from_bytes(b"totara", "big")
"""Key of the advisory lock that whoever migrates a database holds."""
CONNECT_SECONDS = 10
_POOLED = "-pooler."
"""What Neon puts into the host name of a pooled endpoint."""
# libpq's parameters in the driver's words. https://jdbc.postgresql.org/documentation/use/
_JDBC = {
    "application_name": "ApplicationName",
    "channel_binding": "channelBinding",
    "connect_timeout": "connectTimeout",
    "options": "options",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
}


class MigrationError(TotaraError):
    """The databases are not as they must be, or a migration failed."""

    exit_code = 1


@dataclass(frozen=True)
class DirectUrl:
    """How to reach one database past the pool. Shows itself without its content."""

    database: str
    _url: SecretStr = field(repr=False)

    def __post_init__(self) -> None:
        keep_secret(self._url.get_secret_value())

    @property
    def host(self) -> str:
        """The machine that it leads to."""
        return urlsplit(self._url.get_secret_value()).hostname or ""

    def jdbc(self) -> dict[str, str]:
        """The same for Java: `url` without credentials, `user`, `password`."""
        url = urlsplit(self._url.get_secret_value())
        query = urlencode({_JDBC[k]: v for k, v in parse_qsl(url.query)})
        place = f"{url.hostname}:{url.port or 5432}{url.path}"
        return {
            "url": f"jdbc:postgresql://{place}" + (f"?{query}" if query else ""),
            "user": unquote(url.username or ""),
            "password": unquote(url.password or ""),
        }

    def connect(self) -> psycopg.Connection:
        """A connection on which every statement is its own transaction.

        Raises:
            MigrationError: the server can't be reached or refuses; without the URL.
        """
        try:
            return psycopg.connect(
                self._url.get_secret_value(),
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
                application_name="totara migrations",
            )
        except psycopg.Error as error:
            raise MigrationError(
                f"{self.database}: no connection through its direct URL: "
                f"{self.hidden(str(error))}\n"
                "    fix: check that the server answers from here, then the URL in the secret"
            ) from None

    def hidden(self, text: str) -> str:
        """A message of a driver on one line, without any piece of a value."""
        return " ".join(redacted(text).split())


def read_urls(live: Live, places: Sequence[Place]) -> dict[str, DirectUrl]:
    """Database name -> its direct URL.

    Raises:
        MigrationError: every secret that is absent, empty, throwaway or not what is needed, at
            once.
        AwsRefusedError: AWS does not answer.
    """
    urls: dict[str, DirectUrl] = {}
    faults: list[str] = []
    for place in places:
        path = place.secret.replace("{env}", live.settings.environment.value)
        try:
            urls[place.name] = DirectUrl(place.name, _value(live, path, place.name))
        except MigrationError as what:
            put = command(live.settings, "put", path)
            faults.append(f"{path}: {what}.\n    fix: store the direct URL of {place.name}: {put}")
    if faults:
        raise MigrationError("\n".join(faults))
    return urls


def _value(live: Live, path: str, database: str) -> SecretStr:
    with explained(f"reading {path}"):
        try:
            answer = live.client("secretsmanager").get_secret_value(SecretId=path)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            answer = {}
    if not (value := answer.get("SecretString")):
        raise MigrationError("it has no value")
    if THROWAWAY in answer.get("VersionStages", ()):
        raise MigrationError("its value is a throwaway one, which leads to no database")
    if (wrong := _fault(value, database)) is not None:
        raise MigrationError(wrong)
    return SecretStr(value)


def _fault(text: str, database: str) -> str | None:
    if (wrong := fault(SecretFormat.POSTGRESQL_URL, text)) is not None:
        return wrong
    url = urlsplit(text)
    if _POOLED in f"{url.hostname}.":
        return "it goes through the pool, where locks and settings of a session don't hold"
    if unquote(url.path.strip("/")) != database:
        return f"it leads to another database than {database}"
    unknown = sorted({k for k, _ in parse_qsl(url.query)} - _JDBC.keys())
    if unknown:
        return f"the driver takes no parameter {', '.join(unknown)}"
    return None


@contextmanager
def locked(
    url: DirectUrl, wait_seconds: float, say: Callable[[str], None]
) -> Iterator[psycopg.Connection]:
    """Hold the lock of one database; whoever else migrates it waits or gives up.

    Args:
        url: the database.
        wait_seconds: how long to wait for it.
        say: takes a line of progress.

    Raises:
        MigrationError: somebody else still has it.
    """
    with url.connect() as connection:
        deadline, told = time.monotonic() + wait_seconds, False
        while not _taken(connection):
            holder = _holder(connection)
            if time.monotonic() >= deadline:
                raise MigrationError(
                    f"{url.database}: somebody else is migrating it{holder}.\n"
                    "    fix: wait until that has ended and run it again; what is applied by then "
                    "is skipped"
                )
            if not told:
                say(f"{url.database}: waiting for somebody else who is migrating it{holder} …")
                told = True
            time.sleep(0.2)
        yield connection


def _taken(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return bool(row and row[0])


def _holder(connection: psycopg.Connection) -> str:
    row = connection.execute(
        "SELECT a.usename, a.backend_start FROM pg_locks AS l"
        " JOIN pg_stat_activity AS a USING (pid)"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.pid <> pg_backend_pid()"
        " AND l.classid::bigint = %s AND l.objid::bigint = %s"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        (LOCK >> 32, LOCK & 0xFFFFFFFF),
    ).fetchone()
    return f" ({row[0]}, since {row[1]:%Y-%m-%d %H:%M:%S %Z})" if row else ""
