"""Progress of long steps on stderr: what is being done, how long it usually takes, the time so far.

Uses the standard library only, because it also runs before the dependencies are installed.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_BOLD, _DIM, _END = "\033[1m", "\033[2m", "\033[0m"
_CLEAR_LINE = "\r\033[K"


def _seconds(duration: float) -> str:
    minutes, seconds = divmod(int(duration), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _styled(text: str, style: str) -> str:
    # https://no-color.org: any value but the empty one turns colour off.
    return text if os.environ.get("NO_COLOR") else f"{style}{text}{_END}"


def _tick(stream: TextIO, title: str, usual: str, started: float, ended: threading.Event) -> None:
    while True:
        note = _styled(f"usually {usual}, {_seconds(time.monotonic() - started)} so far", _DIM)
        stream.write(f"{_CLEAR_LINE}{_styled(title, _BOLD)} … {note}")
        stream.flush()
        if ended.wait(1.0):
            return


@contextmanager
def step(title: str, usual: str, stream: TextIO | None = None) -> Iterator[None]:
    """Show that a step is under way.

    In a terminal one line ticks; elsewhere a plain line is printed at the start and one at the end.

    Args:
        title: What is being done, such as `Building the Pulumi engine`.
        usual: How long it usually takes, such as `about 4 minutes`.
        stream: Where to write; stderr unless given.
    """
    out = stream or sys.stderr
    started = time.monotonic()
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(out, title, usual, started, ended), daemon=True)
    terminal = out.isatty()
    if terminal:
        ticker.start()
    else:
        out.write(f"{title} (usually {usual}) …\n")
        out.flush()
    outcome = "failed after"
    try:
        yield
        outcome = "done in"
    finally:
        ended.set()
        if terminal:
            ticker.join()
            out.write(_CLEAR_LINE)
        out.write(f"{title}: {outcome} {_seconds(time.monotonic() - started)}\n")
        out.flush()


def note(text: str, stream: TextIO | None = None) -> None:
    """Print one line of information beside the steps."""
    out = stream or sys.stderr
    out.write(f"{text}\n")
    out.flush()
