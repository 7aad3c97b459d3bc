"""What a release is held against: the calendar of change freezes, and who has approved it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from totara_infra.model.documents import Document, parse, read_document
from totara_infra.model.problems import Problem, ProblemsError, UsageError
from totara_infra.model.vocabulary import Day, Environment, Phrase, Sentence

CALENDAR = "release-calendar.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Freeze(_Strict):
    """Days on which nothing is released.

    Attributes:
        name: what people call it; no two have the same.
        first, last: days in the calendar's time zone, both included.
        environments: where it holds.
        except_for: tags of releases that may go nevertheless, each a reviewed change.
        why: one sentence.
    """

    name: Phrase
    first: Day
    last: Day
    environments: list[Environment] = Field(min_length=1)
    except_for: list[str] = []
    why: Sentence


class Calendar(_Strict):
    """The calendar of change freezes.

    Attributes:
        time_zone: IANA name, such as `Pacific/Auckland`, by which a day is told.
    """

    time_zone: str
    freezes: list[Freeze]

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone `{name}`") from None
        return name

    def frozen(self, environment: Environment, day: date, tag: str | None) -> list[Freeze]:
        """The freezes that keep a release from an environment on a day."""
        return [
            freeze
            for freeze in self.freezes
            if environment in freeze.environments
            and freeze.first <= day <= freeze.last
            and tag not in freeze.except_for
        ]


def read_calendar(root: Path) -> Calendar:
    """The project's calendar.

    Raises:
        ProblemsError: what is wrong in the file.
    """
    return _read(root)[1]


def past_freezes(root: Path, now: datetime) -> tuple[list[Problem], date | None]:
    """Freezes that are over by a moment: nothing is wrong with a release, and perhaps with a year.

    Args:
        root: the project's folder.
        now: the moment, with a time zone.

    Returns:
        Them, and the day on which the next one ends; None where none is left.

    Raises:
        ProblemsError: what is wrong in the file.
    """
    document, calendar = _read(root)
    today = now.astimezone(ZoneInfo(calendar.time_zone)).date()
    left = [freeze.last for freeze in calendar.freezes if freeze.last >= today]
    over = [
        document.problem(
            ("freezes", number, "last"),
            "freeze-past",
            f"the freeze `{freeze.name}` ended on {freeze.last}",
            "it holds nothing back any more; if it is still to come, its year is wrong",
            "correct the days, or remove the freeze: git keeps it",
        )
        for number, freeze in enumerate(calendar.freezes)
        if freeze.last < today
    ]
    return over, min(left, default=None)


def _read(root: Path) -> tuple[Document, Calendar]:
    document = read_document(root / CALENDAR, root)
    calendar = parse(document, Calendar)
    problems = list(_freeze_problems(document, calendar.freezes))
    if problems:
        raise ProblemsError(problems)
    return document, calendar


def _freeze_problems(document: Document, freezes: list[Freeze]) -> Iterator[Problem]:
    for number, freeze in enumerate(freezes):
        if freeze.last < freeze.first:
            yield document.problem(
                ("freezes", number, "last"),
                "freeze-order",
                f"the freeze `{freeze.name}` ends on {freeze.last}, before it starts",
                f"it starts on {freeze.first}, so it would hold on no day",
                "swap the two, or correct one of them",
            )
            continue
        for other in freezes[:number]:
            shared = [e.value for e in freeze.environments if e in other.environments]
            if other.name == freeze.name:
                yield document.problem(
                    ("freezes", number, "name"),
                    "freeze-twice",
                    f"there are two freezes `{freeze.name}`",
                    "nobody could tell which one holds a release back",
                    "give each a name of its own, with its year if need be",
                )
            if shared and other.first <= freeze.last and freeze.first <= other.last:
                yield document.problem(
                    ("freezes", number, "first"),
                    "freeze-overlap",
                    f"the freezes `{other.name}` and `{freeze.name}` overlap in "
                    f"{', '.join(shared)}",
                    "a release that one of them lets pass is held back by the other",
                    "make them one, or let the one start after the other has ended",
                )


class _User(BaseModel):
    login: str = Field(min_length=1)


class _Place(BaseModel):
    name: str


class Approval(BaseModel):
    """One review of a run, as GitHub's `actions/runs/{run_id}/approvals` gives it."""

    state: Literal["approved", "rejected", "pending"]
    environments: list[_Place]
    user: _User


def read_approvals(path: Path) -> list[Approval]:
    """Reviews from a file that holds GitHub's answer.

    Raises:
        UsageError: there is no such file, or it holds something else.
    """
    try:
        content = path.read_bytes()
        return TypeAdapter(list[Approval]).validate_json(content)
    except OSError as error:
        raise UsageError(f"`{path}` can't be read: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise UsageError(
            f"`{path}` is no list of approvals as GitHub gives it: {place}: {first['msg']}. Fetch "
            "it again: make release-approvals"
        ) from None
