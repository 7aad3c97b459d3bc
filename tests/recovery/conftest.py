"""The engine's small copies of the project, for the drills."""

from tests.engine.conftest import new_checkout, new_small_checkout, new_small_environment

__all__ = ["new_checkout", "new_small_checkout", "new_small_environment"]
