"""A figure of the table: what was measured, its goal, and the command that measures it alone."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        benchmark: name of the benchmark, the argument of `python -m benchmarks`.
        what: what was measured, in words.
        value: the number.
        unit: of the number: `ms`, `s`, `MB`, `bytes`, `ratio`, `exponent`, ….
        goal: the number must be at most this; None where there is no goal.
        detail: how the number came about.
    """

    benchmark: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None else self.value <= self.goal

    @property
    def command(self) -> str:
        """The command that measures this figure alone."""
        return f".venv/bin/python -m benchmarks {self.benchmark}"

    def as_json(self) -> dict[str, Any]:
        """The figure as plain data."""
        return asdict(self) | {"met": self.met, "command": self.command}


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def processor_seconds(work: Callable[[], object]) -> float:
    """Time of the processor in one call, in seconds: other load on the machine hardly shows."""
    started = time.process_time()
    work()
    return time.process_time() - started


def median_seconds(work: Callable[[], object], rounds: int) -> float:
    """Median wall time of some calls, in seconds."""
    return statistics.median(seconds(work) for _ in range(rounds))


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Slope of the straight line through the logarithms: 1 is linear growth, 2 quadratic.

    Args:
        sizes: of the input, n numbers above zero.
        times: that it took, n numbers above zero.
    """
    slope, _ = statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(time) for time in times]
    )
    return slope
