"""Pulumi's archives as zip files that are the same every time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from totara_infra.local.provider.errors import Refusal
from totara_infra.local.provider.values import ARCHIVE, is_marked

# The first moment that a zip file can hold: times of files must not change the digest.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_SKIPPED = frozenset({"__pycache__", ".git"})


def zipped(archive: Mapping[str, Any]) -> bytes:
    """Return `archive` as a zip file; equal contents give equal bytes.

    Raises:
        Refusal: When a part is missing, or would have to be fetched from the network.
    """
    path = archive.get("path")
    if path and Path(path).is_file():
        return Path(path).read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(_files(archive, "")):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, _READABLE
            target.writestr(entry, content)
    return buffer.getvalue()


def _files(part: Mapping[str, Any], name: str) -> Iterator[tuple[str, bytes]]:
    if "uri" in part:
        raise Refusal(f"the local provider fetches no code from the network ({part['uri']})")
    if "assets" in part:
        for key, item in part["assets"].items():
            yield from _files(item, f"{name}/{key}" if name else key)
    elif "text" in part:
        yield name, str(part["text"]).encode()
    elif "path" in part:
        path = Path(part["path"])
        if not path.exists():
            raise Refusal(f"the code at {path} does not exist")
        if path.is_dir():
            yield from _folder(path, name)
        elif is_marked(part, ARCHIVE):
            yield from _unzipped(path, name)
        else:
            yield name, path.read_bytes()


def _folder(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if file.is_file() and not _SKIPPED & set(inside.parts):
            yield f"{name}/{inside.as_posix()}" if name else inside.as_posix(), file.read_bytes()


def _unzipped(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as source:
        for inner in source.namelist():
            if not inner.endswith("/"):
                yield f"{name}/{inner}" if name else inner, source.read(inner)
