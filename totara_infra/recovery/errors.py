"""What ends a drill."""

from __future__ import annotations

from totara_infra.model.problems import TotaraError


class DrillError(TotaraError):
    """The drill can't be begun or can't go on."""

    exit_code = 1
