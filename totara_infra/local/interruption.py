"""Interruptions: passed on to what runs, waited for, and said in one line.

Ctrl-C reaches every process of a terminal at once, and SIGTERM only one. Neither suits: a plugin
that ends in the middle of a call leaves its engine in the dark, and an engine that is not told goes
on to the end. So what must end in an orderly way runs in a session of its own, and is told here.
"""

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

EXIT_CODE = 130
"""As shells use it for what Ctrl-C has ended."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class InterruptedRunError(Exception):
    """Somebody interrupted a command; says what stands and what to run next.

    None of the errors that a step may fail with: nobody goes on after it.
    """

    exit_code = EXIT_CODE


class Interruptible:
    """A child process that is told of interruptions.

    Attributes:
        interrupted: Somebody has interrupted this process since the block began.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._child: subprocess.Popen[Any] | None = None

    def start(self, *arguments: Any, **options: Any) -> "subprocess.Popen[Any]":
        """Start the child in a session of its own, where no terminal's Ctrl-C reaches it.

        Args:
            arguments: Of `subprocess.Popen`.
            options: Of `subprocess.Popen`.
        """
        self._child = subprocess.Popen(*arguments, **options, start_new_session=True)
        if self.interrupted:
            self._tell()
        return self._child

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal: the child is told, and ends what it has begun."""
        self.interrupted = True
        self._tell()

    def _tell(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGINT)


@contextlib.contextmanager
def passed_on() -> Iterator[Interruptible]:
    """Pass interruptions on to the child that is started inside the block, and go on waiting.

    Once the child has ended, the caller asks whether there was one. A child that still runs when
    the block ends by an error is interrupted and waited for.
    """
    child = Interruptible()
    previous: dict[signal.Signals, Any] = {}
    # Python takes signals in the main thread only; elsewhere nobody interrupts.
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous[number] = signal.signal(number, child.hear)
    try:
        yield child
    finally:
        process = child._child
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait()
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def told(sentence: str | Callable[[], str]) -> Iterator[None]:
    """Say in one line what an interruption has left.

    Args:
        sentence: What stands, whether that is sound, and what to run next; asked for only then
            where it is a function.

    Raises:
        InterruptedRunError: The block was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        text = sentence if isinstance(sentence, str) else sentence()
        raise InterruptedRunError(f"Interrupted. {text}") from None


def take_all_signals() -> None:
    """Take SIGTERM and SIGHUP, which end a process without a word, as Ctrl-C is taken."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        # What was started by `nohup` is not to be ended by a terminal.
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)
