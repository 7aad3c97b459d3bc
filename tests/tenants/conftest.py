"""Copies of the project."""

from __future__ import annotations

import pytest

from tests.tenants.project_copy import ProjectCopy


@pytest.fixture(scope="module")
def shared_copy(tmp_path_factory) -> ProjectCopy:
    """A copy for tests that only read."""
    return ProjectCopy.make(tmp_path_factory.mktemp("project"))


@pytest.fixture
def project_copy(tmp_path) -> ProjectCopy:
    """A copy for one test to change."""
    return ProjectCopy.make(tmp_path / "project")
