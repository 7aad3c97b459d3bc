"""AWS that throttles or fails for a while is survived; many threads share one client."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest

from tests.provider.provider_client import ProviderClient

PARAMETER = "aws:ssm/parameter:Parameter"
THROTTLED = 400, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
BROKEN = 503, b'{"__type": "ServiceUnavailable", "message": "try later"}'
DENIED = 400, b'{"__type": "AccessDeniedException", "message": "no"}'


class Proxy:
    """Stands before the emulator and answers PutParameter with `answer` for the first `times`."""

    def __init__(self, target: str) -> None:
        self.times, self.answer, self.seen = 0, THROTTLED, 0
        lock, proxy = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "PutParameter" in self.headers.get("X-Amz-Target", ""):
                    with lock:
                        proxy.seen += 1
                        fails = proxy.times > 0
                        proxy.times -= fails
                    if fails:
                        self._send(*proxy.answer)
                        return
                request = urllib.request.Request(target, body, dict(self.headers), method="POST")
                with urllib.request.urlopen(request) as answer:
                    self._send(answer.status, answer.read(), answer.headers["Content-Type"])

            def _send(
                self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1"
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def proxy(endpoint: str) -> Iterator[Proxy]:
    made = Proxy(endpoint)
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()


@pytest.mark.parametrize("answer", [THROTTLED, BROKEN], ids=["throttled", "5xx"])
def test_failing_for_a_while(
    proxy: Proxy,
    unconfigured: Callable[[], ProviderClient],
    unique: str,
    answer: tuple[int, bytes],
) -> None:
    provider = unconfigured()
    provider.configure(proxy.url)
    proxy.times, proxy.answer = 4, answer
    state = provider.make(PARAMETER, {"name": f"/{unique}", "type": "String", "insecureValue": "1"})
    assert state.outputs["version"] == 1
    assert proxy.seen == 5


def test_a_refusal_is_not_tried_again(
    proxy: Proxy, unconfigured: Callable[[], ProviderClient], unique: str
) -> None:
    provider = unconfigured()
    provider.configure(proxy.url)
    proxy.times, proxy.answer = 4, DENIED
    with pytest.raises(grpc.RpcError) as caught:
        provider.make(PARAMETER, {"name": f"/{unique}", "type": "String", "insecureValue": "1"})
    assert "AccessDeniedException" in caught.value.details()
    assert proxy.seen == 1


def test_many_at_once(provider: ProviderClient, unique: str) -> None:
    def life(number: int) -> int:
        program = {"name": f"/{unique}/{number}", "type": "String", "insecureValue": "1"}
        state = provider.make(PARAMETER, program)
        provider.delete(state)
        return int(state.outputs["version"])

    with ThreadPoolExecutor(64) as pool:
        assert list(pool.map(life, range(200))) == [1] * 200
