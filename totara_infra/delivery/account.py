"""Whose credentials are used: a stack is looked at and changed in its own account only."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.local.project import project_root
from totara_infra.model.problems import ProblemsError, UsageError
from totara_infra.model.stack import known_stacks, read_stack
from totara_infra.operations.live import Live

_SECONDS = 5


def require_account(live: Live) -> None:
    """Refuse credentials of another account than the one that the stack's file names.

    Where STS can't be asked nothing is refused: the call that follows says why AWS takes no
    credentials from here, and the signs of a lost region can still be read.

    Args:
        live: access to the stack. An emulator takes the account id as the access key, so there
            is nothing to ask.

    Raises:
        UsageError: the credentials belong to another account.
    """
    if live.settings.emulated:
        return
    try:
        sts = live.client("sts", attempts=2, seconds=_SECONDS)
        found = str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError):
        return
    wanted, stack = live.settings.account_id, live.settings.command_words
    if found == wanted:
        return
    owners = [name for name in known_stacks(project_root()) if _account_of(name) == found]
    whose = f", the account of {' and '.join(owners)}" if owners else ""
    raise UsageError(
        f"The credentials belong to account {found}{whose}. Stack {stack} is in account {wanted} "
        f"(`account-id` in Pulumi.{stack}.yaml). Nothing was read or changed.\n"
        f"    fix: set AWS_PROFILE, or the credentials in the environment, to account {wanted}."
    )


def _account_of(name: str) -> str | None:
    try:
        return read_stack(project_root(), name).account_id
    except ProblemsError:
        return None
