"""The states that a stack can be in: how each is recognised, what is said, and the way forward.

`totara state status`, `totara up` and `totara state rebuild` share this list. Following the
commands of a message leads, from every entry, to one in which an update may run; no two send people
back and forth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Situation(StrEnum):
    """What is the case with a stack; several faults can be so at once."""

    SOUND = "sound"
    NEW = "new"
    STOPPED = "stopped"
    HELD = "held"
    HELD_ELSEWHERE = "held elsewhere"
    UPDATING = "updating"
    LEFT_LOCKED = "left locked"
    DAMAGED = "damaged"
    ORPHANED = "orphaned"
    INTERRUPTED = "interrupted"
    UNFINISHED = "unfinished"
    UNRECORDED = "unrecorded"
    ALTERED = "altered"
    VANISHED = "vanished"


@dataclass(frozen=True)
class Entry:
    """One line of the list.

    Attributes:
        meaning: what it is.
        recognised: how it is told.
        commands: the way forward, each as people type it, with `{stack}` as the engine calls the
            stack and `{words}` as `totara` does. Where there are several, each is a way of its own.
        leads_to: what the stack can be in after any of them. Nothing for those in which an update
            may run, or in which somebody is at work and has to be waited for.
        ready: an update may run.
    """

    meaning: str
    recognised: str
    commands: tuple[str, ...]
    leads_to: tuple[Situation, ...] = ()
    ready: bool = False


UP = "totara up {words}"
REBUILD = "totara state rebuild {words}"
EMPTY = "totara state rebuild {words} --empty"
LIFT = "totara state rebuild {words} --lift-locks"
CANCEL = "pulumi cancel -s {stack}"

_MENDED = (Situation.SOUND, Situation.NEW)
_UNLOCKED = (
    *_MENDED,
    Situation.STOPPED,
    Situation.DAMAGED,
    Situation.ORPHANED,
    Situation.INTERRUPTED,
    Situation.UNFINISHED,
    Situation.UNRECORDED,
    Situation.ALTERED,
    Situation.VANISHED,
)

SITUATIONS: Mapping[Situation, Entry] = {
    Situation.SOUND: Entry(
        "The state says what is live.",
        "none of the others",
        (UP,),
        ready=True,
    ),
    Situation.NEW: Entry(
        "Nothing is live and nothing is recorded.",
        "no state or an empty one, and none of the blueprint's resources in AWS",
        (UP,),
        ready=True,
    ),
    Situation.STOPPED: Entry(
        "The emulator has ended, and with it all that the state describes.",
        "a state in the project's own backend, and no running emulator; the next `up` starts both "
        "afresh",
        (UP,),
        ready=True,
    ),
    Situation.HELD: Entry(
        "A process of this machine is working on the stack.",
        "a lock of a process that is running",
        (),
    ),
    Situation.HELD_ELSEWHERE: Entry(
        "A process of another machine holds the stack, or one that can't be told.",
        "a lock with another host's name, or one that can't be read",
        # The engine cancels only where there is a state.
        (CANCEL, LIFT),
        _UNLOCKED,
    ),
    Situation.UPDATING: Entry(
        "Pulumi Cloud says that an update is under way.",
        "`updateInProgress` of the backend",
        (CANCEL,),
        _UNLOCKED,
    ),
    Situation.LEFT_LOCKED: Entry(
        "The process that held the stack has ended without lifting its lock.",
        "a lock of a process that is gone",
        (CANCEL, REBUILD),
        _UNLOCKED,
    ),
    Situation.DAMAGED: Entry(
        "The state is cut off, or is no state.",
        "it can't be read as one",
        (REBUILD,),
        _MENDED,
    ),
    Situation.ORPHANED: Entry(
        "The state that belongs to a running emulator is gone.",
        "an emulator, and no state in the project's own backend",
        (REBUILD, UP),
        _MENDED,
    ),
    Situation.INTERRUPTED: Entry(
        "An update of a stack in an emulator was killed; what it made is in no state.",
        "the mark that an update leaves while it runs",
        (REBUILD,),
        _MENDED,
    ),
    Situation.UNFINISHED: Entry(
        "An update ended in the middle of operations.",
        "pending operations in the state",
        (REBUILD,),
        _MENDED,
    ),
    Situation.UNRECORDED: Entry(
        "Things of the blueprint are live that the state does not have.",
        "an empty or lost state and anything live, or something to which AWS gives its id",
        (REBUILD,),
        _MENDED,
    ),
    Situation.ALTERED: Entry(
        "The state names other things than those that are live.",
        "an id in the state is not the one that a reader finds",
        (REBUILD,),
        _MENDED,
    ),
    Situation.VANISHED: Entry(
        "The state has resources of which none is live.",
        "the readers find none of them, or their emulator is not running",
        (EMPTY,),
        _MENDED,
    ),
}
