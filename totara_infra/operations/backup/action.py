"""One thing that a restore does, or finds and leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Way(StrEnum):
    """What becomes of something that a backup has and the environment has otherwise."""

    RESTORE = "restore"
    """It is lost and is put back."""
    KEEP = "keep"
    """The environment has something newer, which stays."""
    BY_HAND = "by hand"
    """A restore can't or must not do it; the text says who does."""


class Outcome(StrEnum):
    """How an action ended."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"


@dataclass
class Action:
    """One thing.

    Attributes:
        store: `parameters`, `appconfig`, `cognito` or `secrets`.
        subject: what it is about.
        what: what is done or left, as a sentence.
        do: does it; None where nothing is done.
        queue: actions of one queue are done one after another, in order, and queues side by side;
            the store where it is left empty.
        outcome: set when it has been tried.
        fault: why it failed.
    """

    store: str
    subject: str
    way: Way
    what: str
    do: Callable[[], None] | None = field(default=None, repr=False)
    queue: str = ""
    outcome: Outcome = Outcome.PLANNED
    fault: str = ""
