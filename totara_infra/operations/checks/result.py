"""What a check says of one thing."""

from __future__ import annotations

from dataclasses import dataclass

from totara_infra.model.stack import StackSettings
from totara_infra.model.vocabulary import Outcome


@dataclass(frozen=True)
class Result:
    """One check of one thing.

    Attributes:
        check: name of the check.
        subject: what was looked at.
        expected, found: for a failed one.
        fix: how to mend it; for a skipped one, why.
    """

    check: str
    subject: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    fix: str = ""

    def __str__(self) -> str:
        """One line for people."""
        if self.outcome is Outcome.FAILED:
            return f"{self.subject}: expected {self.expected}, found {self.found}. {self.fix}"
        return f"{self.subject}: {self.outcome}"


def passed(check: str, subject: str) -> Result:
    """The thing is as it must be."""
    return Result(check, subject, Outcome.PASSED)


def failed(check: str, subject: str, expected: str, found: str, fix: str) -> Result:
    """The thing is not as it must be."""
    return Result(check, subject, Outcome.FAILED, expected, found, fix)


def skipped(check: str, subject: str, why: str) -> Result:
    """The thing was not looked at."""
    return Result(check, subject, Outcome.SKIPPED, fix=why)


def put_back(settings: StackSettings) -> str:
    """The two commands that bring the declared state of a stack back."""
    return f"`pulumi refresh -s {settings.stack}`, then `totara up {settings.command_words}`"
