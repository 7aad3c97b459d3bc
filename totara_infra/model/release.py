"""What a release is held against: the calendar of change freezes, and who has approved it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic import model_validator as validator

from totara_infra.model.documents import parse, read_document
from totara_infra.model.problems import UsageError
from totara_infra.model.vocabulary import Environment

CALENDAR = "release-calendar.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Freeze(_Strict):
    """Days on which nothing is released.

    Attributes:
        name: what people call it.
        first, last: days in the calendar's time zone, both included.
        environments: where it holds.
        except_for: tags of releases that may go nevertheless, each a reviewed change.
        why: one sentence.
    """

    name: str = Field(min_length=1)
    first: date
    last: date
    environments: list[Environment] = Field(min_length=1)
    except_for: list[str] = []
    why: str = Field(min_length=1)

    @validator(mode="after")
    def _ordered(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"`{self.name}` ends on {self.last}, before it begins")
        return self


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
    return parse(read_document(root / CALENDAR, root), Calendar)


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
