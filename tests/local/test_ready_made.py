"""A copy of an environment is the environment: nothing tells them apart."""

from __future__ import annotations

import json

import pytest

from tests.local_environment import brought_up
from tests.ready_made import shared_folder

pytestmark = pytest.mark.engine


def test_no_command_tells_a_copy_from_the_original(tmp_path_factory) -> None:
    shared = shared_folder(tmp_path_factory.getbasetemp())
    with brought_up(tmp_path_factory.mktemp("totara"), shared) as copy:
        verified = copy.run("verify", "local", "--format", "json")
        assert json.loads(verified.stdout)["totals"]["failed"] == 0, verified.stdout
        assert json.loads(verified.stdout)["totals"]["passed"] > 800
        drift = copy.run("drift", "local")
        assert drift.returncode == 0, drift.stdout
        preview = copy.pulumi("preview", "-s", "local", "--expect-no-changes", "--refresh")
        assert preview.returncode == 0, preview.stdout + preview.stderr
