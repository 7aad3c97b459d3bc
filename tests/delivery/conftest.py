"""A copy of the project with one commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.history import git
from tests.tenants.project_copy import ProjectCopy


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = ProjectCopy.make(tmp_path_factory.mktemp("release") / "project").root
    (folder / "release-calendar.yaml").write_text("time_zone: Pacific/Auckland\nfreezes: []\n")
    (folder / ".gitignore").write_text(".totara/\n__pycache__/\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    return folder
