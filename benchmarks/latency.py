"""An HTTP proxy on 127.0.0.1 that holds every request back for a while.

`python -m benchmarks.latency ENDPOINT SECONDS` prints its address and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from totara_infra.local.project import project_root

_LARGEST_HEADER = 1 << 20
_PIECE = 1 << 16


@contextlib.contextmanager
def serving(endpoint: str, delay_seconds: float) -> Iterator[str]:
    """Run the proxy in a process of its own.

    Args:
        endpoint: URL that requests go to.
        delay_seconds: how long each one is held back.

    Yields:
        The proxy's own URL.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.latency", endpoint, str(delay_seconds)],
        cwd=project_root(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


class _Proxy:
    def __init__(self, endpoint: str, delay_seconds: float) -> None:
        address = urlsplit(endpoint)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._delay = delay_seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests delayed one by one, answers passed on as they come."""
        back_reader, back_writer = await asyncio.open_connection(
            self._host, self._port, limit=_LARGEST_HEADER
        )
        answers = asyncio.create_task(_pass_on(back_reader, writer))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(self._delay)
                back_writer.write(header)
                # Written before the body is there: a client may wait for `100 Continue` first.
                await _pass_body(header, reader, back_writer)
                await back_writer.drain()
        answers.cancel()
        for each in (back_writer, writer):
            each.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _pass_body(
    header: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    fields = dict(line.lower().split(b":", 1) for line in header.split(b"\r\n")[1:] if b":" in line)
    if fields.get(b"transfer-encoding", b"").strip() == b"chunked":
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            writer.write(line + await reader.readexactly(size + 2))
            if size == 0:
                return
    writer.write(await reader.readexactly(int(fields.get(b"content-length", b"0"))))


async def _run(endpoint: str, delay_seconds: float) -> None:
    proxy = _Proxy(endpoint, delay_seconds)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_LARGEST_HEADER)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    # The input ends when whoever started this closes it, or is gone.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def main(arguments: Sequence[str]) -> int:
    """Serve until the input ends."""
    asyncio.run(_run(arguments[0], float(arguments[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
