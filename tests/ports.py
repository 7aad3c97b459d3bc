"""Free ports for what tests start."""

from __future__ import annotations

import random
import socket

# Below the ports that systems give to outgoing connections: one of those could take a port
# between its choice and its use.
_PORTS = range(20_000, 32_000)
# Not a fixed sequence: test runs side by side must not try the same ports.
_CHOICE = random.SystemRandom()


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on."""
    for port in _CHOICE.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {_PORTS.start} and {_PORTS.stop}")
