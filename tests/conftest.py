"""What tests of every level share."""

from __future__ import annotations

import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from totara_infra.local.compiled_files import keep_compiled_files

# The tests start hundreds of commands: compiling anew for each would be half of their time.
keep_compiled_files()

# A shell has what it starts in the background ignore these, and the commands under test with it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


@pytest.fixture(autouse=True)
def _nothing_kept_secret(monkeypatch) -> None:
    """Have each test begin as a command does: without the values that another one has read.

    A value that was made up for one test would hide words of what another one prints.
    """
    from totara_infra.model import redaction

    monkeypatch.setattr(redaction, "_known", redaction._Known())


@pytest.fixture(scope="session", autouse=True)
def _no_compiled_copies(tmp_path_factory) -> Iterator[None]:
    """Keep compiled files of this checkout and of the libraries, not those of a test's copies."""
    yield
    base = tmp_path_factory.getbasetemp()
    if sys.pycache_prefix is not None:
        shutil.rmtree(Path(sys.pycache_prefix) / base.relative_to(base.anchor), ignore_errors=True)


STARTING = frozenset(
    {
        "asking", "bank", "checkout", "chromium", "clone", "endpoint", "environment", "installed",
        "installed_emulator", "new_checkout", "place", "real_engine", "running", "server",
    }
)  # fmt: skip
"""Fixtures that start or install something; those above them count by what they ask for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out, and begin with what takes longest."""
    for item in items:
        if isinstance(item, pytest.Function) and STARTING & {*item.fixturenames}:
            item.add_marker("services")
    # Else the last file, alone on its worker, is one of the engine's and takes minutes.
    longest = {item.path for item in items if "engine" in item.keywords}
    items.sort(key=lambda item: item.path not in longest)


SLOWEST_FILES = 10


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the files that take longest, with set-up and tear-down."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.split("::", maxsplit=1)[0]] += report.duration
    if len(seconds) > 1:
        terminalreporter.section(f"slowest {SLOWEST_FILES} files")
        for file, total in seconds.most_common(SLOWEST_FILES):
            terminalreporter.line(f"{total:8.1f}s  {file}")


class ByEnvironment(LoadScopeScheduling):
    """Keeps together what shares an environment that takes long to bring up.

    A folder whose tests share one brought-up platform runs on one worker, and so does a file of
    the others.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        folder = file.split("/")[-2]
        shared = ("appconfig", "drift", "identity", "provision", "verify")
        return folder if folder in shared else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByEnvironment:
    """Distribute tests by environment whenever there is more than one worker."""
    return ByEnvironment(config, log)
