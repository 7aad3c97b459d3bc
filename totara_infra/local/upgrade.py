"""Tries other versions of what this project leans on, in a copy that is thrown away or taken over.

`make upgrade-check VERSIONS="pulumi=3.273.0 ministack=1.5.34"` starts it. It runs the tests of what
is not public API (the language host, the provider protocol), the policies, and an update.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from totara_infra.local.errors import LocalEnvironmentError
from totara_infra.local.go_build import go_toolchain, run_go
from totara_infra.local.packages import find_uv, registry_settings, run_logged
from totara_infra.local.progress import note, step
from totara_infra.local.project import project_root, state_directory
from totara_infra.local.pulumi_engine import MODULE, ensure_engine

PROJECT_PACKAGES = ("pulumi", "pulumi-aws", "pulumi-policy")
EMULATOR_PACKAGES = ("ministack",)
ENGINE = "engine"
TESTS = (
    "tests/local/test_language_host.py",
    "tests/local/test_pulumi_engine.py",
    "tests/provider",
    "tests/policies",
    "tests/engine/test_faults.py",
)
"""What leans on private API, what the protocol promises, and an update through faults."""
_PURPOSE = "try other versions"


def wanted_versions(words: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VERSION` words.

    Args:
        words: such as `pulumi=3.273.0`; known names are those of the packages, and `engine`.

    Raises:
        LocalEnvironmentError: A word is none of these.
    """
    known = (*PROJECT_PACKAGES, *EMULATOR_PACKAGES, ENGINE)
    versions = {}
    for word in words:
        name, _, version = word.partition("=")
        if name not in known or not re.fullmatch(r"\d+\.\d+\.\d+\S*", version):
            raise LocalEnvironmentError(
                f"`{word}` is no version to try.",
                fix='Write NAME=VERSION, as in VERSIONS="pulumi=3.273.0 ministack=1.5.34". '
                f"Known names: {', '.join(known)}.",
            )
        versions[name] = version
    if not versions:
        raise LocalEnvironmentError(
            "There is no version to try.",
            fix=f'Say which: make upgrade-check VERSIONS="{known[0]}=3.273.0".',
        )
    return versions


def check(versions: Mapping[str, str]) -> bool:
    """Try versions in a copy of the project.

    Args:
        versions: Name to version, from `wanted_versions`.

    Returns:
        Whether the tests pass with them.

    Raises:
        LocalEnvironmentError: They can't be installed together.
    """
    copy = state_directory() / "upgrade"
    _copy_project(copy)
    with step("Locking the versions", "about 20 seconds"):
        _pin(copy, versions)
    if ENGINE in versions:
        with go_toolchain() as go:
            target = f"{MODULE}@v{versions[ENGINE]}"
            folder = copy / "totara_infra" / "local" / "engine"
            run_go(go, ["get", "-tool", target], module=folder, purpose=_PURPOSE, locked=False)
    else:
        _share_engine(copy)
    with step("Installing the versions", "1 minute, 5 with another engine"):
        run_logged(["make", "tools"], purpose=_PURPOSE, folder=copy, environment=_own_state(copy))
    names = ", ".join(f"{name} {version}" for name, version in versions.items())
    note(f"Testing with {names} …")
    tests = [str(copy / ".venv" / "bin" / "python"), "-m", "pytest", "-q", *TESTS]
    passed = subprocess.run(tests, cwd=copy, env=_environment(copy), check=False).returncode == 0
    if passed:
        note(
            f"All is well with {names}. To take them over, copy from {copy}: pyproject.toml, "
            "requirements/ and totara_infra/local/engine/."
        )
    else:
        note(f"With {names} something fails. The copy is {copy}; mend it there, or here.")
    return passed


def _copy_project(copy: Path) -> None:
    root = project_root()
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name)


def _pin(copy: Path, versions: Mapping[str, str]) -> None:
    """Write the versions into the files that name them, and lock what goes with them."""
    project = copy / "pyproject.toml"
    emulator = copy / "requirements" / "emulator.in"
    for file, packages, lock, source in (
        (project, PROJECT_PACKAGES, "project.lock", ["pyproject.toml", "--group", "dev"]),
        (emulator, EMULATOR_PACKAGES, "emulator.lock", ["requirements/emulator.in"]),
    ):
        chosen = {name: versions[name] for name in packages if name in versions}
        if not chosen:
            continue
        text = file.read_text(encoding="utf-8")
        for name, version in chosen.items():
            text = re.sub(rf"(?m)^(\s*\"?{name})==[^\"\s,]+", rf"\g<1>=={version}", text)
        file.write_text(text, encoding="utf-8")
        upgrades = [f"--upgrade-package={name}=={version}" for name, version in chosen.items()]
        run_logged(
            [find_uv(), "pip", "compile", "--universal", "--generate-hashes", "--no-header",
             "--no-annotate", *upgrades, "--output-file", f"requirements/{lock}", *source],
            purpose=_PURPOSE,
            environment=registry_settings(Path(sys.executable)),
            folder=copy,
        )  # fmt: skip


def _share_engine(copy: Path) -> None:
    """Give the copy the engine that is here: building it takes minutes."""
    engine = ensure_engine().path
    target = copy / ".totara" / "bin" / "pulumi"
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(engine)
    except OSError:
        shutil.copy2(engine, target)


def _own_state(copy: Path) -> dict[str, str]:
    return {"TOTARA_STATE_DIRECTORY": str(copy / ".totara")}


def _environment(copy: Path) -> dict[str, str]:
    """The copy is tested as a checkout of its own, whatever this one is set to."""
    return {**os.environ, **_own_state(copy), "PYTHONPATH": str(copy)}


def main(words: Sequence[str]) -> int:
    """Try versions and return the exit code: 1 where a test fails, 2 for a faulty word."""
    try:
        versions = wanted_versions(words)
    except LocalEnvironmentError as error:
        note(str(error))
        return 2
    try:
        return 0 if check(versions) else 1
    except LocalEnvironmentError as error:
        note(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
