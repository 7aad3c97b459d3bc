"""Results kept in the working folder, `.totara`, while all that they depend on stays as it is.

They only save time: what is missing, damaged or of something else counts as not there, and a folder
that can't be written to keeps nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from totara_infra.local.project import state_directory

_PACKAGE = Path(__file__).resolve().parent.parent


def recall(name: str, key: str) -> bytes | None:
    """What was kept under a name for a key; None where nothing holds.

    Args:
        name: of the file.
        key: hexadecimal digest of all that the content depends on.
    """
    try:
        first, _, content = _file(name).read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if first == _first_line(key, content) else None


def keep(name: str, key: str, content: bytes) -> None:
    """Keep a result, where this checkout has a working folder; the last one replaces all others.

    Args:
        name: of the file.
        key: hexadecimal digest of all that the content depends on.
        content: without secrets.
    """
    file = _file(name)
    if not state_directory().is_dir():
        return
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.{threading.get_ident()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        # Whoever reads meanwhile sees the old content or the new one, whole.
        unfinished.write_bytes(_first_line(key, content) + b"\n" + content)
        unfinished.replace(file)
        return
    with contextlib.suppress(OSError):
        unfinished.unlink()


def digest_of(files: Iterable[Path], *further: str) -> str:
    """A digest of files with their paths and contents.

    Args:
        files: in any order.
        further: what else the result depends on.

    Raises:
        OSError: one can't be read.
    """
    digest = hashlib.sha256(repr(further).encode())
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"\0{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def code_version(*packages: str) -> str:
    """What tells the code of some of the project's packages from any other version of it.

    Args:
        packages: such as `model`; none for the whole project.
    """
    digest = hashlib.sha256(sys.version.encode())
    for folder in packages or ("",):
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            about = path.stat()
            digest.update(f"\0{path} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


@cache
def library_version(name: str) -> str:
    """What tells an installed library from any other version of it.

    Its own version number takes importing it, or reading its metadata, which takes longer.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return f"{name} is not installed"
    about = Path(spec.origin).stat()
    folder = Path(spec.origin).parent.parent
    installed = sorted(path.name for path in folder.glob(f"{name}-*.dist-info"))
    return f"{spec.origin} {about.st_size} {about.st_mtime_ns} {installed}"


def _file(name: str) -> Path:
    return state_directory() / "kept" / name


def _first_line(key: str, content: bytes) -> bytes:
    return f"{key} {hashlib.sha256(content).hexdigest()}".encode()
