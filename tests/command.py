"""The one way in which tests run the project's commands.

A command starts in about a second, most of it imports, and the tests run hundreds of them. Here
each runs in a process of its own, forked from a server that has imported everything already: it
has its own variables, folder, streams and signals, and starts in hundredths of a second. A copy of
the project, named in PYTHONPATH, brings its own code. Tests that are about the process itself (how
it starts, is interrupted or loses its streams) start a real one.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = "totara_infra"
TOTARA = "totara_infra.cli.main"
PULUMI = "totara_infra.local.pulumi_command"
_STREAMS = ("in", "out", "err")
_USED = "processor-seconds"
_KILLED_SECONDS = 30

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["tests.command_imports"])


class Ended(subprocess.CompletedProcess[str]):
    """A command that has ended.

    Attributes:
        processor_seconds: what it and everything that it waited for used of the processors; None
            where it became another program or was killed.
    """

    processor_seconds: float | None = None


def totara(
    *arguments: str | Path,
    cwd: Path = PROJECT,
    env: Mapping[str, str] | None = None,
    given: str = "",
    seconds: float = 120,
) -> Ended:
    """Run `totara` to its end.

    Args:
        arguments: after the command's name.
        cwd: the folder it is run in.
        env: all of its variables; those of the tests unless given.
        given: what it reads from standard input.
        seconds: after which it is killed.

    Returns:
        Its exit code and what it printed.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    return run(TOTARA, *arguments, cwd=cwd, env=env, given=given, seconds=seconds)


def run(
    module: str,
    *arguments: str | Path,
    cwd: Path = PROJECT,
    env: Mapping[str, str] | None = None,
    given: str = "",
    seconds: float = 120,
) -> Ended:
    """Run the entry point `run` of a module, `TOTARA` or `PULUMI`, as `totara` does."""
    words = list(map(str, arguments))
    command = [module, *words]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stream in _STREAMS:
            (folder / stream).write_text(given if stream == "in" else "", encoding="utf-8")
        variables = dict(os.environ if env is None else env)
        process = _server.Process(
            target=_command, args=(module, words, str(cwd), variables, str(folder))
        )
        process.start()
        process.join(seconds)
        ended = process.exitcode
        if ended is None:
            process.kill()
            process.join(_KILLED_SECONDS)
        out, err = (
            (folder / stream).read_text(encoding="utf-8", errors="surrogateescape")
            for stream in _STREAMS[1:]
        )
        used = folder / _USED
        processor_seconds = float(used.read_text()) if used.exists() else None
    if ended is None:
        raise subprocess.TimeoutExpired(command, seconds, out, err)
    done = Ended(command, ended, out, err)
    done.processor_seconds = processor_seconds
    return done


def _command(
    module: str, arguments: list[str], cwd: str, variables: dict[str, str], folder: str
) -> None:
    """Become the command; runs in a process forked from the server."""
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(cwd)
    for number, stream in enumerate(_STREAMS):
        mode = os.O_RDONLY if stream == "in" else os.O_WRONLY | os.O_APPEND
        opened = os.open(Path(folder, stream), mode)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    if path := variables.get("PYTHONPATH"):
        sys.path[:0] = path.split(os.pathsep)
        for name in [n for n in sys.modules if n.split(".")[0] == PACKAGE]:
            del sys.modules[name]
    sys.argv = ["totara" if module == TOTARA else "pulumi", *arguments]
    try:
        import_module(module).run()
    finally:
        usage = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        Path(folder, _USED).write_text(str(sum(u.ru_utime + u.ru_stime for u in usage)))
