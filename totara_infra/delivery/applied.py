"""What was moved or renamed since a stack was updated last, from its state."""

from __future__ import annotations

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.moves import Move, applied, moves
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.store import FolderStore
from totara_infra.local.pulumi_command import state_backend
from totara_infra.model.problems import TotaraError


class NotToldError(TotaraError):
    """Nothing here says what the last update of a stack applied; the message is the reason."""


def moves_since_update(blueprint: Blueprint, stack: str) -> list[Move]:
    """What was moved or renamed since the last update of a stack.

    Only a state in a folder is read: planning needs no network and no engine.

    Args:
        blueprint: the plan.
        stack: the engine's name of it.

    Raises:
        NotToldError: there is no such state, or it can't be read.
    """
    url = state_backend(stack)
    if not url.startswith("file://"):
        kind = "in an S3 bucket" if url.startswith("s3://") else "in a backend on the network"
        raise NotToldError(f"the state is {kind}, and planning uses no network")
    try:
        state = FolderStore(url).read(stack)
    except StateError:
        raise NotToldError("the state on this machine can't be read") from None
    if not state or not state.get("resources"):
        raise NotToldError("this machine has no state of an earlier update")
    return moves(applied(state["resources"]), blueprint)
