"""What tests of every level share."""

from __future__ import annotations

import shutil
import textwrap
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


def dedent(text: str) -> str:
    return textwrap.dedent(text).strip() + "\n"
