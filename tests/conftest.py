"""What tests of every level share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
REFERENCE = PROJECT.parent / "shared" / "reference"


@pytest.fixture(scope="session")
def catalogue():
    from totara_infra import load_catalogue

    return load_catalogue().catalogue


@pytest.fixture(scope="session")
def small_catalogue_files(tmp_path_factory) -> Path:
    """A small catalogue that passes every rule: one module or a few in each domain."""
    from tests.small_catalogue import write_small_catalogue

    directory = tmp_path_factory.mktemp("project") / "totara_infra" / "catalogue"
    write_small_catalogue(directory)
    return directory


@pytest.fixture
def editable_catalogue(small_catalogue_files, tmp_path) -> Path:
    """A copy of the small catalogue for a test to break."""
    directory = tmp_path / "totara_infra" / "catalogue"
    shutil.copytree(small_catalogue_files, directory)
    return directory


@pytest.fixture
def reference() -> Path:
    """The platform's reference, where this checkout has it beside it."""
    if not REFERENCE.is_dir():
        pytest.skip("the platform's reference is not on this machine")
    return REFERENCE


# A wrapper comes before xdist's own hook of this name, which reads the groups.
@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Keep together what shares an environment that takes long to bring up.

    With `pytest -n 2 --dist loadgroup` a group runs on one worker: a folder whose tests share one
    brought-up platform, else a file.
    """
    shared = {"appconfig", "drift", "identity"}
    for item in items:
        folder = item.path.parent.name
        group = folder if folder in shared else f"{folder}/{item.path.name}"
        item.add_marker(pytest.mark.xdist_group(group))
    return (yield)
