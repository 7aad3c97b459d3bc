"""Showing a built site on this machine."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files without a line for each request."""

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
    handler = functools.partial(_Quiet, directory=str(folder))
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
