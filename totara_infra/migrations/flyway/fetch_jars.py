"""Fetches the pinned jars. Runs in Flyway's environment, started as a file.

Arguments: the lock with a line `group:artifact:version sha256` each, and the folder to fill.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

MIRROR = "TOTARA_MAVEN_REPOSITORY"
"""Address of a Maven repository to use in place of Maven Central."""


def main(lock: Path, target: Path) -> int:
    """Fetch what is missing, hold each jar against its sum, and return the exit code."""
    # Only Flyway's environment has it.
    from jgo.maven import MavenContext  # noqa: PLC0415

    mirror = os.environ.get(MIRROR)
    context = MavenContext(
        repo_cache=target / "cache", remote_repos={"mirror": mirror} if mirror else None, timeout=60
    )
    target.mkdir(parents=True, exist_ok=True)
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        coordinate, expected = line.split()
        group, artifact, version = coordinate.split(":")
        found = context.project(group, artifact).at_version(version).artifact().resolve()
        actual = hashlib.sha256(found.read_bytes()).hexdigest()
        if actual != expected:
            print(f"{coordinate} has SHA-256 {actual}, but {lock.name} says {expected}")  # noqa: T201
            return 1
        shutil.copyfile(found, target / f"{artifact}-{version}.jar")
    shutil.rmtree(target / "cache", ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
