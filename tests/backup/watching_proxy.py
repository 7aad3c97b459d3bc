"""A proxy before the emulator that tells a test of each write, before whoever made it hears."""

from __future__ import annotations

from collections.abc import Callable

from tests.passing_proxy import PassingHandler, PassingProxy


class _Handler(PassingHandler):
    server: WatchingProxy

    def handle_call(self, body: bytes) -> None:
        answer = self.passed_on(body)
        # Services that have no name for a call in it have one in the path: `GET …/deployments/3`.
        named = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.server.done(named or f"{self.command} {self.path}")
        self.answer(*answer)


class WatchingProxy(PassingProxy):
    """Says what has been done.

    Attributes:
        done: called with the name of each call once the emulator has done it, before its answer.
    """

    handler = _Handler

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.done: Callable[[str], None] = lambda call: None
