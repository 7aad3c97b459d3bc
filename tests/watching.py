"""Looks at something again and again, from a thread, while a test or a run goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def watching(look: Callable[[], None], seconds: float) -> Iterator[None]:
    """Look at once, then every so many seconds until the block ends."""
    stop = threading.Event()

    def run() -> None:
        while True:
            look()
            if stop.wait(seconds):
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
