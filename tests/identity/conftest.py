"""One stack for all sign-in tests, in a working folder and on a port of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.identity.signing_in import Bank
from tests.local_environment import brought_up
from tests.ready_made import shared_folder


@pytest.fixture(scope="session")
def bank(tmp_path_factory) -> Iterator[Bank]:
    shared = shared_folder(tmp_path_factory.getbasetemp())
    with brought_up(tmp_path_factory.mktemp("totara"), shared) as environment:
        yield Bank(str(environment.live.settings.endpoint), environment.variables)
