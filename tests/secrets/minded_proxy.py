"""A proxy before the emulator that ends a command after a write, and plays a rotation function."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.passing_proxy import PassingHandler, PassingProxy

WRITES = ("PutSecretValue", "UpdateSecretVersionStage")


class _Handler(PassingHandler):
    server: MindedProxy

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.server.ahead)

    def handle_call(self, body: bytes) -> None:
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if action == "RotateSecret" and self.server.function is not None:
            self._rotate(json.loads(body))
            return
        answer = self.passed_on(body)
        if action in WRITES:
            self.server.written.append(action)
            self.server.after_write(len(self.server.written))
        self.answer(*answer)

    def _rotate(self, request: dict[str, Any]) -> None:
        assert self.server.function is not None
        version = request.get("ClientRequestToken") or str(uuid.uuid4())
        self.server.function(request["SecretId"], version)
        content = json.dumps({"Name": request["SecretId"], "VersionId": version}).encode()
        self.answer(200, content, [("Content-Type", "application/x-amz-json-1.1")])


class MindedProxy(PassingProxy):
    """Minds the writes to secrets.

    Attributes:
        written: writes to secrets, in order.
        after_write: called with their number once the emulator has done one, before its answer.
        function: plays MOD-045's function: gets path and version of a rotation that begins.
        ahead: seconds by which the clock in the answers is ahead.
    """

    handler = _Handler

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.written: list[str] = []
        self.after_write: Callable[[int], None] = lambda number: None
        self.function: Callable[[str, str], None] | None = None
        self.ahead = 0
