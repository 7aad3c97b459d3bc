"""A proxy before the emulator: passes calls on, and lets a test take part in some of them."""

from __future__ import annotations

import http.client
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "date", "server", "content-length")


class PassingHandler(BaseHTTPRequestHandler):
    """Passes every call on to `target_port` of its server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def handle_any(self) -> None:
        self.handle_call(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

    def handle_call(self, body: bytes) -> None:
        self.answer(*self.passed_on(body))

    def passed_on(self, body: bytes) -> tuple[int, bytes, list[tuple[str, str]]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.target_port, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheaders()
        finally:
            connection.close()

    def answer(self, status: int, content: bytes, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test asks the counters."""


class PassingProxy(ThreadingHTTPServer):
    """Passes calls on to an emulator."""

    daemon_threads = True
    request_queue_size = 128
    handler: type[PassingHandler] = PassingHandler

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), self.handler)
        self.target_port = target_port

    @classmethod
    @contextmanager
    def before(cls, target_port: int) -> Iterator[Self]:
        """A proxy that serves until the block ends."""
        proxy = cls(target_port)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            proxy.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up: plugins end without a farewell."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]
