"""How long the commands that people use most take to answer, as processes of their own.

Cold is the first answer ever: nothing is kept of an earlier command. Warm is every further one. The
yardstick is a Python process that imports the same libraries, reads the catalogue's files as plain
text and ends; it runs in turn with the commands, so that what else the machine does meets both.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figure import Figure, seconds
from totara_infra.local.project import STATE_DIRECTORY_VARIABLE, state_directory
from totara_infra.model.loading import CATALOGUE_DIRECTORY

COMMANDS: Mapping[str, float] = {
    "--help": 150,
    "validate": 350,
    "sequence local": 350,
    "sequence local --why MOD-119": 350,
    "activation --tenant acorn": 350,
    "claims": 350,
    "tenant show acorn": 350,
    "config list local": 350,
    "alerts list local": 350,
    "plan local": 350,
}
"""What needs no running environment -> the milliseconds in which it should answer, warm."""
_CHANGED_MILLISECONDS = 800
_YARDSTICK = (
    "import pathlib, sys, typer, yaml\n"
    "from pydantic import BaseModel, TypeAdapter\n"
    "for path in pathlib.Path(sys.argv[1]).rglob('*.yaml'):\n"
    "    print(len(path.read_bytes()))\n"
)


@dataclass(frozen=True)
class Answer:
    """Seconds that one process took.

    Attributes:
        wall: until it ended.
        processor: that it used, in user and system mode.
    """

    wall: float
    processor: float


def measure(commands: Mapping[str, float] = COMMANDS, rounds: int = 5) -> list[Figure]:
    """Commands that only read files: `--help`, validate, sequence, plan and others, cold and warm.

    Args:
        commands: words of each -> milliseconds that are its goal.
        rounds: of which the medians are taken.

    Raises:
        subprocess.CalledProcessError: a command failed.
    """
    yardstick = [sys.executable, "-c", _YARDSTICK, str(CATALOGUE_DIRECTORY)]
    figures: list[Figure] = []
    for words, goal in commands.items():
        cold: list[Answer] = []
        warm: list[Answer] = []
        changed: list[Answer] = []
        yard: list[Answer] = []
        for _ in range(rounds):
            with _working_folder() as variables:
                cold.append(_answer(words, variables))
                warm.append(_answer(words, variables))
                yard.append(_time(yardstick, variables))
                if words == "validate":
                    _forget_the_catalogue(Path(variables[STATE_DIRECTORY_VARIABLE]))
                    changed.append(_answer(words, variables))
        figures.append(_figure(f"totara {words}, warm", warm, yard, goal))
        if changed:
            what = f"totara {words}, a file of the catalogue changed"
            figures.append(_figure(what, changed, yard, _CHANGED_MILLISECONDS))
        figures.append(_figure(f"totara {words}, cold", cold, yard, None))
    return figures


def _figure(what: str, ours: list[Answer], yard: list[Answer], goal: float | None) -> Figure:
    # Of the processor's time, as other work on the machine hardly shows in it.
    ratio = statistics.median(a.processor for a in ours) / statistics.median(
        a.processor for a in yard
    )
    used = statistics.median(a.processor for a in ours) * 1000
    detail = (
        f"wall time, median of {len(ours)}; {used:.0f} ms of the processor, {ratio:.2f} of the "
        "yardstick's"
    )
    wall = statistics.median(a.wall for a in ours) * 1000
    return Figure("commands", what, wall, "ms", goal, detail)


def _answer(words: str, variables: Mapping[str, str]) -> Answer:
    return _time([str(Path(sys.executable).parent / "totara"), *words.split()], variables)


def _time(command: list[str], variables: Mapping[str, str]) -> Answer:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(
        lambda: subprocess.run(
            command, env=os.environ | dict(variables), stdout=subprocess.DEVNULL, check=True
        )
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Answer(wall, used)


@contextmanager
def _working_folder() -> Iterator[dict[str, str]]:
    """The variables of commands that find a working folder of their own, empty at first."""
    # Where Python writes compiled files is no part of what is measured.
    compiled = os.environ.get("PYTHONPYCACHEPREFIX", str(state_directory() / "compiled"))
    with tempfile.TemporaryDirectory() as folder:
        yield {
            STATE_DIRECTORY_VARIABLE: folder,
            "PYTHONPYCACHEPREFIX": compiled,
            "PYTHONDONTWRITEBYTECODE": "",
        }


def _forget_the_catalogue(folder: Path) -> None:
    """Leave of what is kept only what a change of the catalogue leaves valid."""
    (folder / "validated.json").unlink()
    (folder / "kept" / "catalogue").unlink()
