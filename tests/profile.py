"""`python -m tests.profile [PYTEST ARGUMENT …]`: where the tests' processor time goes.

Runs the tests and samples every process that starts meanwhile: its kind, and how much processor
time it has used. Prints a table by kind of process; pytest itself prints the slowest files, and
with `--durations` the slowest tests. Run it on a quiet machine: whatever else starts meanwhile is
counted too. Processes that end between two samples are in the line `not sampled`.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence

import psutil

from tests.watching import watching

SAMPLE_SECONDS = 0.2
KINDS = (
    ("engine", ("/pulumi ",)),
    ("language host and program", ("language_host", "pulumi-language-python")),
    ("provider", ("totara_infra.local.provider", "pulumi-resource-aws")),
    ("policy pack", ("policies/pack", "pulumi_policy")),
    ("emulator", ("emulator_program", "ministack")),
    ("commands, forked", ("multiprocessing.forkserver",)),
    ("commands, started", ("totara_infra.cli", "bin/totara")),
    ("PostgreSQL", ("postgres",)),
    ("Flyway", ("flyway", "/java ")),
    ("browser", ("chrom", "playwright")),
    ("installers", ("pip", "/go ", "/uv ")),
    ("tests", ("pytest", "execnet")),
)
"""Kinds of processes, and words of their command lines; the first that fits counts."""


def kind_of(command: str) -> str:
    """The kind of a process, `other` where none fits.

    Args:
        command: its words, joined by spaces.
    """
    fitting = (kind for kind, words in KINDS if any(word in f"{command} " for word in words))
    return next(fitting, "other")


class Sampler:
    """Samples the processes that started after it."""

    def __init__(self) -> None:
        self._before = set(psutil.pids())
        self._used: dict[tuple[int, float], tuple[str, float]] = {}

    def look(self) -> None:
        """Take a sample of each."""
        for process in psutil.process_iter():
            if process.pid not in self._before:
                self._sample(process)

    def _sample(self, process: psutil.Process) -> None:
        try:
            times, command = process.cpu_times(), " ".join(process.cmdline())
            key = (process.pid, process.create_time())
        except psutil.Error:
            return
        self._used[key] = (kind_of(command), times.user + times.system)

    def by_kind(self) -> dict[str, float]:
        """Kind -> processor seconds, most first."""
        found: dict[str, float] = {}
        for kind, used in self._used.values():
            found[kind] = found.get(kind, 0.0) + used
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def main(arguments: Sequence[str]) -> int:
    """Run the tests and print the table; returns pytest's exit code."""
    sampler = Sampler()
    with watching(sampler.look, SAMPLE_SECONDS):
        done = subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = sampler.by_kind()
    # What went into the background was not waited for, so this is a lower bound.
    missed = max(0.0, usage.ru_utime + usage.ru_stime - sum(found.values()))
    lines = [
        f"{used:9.1f}  {k}\n" for k, used in {**found, "not sampled, at least": missed}.items()
    ]
    sys.stdout.writelines(["\nprocessor seconds by kind of process\n", *lines])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
