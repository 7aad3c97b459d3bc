"""What a command prints to: closed, full, or of another encoding, and how it then ends."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Callable
from pathlib import Path

from totara_infra.model.problems import quoted

FAILED = 2
"""Exit code where the machine lets a command down; 1 would be a finding of `verify` or `drift`."""


def prepare() -> int | None:
    """Make the standard streams fit to print any text.

    Returns:
        The exit code where nothing can be printed at all; None where all is well.
    """
    closed = [descriptor for descriptor in (0, 1, 2) if not _is_open(descriptor)]
    for _ in closed:
        # Otherwise the next file that is opened would get the number, and what is printed.
        os.open(os.devnull, os.O_RDWR)
    if 2 in closed:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for the whole run
    if 0 in closed:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - for the whole run
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if 1 in closed:
        sys.stderr.write(
            "Standard output is closed, so nothing can be printed. Send it to a file, or to "
            "/dev/null.\n"
        )
        return FAILED
    return None


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def finish(run: Callable[[], int]) -> int:
    """Run a command to its end, with all that it prints written.

    Args:
        run: does the work and returns the exit code.

    Returns:
        The exit code: 0 where whoever reads the output has seen enough, 2 where the machine fails.
    """
    try:
        code = run()
        sys.stdout.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            _discard_output()
            return 0
        return _failed(_sentence(error))
    except UnicodeError as error:
        return _failed(f"A text can't be read or written: {quoted(str(error))}.")
    return code


def _reader_is_gone() -> bool:
    """Whether nobody reads the output any more; a broken connection elsewhere is a failure."""
    watch = select.poll()
    for descriptor in (1, 2):
        watch.register(descriptor, 0)
    return any(events & select.POLLERR for _, events in watch.poll(0))


def _sentence(error: OSError) -> str:
    if error.filename is not None:
        return f"{quoted(os.fsdecode(error.filename))}: {error.strerror or error}."
    if error.errno == errno.ENOSPC:
        return f"The output can't be written: {error.strerror}."
    return f"The machine refuses: {quoted(str(error.strerror or error))}."


def _failed(sentence: str) -> int:
    _discard_output()
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()
    return FAILED


def _discard_output() -> None:
    """Drop what is still buffered; the interpreter would fail on it once more when it ends."""
    with contextlib.suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.close(sink)
