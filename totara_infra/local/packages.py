"""Installs locked Python packages with uv, and says in a sentence why it could not.

Uses the standard library only, because `.venv` itself is made with it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import LocalEnvironmentError
from .project import setup_log

_UNREACHABLE = (
    "connection refused",
    "connection reset",
    "connection timed out",
    "could not connect",
    "dns error",
    "error sending request",
    "failed to establish a new connection",
    "failed to fetch",
    "i/o timeout",
    "max retries exceeded",
    "name or service not known",
    "network is unreachable",
    "no route to host",
    "no such host",
    "operation timed out",
    "proxyconnect",
    "read timed out",
    "temporary failure in name resolution",
    "tls handshake timeout",
    "tunnel connection failed",
)
"""What pip, uv and go write, in lower case, when a registry does not answer."""

_PIP_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX",),
    "extra-index-url": ("UV_INDEX",),
    "find-links": ("UV_FIND_LINKS",),
    "cert": ("SSL_CERT_FILE",),
    "proxy": ("HTTPS_PROXY", "HTTP_PROXY"),
}
"""pip's settings by the variables through which uv takes the same."""


def find_uv() -> Path:
    """Return uv: the one beside the running Python, else the one on PATH.

    Raises:
        LocalEnvironmentError: There is none.
    """
    own = Path(sys.executable).parent / "uv"
    if own.is_file():
        return own
    if found := shutil.which("uv"):
        return Path(found)
    raise LocalEnvironmentError(
        "The installer uv is missing.",
        "It belongs into .venv beside Python.",
        "Run `make up` (or `make setup`), which puts it there.",
    )


def registry_settings(python: Path) -> dict[str, str]:
    """Return the environment that gives uv the mirror, certificate and proxy that pip is set to.

    uv does not read pip's files, and a machine behind a company's mirror is set up for pip.

    Args:
        python: A Python whose pip is asked. One without pip gives no settings.
    """
    command = [str(python), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    settings: dict[str, str] = {}
    # pip lists its files first and the environment last, so what it heeds most comes last here too.
    for line in listed.stdout.splitlines() if listed.returncode == 0 else ():
        key, separator, value = line.partition("=")
        for variable in _PIP_SETTINGS.get(key.rsplit(".", maxsplit=1)[-1], ()) if separator else ():
            settings[variable] = value.strip("'\"").replace("\\n", " ").strip()
    if "UV_INDEX_URL" in os.environ:
        settings.pop("UV_DEFAULT_INDEX", None)
    return {name: value for name, value in settings.items() if name not in os.environ}


def run_logged(
    command: Sequence[str | Path],
    *,
    purpose: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> None:
    """Run a step of the set-up with its output in the set-up's log.

    Args:
        command: The program and its arguments.
        purpose: What the step is for, such as `install the AWS emulator`; completes "Could not …".
        environment: Variables in addition to the present ones.
        folder: Where to run it.

    Raises:
        LocalEnvironmentError: It failed; says whether a registry could not be reached.
    """
    log = setup_log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        out.write(f"\n$ {' '.join(map(str, command))}\n".encode())
        out.flush()
        start = out.tell()
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            check=False,
        )
    if done.returncode == 0:
        return
    with log.open("rb") as written:
        written.seek(start)
        raise _failure(purpose, done.returncode, written.read().decode(errors="replace"), log)


def _failure(purpose: str, returncode: int, output: str, log: Path) -> LocalEnvironmentError:
    lowered = output.lower()
    if any(sign in lowered for sign in _UNREACHABLE):
        return LocalEnvironmentError(
            f"Could not {purpose}: the package registry can't be reached.",
            f"The full output is in {log}.",
            "Check the connection, or the proxy and mirror settings of pip (for Go: GOPROXY), and "
            "run the command again: it goes on where it stopped.",
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    ending = lines[-1] if lines else f"it ended with code {returncode} without a message"
    return LocalEnvironmentError(
        f"Could not {purpose}: {ending}",
        f"The full output is in {log}.",
        "Run the command again when that is mended: it goes on where it stopped.",
    )


def install_environment(folder: Path, lock: Path, *, purpose: str) -> None:
    """Make a virtual environment with exactly the packages of a lock file.

    Args:
        folder: Where to make it; anything there is replaced.
        lock: The hash-pinned requirements.
        purpose: What it is for, such as `install the AWS emulator`.

    Raises:
        LocalEnvironmentError: A package could not be had.
    """
    uv, python = find_uv(), Path(sys.executable)
    settings = registry_settings(python)
    shutil.rmtree(folder, ignore_errors=True)
    run_logged(
        [uv, "venv", "--quiet", "--no-project", "--python", python, folder],
        purpose=purpose,
        environment=settings,
    )
    sync_environment(folder / "bin" / "python", lock, purpose=purpose, uv=uv, settings=settings)


def sync_environment(
    python: Path, lock: Path, *, purpose: str, uv: Path, settings: Mapping[str, str]
) -> None:
    """Bring a virtual environment to exactly the packages of a lock file.

    Args:
        python: The environment's Python.
        lock: The hash-pinned requirements.
        purpose: What it is for.
        uv: The installer.
        settings: Variables from `registry_settings`.

    Raises:
        LocalEnvironmentError: A package could not be had.
    """
    run_logged(
        [uv, "pip", "sync", "--require-hashes", "--python", python, lock],
        purpose=purpose,
        environment=settings,
    )
