"""A proxy before the emulator that answers as AWS does on a bad day: throttled, and with 5xx."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BAD_CALLS = 9
"""How long the bad day lasts: until each service has been called this often."""
EVERY = 3
"""One call of so many is refused meanwhile."""
STATUSES = (429, 503, 400, 500)
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "date", "server", "content-length")


class FaultyProxy(ThreadingHTTPServer):
    """Passes calls on to an emulator; refuses one of three for a while.

    Attributes:
        refused: (service, status) -> calls that were refused with it.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target_port = target_port
        self.refused: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()
        self._statuses = itertools.cycle(STATUSES)
        self._calls: Counter[str] = Counter()

    def fate(self, service: str) -> int | None:
        """The status with which a call is refused, or None where it goes through."""
        with self._lock:
            self._calls[service] += 1
            if self._calls[service] > BAD_CALLS or self._calls[service] % EVERY:
                return None
            status = next(self._statuses)
            self.refused[service, status] += 1
            return status

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that hung up: plugins end without a farewell."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def faulty_proxy(target_port: int) -> Iterator[FaultyProxy]:
    """A proxy that serves until the block ends."""
    proxy = FaultyProxy(target_port)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


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


class _Handler(PassingHandler):
    server: FaultyProxy

    def handle_call(self, body: bytes) -> None:
        scope = re.search(
            r"Credential=\w+/\d+/[^/]+/([^/]+)/", self.headers.get("Authorization", "")
        )
        if scope is not None and (status := self.server.fate(scope[1])):
            self._refuse(scope[1], status)
        else:
            super().handle_call(body)

    def _refuse(self, service: str, status: int) -> None:
        """Answer in the service's own protocol; 5xx without a body, as load balancers do."""
        headers: list[tuple[str, str]] = []
        content = b""
        code = "SlowDown" if service == "s3" else "ThrottlingException"
        if status >= 500:
            pass
        elif "cbor" in self.headers.get("Smithy-Protocol", ""):
            headers = [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor")]
            # A map of one entry; both texts are shorter than 24 bytes.
            content = b"\xa1\x66__type" + bytes([0x60 + len(code)]) + code.encode()
        elif service == "s3":
            content = f"<Error><Code>{code}</Code><Message>Slow down.</Message></Error>".encode()
        elif "x-www-form-urlencoded" in self.headers.get("Content-Type", ""):
            content = (
                b"<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"
                b"<Message>Rate exceeded</Message></Error></ErrorResponse>"
            )
        else:
            headers = [("x-amzn-ErrorType", code), ("Content-Type", "application/json")]
            content = json.dumps({"__type": code, "message": "Rate exceeded"}).encode()
        self.answer(status, content, headers)
