"""The engine's small copies of the project, for the drill."""

from tests.engine.conftest import new_checkout, new_small_checkout

__all__ = ["new_checkout", "new_small_checkout"]
