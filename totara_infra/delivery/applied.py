"""What was moved or renamed since a stack was updated last, from its state."""

from __future__ import annotations

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.moves import Move, applied, moves
from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.store import FolderStore, open_store


def moves_since_update(blueprint: Blueprint, stack: str) -> list[Move] | None:
    """What was moved or renamed since the last update of a stack.

    Only a state in a folder is read: planning needs no network and no engine.

    Args:
        blueprint: the plan.
        stack: the engine's name of it.

    Returns:
        None where there is no such state, or it can't be read; an update says why.
    """
    store = open_store(stack)
    if not isinstance(store, FolderStore):
        return None
    try:
        state = store.read(stack)
    except StateError:
        return None
    if not state or not state.get("resources"):
        return None
    return moves(applied(state["resources"]), blueprint)
