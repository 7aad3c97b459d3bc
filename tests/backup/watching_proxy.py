"""A proxy before the emulator that tells a test of each write, before whoever made it hears."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from tests.engine.faulty_proxy import PassingHandler


class WatchingProxy(ThreadingHTTPServer):
    """Passes calls on to an emulator.

    Attributes:
        done: called with the name of each call once the emulator has done it, before its answer.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target_port = target_port
        self.done: Callable[[str], None] = lambda call: None

    def handle_error(self, request: object, client_address: object) -> None:
        """A command that was ended hangs up."""


@contextmanager
def watching_proxy(target_port: int) -> Iterator[WatchingProxy]:
    proxy = WatchingProxy(target_port)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


class _Handler(PassingHandler):
    server: WatchingProxy

    def handle_call(self, body: bytes) -> None:
        answer = self.passed_on(body)
        # Services that have no name for a call in it have one in the path: `GET …/deployments/3`.
        named = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.server.done(named or f"{self.command} {self.path}")
        self.answer(*answer)
