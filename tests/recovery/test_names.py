"""What scenarios may name is what there is code for."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from totara_infra.recovery.acceptance import ACCEPTANCES, PREPARATIONS
from totara_infra.recovery.faults import FAULTS
from totara_infra.recovery.indicators import PROBES
from totara_infra.recovery.names import NAMES
from totara_infra.recovery.proofs import PROOFS
from totara_infra.recovery.stand_ins import STAND_INS


@pytest.mark.parametrize(
    ("named", "coded"),
    [
        (NAMES.probes, PROBES),
        (NAMES.proofs, PROOFS),
        (NAMES.stand_ins, STAND_INS),
        (NAMES.preparations, PREPARATIONS),
        (NAMES.faults, FAULTS),
        (NAMES.acceptances, ACCEPTANCES),
    ],
    ids=["probes", "proofs", "stand-ins", "preparations", "faults", "acceptances"],
)
def test_every_name_has_code_and_all_code_a_name(
    named: Collection[str], coded: Collection[str]
) -> None:
    assert set(named) == set(coded)
