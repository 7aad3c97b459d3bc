"""Why an update of uat or prod may go: an approved plan, the way back, or a recorded exception.

The check is part of the update itself, so that no other order of steps, in a pipeline or by hand,
lets a plan go that nobody has approved.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.release import commit_of, plan_digest, previous_release, version_of
from totara_infra.delivery.revision import checked_out
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.vocabulary import Environment

EXCEPTION_PROCESS = "DT-007"
"""The process by which a release may go without approval; the reference names it."""


class NotApprovedError(TotaraError):
    """What is here is not what was approved."""

    exit_code = 1


@dataclass(frozen=True)
class Approval:
    """What whoever starts an update gives as the reason why it may go; one of them at most.

    Attributes:
        digest: of the plan, as the approver was shown it.
        back_from: tag of the release that failed; the one before was approved when it went.
        exception: number and reason of the exception that was granted.
    """

    digest: str | None = None
    back_from: str | None = None
    exception: str | None = None

    @property
    def words(self) -> str:
        """The option of `totara up` that gives the reason, with a space before it."""
        if self.back_from is not None:
            return f" --back-from {self.back_from}"
        if self.digest is not None:
            return f" --approved-digest {self.digest}"
        return f" --exception {shlex.quote(self.exception)}" if self.exception is not None else ""

    def require(self, stack: str, environment: Environment, *, emulated: bool) -> None:
        """See that a reason is given where one is needed, and one only.

        Args:
            stack: as people write it.
            environment: of the stack.
            emulated: it runs on this machine, where all is throwaway.

        Raises:
            UsageError: none is given, or several; or one where there is nothing to approve.
        """
        given = [g for g in (self.digest, self.back_from, self.exception) if g is not None]
        if emulated:
            # The way back can be rehearsed: its check is of the files alone.
            if self.digest is not None or self.exception is not None:
                raise UsageError("What runs on this machine needs no approval; leave it out.")
            return
        if len(given) > 1:
            raise UsageError(
                "Give one of --approved-digest, --back-from and --exception: an update goes for "
                "one reason."
            )
        if environment.keeps_state and not given:
            raise UsageError(
                f"An update of {stack} goes with an approved plan only. Give the digest that was "
                f"approved: `totara release digest {stack}` prints the one of the plan as it is "
                f"here, and `totara up {stack} --approved-digest sha256:…` holds the two "
                "against each other. To go back to the release before a failed one, check its tag "
                f"out and give --back-from TAG. In an emergency, the exception process "
                f'{EXCEPTION_PROCESS} grants one: --exception "NUMBER: reason", which is '
                "recorded in the stack's history."
            )
        if self.exception is not None and len(self.exception.split(":", 1)[-1].strip()) < 10:
            raise UsageError(
                "An exception is recorded with its number and its reason, in ten letters or "
                'more: --exception "NUMBER: reason".'
            )

    def confirm(self, blueprint: Blueprint) -> str | None:
        """Hold the reason against what is here.

        Args:
            blueprint: of the stack, from the files as they are now.

        Returns:
            What the stack's history is to say of the update; None where there is no reason to give.

        Raises:
            NotApprovedError: the plan is another one than was approved.
            UncommittedError: the files are not those of a commit.
            UsageError: there is no release before the one that failed.
        """
        if self.digest is not None:
            found = plan_digest(blueprint)
            if found != self.digest:
                raise NotApprovedError(
                    f"The plan is not the approved one: it has the digest {found}, approved was "
                    f"{self.digest}. Have what is here approved, or check out what was approved."
                )
            return f"approved {found}"
        if self.back_from is not None:
            return self._way_back()
        if self.exception is not None:
            revision = checked_out()
            changed = "" if revision.clean else " with uncommitted changes"
            return (
                f"exception {EXCEPTION_PROCESS} {self.exception.strip()}, at commit "
                f"{revision.commit}{changed}"
            )
        return None

    def _way_back(self) -> str:
        failed = str(self.back_from)
        version_of(failed)
        before, revision = previous_release(failed), checked_out()
        if revision.commit != commit_of(before) or not revision.clean:
            raise NotApprovedError(
                f"The way back from {failed} leads to {before}, and these files are others. Check "
                f"it out first: `git checkout {before}`."
            )
        return f"back from {failed} to {before}"
