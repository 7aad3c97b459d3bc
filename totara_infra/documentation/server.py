"""Showing a built site on this machine."""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTP_PORT
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, cast

from totara_infra.model.problems import UsageError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """Where a site is served.

    Attributes:
        url: of its first page.
        thread: serves until it is stopped.
    """

    url: str
    thread: threading.Thread

    def wait(self) -> None:
        """Wait until the server ends, or the user interrupts."""
        self.thread.join()


class _Handler(SimpleHTTPRequestHandler):
    """Serves files to this machine under its own names, without a line for each request."""

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Answer with a file, or refuse what was not meant for this server or can't be a file."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) > 1:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return None
        # A page from elsewhere can have its own name point to this machine, and read what answers.
        if not hosts or hosts[0].lower() not in self._own_names():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        try:
            return super().send_head()
        except ValueError:
            # No file's name holds a null character.
            self.send_error(HTTPStatus.NOT_FOUND)
            return None

    def _own_names(self) -> set[str]:
        port = cast(ThreadingHTTPServer, self.server).server_port
        names = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}
        # Browsers leave out the port that http has anyway.
        return names | {LOOPBACK, "localhost"} if port == HTTP_PORT else names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, port: int) -> Iterator[Address]:
    """Serve a folder on 127.0.0.1 while the context lasts.

    Args:
        folder: a built site.
        port: 0 takes a free one.

    Raises:
        UsageError: the port is taken.
    """
    handler = functools.partial(_Handler, directory=str(folder))
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), handler)
    except OSError as error:
        raise UsageError(
            f"Port {port} of {LOOPBACK} can't be used: {error.strerror}. Name another one with "
            "--port, or 0 for a free one."
        ) from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Address(f"http://{LOOPBACK}:{server.server_port}/", thread)
    finally:
        server.shutdown()
        server.server_close()
