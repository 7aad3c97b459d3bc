"""One copy of the project for the tests of the playbook, with the engine tests' fixtures."""

from __future__ import annotations

from tests.engine.conftest import new_checkout, new_small_checkout

__all__ = ["new_checkout", "new_small_checkout"]
