"""A copy of the project whose files a test changes, and `totara` in this process."""

from __future__ import annotations

import pytest

from tests.tenants.project_copy import ProjectCopy


@pytest.fixture
def project(tmp_path) -> ProjectCopy:
    return ProjectCopy.make(tmp_path / "project")


@pytest.fixture(scope="module")
def read_only(tmp_path_factory) -> ProjectCopy:
    return ProjectCopy.make(tmp_path_factory.mktemp("project"))
