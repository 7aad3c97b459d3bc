"""A proxy before the emulator that answers as AWS does on a bad day: throttled, and with 5xx."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections import Counter

from tests.passing_proxy import PassingHandler, PassingProxy

BAD_CALLS = 9
"""How long the bad day lasts: until each service has been called this often."""
EVERY = 3
"""One call of so many is refused meanwhile."""
STATUSES = (429, 503, 400, 500)


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


class FaultyProxy(PassingProxy):
    """Refuses one call of three for a while.

    Attributes:
        refused: (service, status) -> calls that were refused with it.
    """

    handler = _Handler

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
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
