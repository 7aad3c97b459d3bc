"""An AWS of one account that knows secrets, and repeats what it was sent in each refusal.

The secrets named in `empty` are there without a value, and take one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class RefusingAws(ThreadingHTTPServer):
    """Every secret has the value `value`; nothing else is answered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.value = ""
        self.empty: list[str] = []
        self.calls: list[str] = []
        self.sent: list[str] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def refusing_aws() -> Iterator[RefusingAws]:
    with RefusingAws() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: RefusingAws

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        action = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.server.calls.append(action)
        self.server.sent.append(content)
        answer = self._answer(action, content)
        if answer is None:
            self._send(400, {"__type": "InvalidParameterException", "Message": content})
        else:
            self._send(200, answer)

    do_GET = do_PUT = do_POST

    def _answer(self, action: str, content: str) -> dict[str, Any] | None:
        if self.server.empty:
            return self._of_empty_secrets(action, content)
        match action:
            case "GetSecretValue":
                return {
                    "Name": json.loads(content)["SecretId"],
                    "VersionId": "v" * 32,
                    "SecretString": self.server.value,
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": 1_700_000_000,
                }
            case "DescribeSecret":
                return {
                    "Name": json.loads(content)["SecretId"],
                    "VersionIdsToStages": {"v" * 32: ["AWSCURRENT"]},
                }
            case "ListSecretVersionIds":
                current = {
                    "VersionId": "v" * 32,
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": 1_700_000_000,
                }
                return {"Versions": [current]}
        return None

    def _of_empty_secrets(self, action: str, content: str) -> dict[str, Any]:
        if action == "ListSecrets":
            return {"SecretList": [{"Name": name} for name in self.server.empty]}
        return {"Name": json.loads(content)["SecretId"], "VersionId": "v" * 32, "Versions": []}

    def _send(self, code: int, answer: dict[str, Any]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
