"""One local environment, brought up by the command itself, for all tests of drift."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_environment import Environment, brought_up
from tests.ready_made import shared_folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory) -> Iterator[Environment]:
    shared = shared_folder(tmp_path_factory.getbasetemp())
    with brought_up(tmp_path_factory.mktemp("totara"), shared) as environment:
        yield environment
