"""What can't be done to a state, said so that people can mend it."""

from __future__ import annotations

from totara_infra.model.problems import TotaraError


class StateError(TotaraError):
    """The state of a stack is held by somebody else, damaged, or can't be made again yet."""

    exit_code = 1
