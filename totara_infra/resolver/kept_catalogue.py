"""The packaged catalogue, read and found valid, as it is kept between two commands.

Reading and checking it takes longer than most commands do with it. It is kept as a pickle, which
only ever becomes objects of the catalogue's own classes: see `_Reader`.
"""

from __future__ import annotations

import gc
import io
import pickle
from pathlib import Path, PosixPath
from typing import Any

from totara_infra.local.kept import code_version, digest_of, keep, library_version, recall
from totara_infra.model.loading import LoadedCatalogue

_NAME = "catalogue"
_MODEL = "totara_infra.model."


def catalogue_key(directory: Path) -> str | None:
    """A digest of all that reading a catalogue depends on; None where a file can't be read."""
    code = code_version("model", "resolver")
    libraries = [library_version("pydantic"), library_version("yaml")]
    try:
        files = [path for path in directory.rglob("*") if path.is_file()]
        return digest_of(files, code, *libraries)
    except OSError:
        return None


def recall_catalogue(key: str) -> LoadedCatalogue | None:
    """The catalogue that was kept for a key; None where there is none.

    Args:
        key: see `catalogue_key`.
    """
    content = recall(_NAME, key)
    if content is None:
        return None
    collecting = gc.isenabled()
    # Thousands of objects come to life and none dies: looking for garbage would double the time.
    gc.disable()
    try:
        found = _Reader(io.BytesIO(content)).load()
    except Exception:
        # A pickle that was made otherwise fails in any way; the files themselves tell.
        return None
    finally:
        if collecting:
            gc.enable()
    return found if isinstance(found, LoadedCatalogue) else None


def keep_catalogue(key: str, loaded: LoadedCatalogue) -> None:
    """Keep a catalogue that was found valid.

    Args:
        key: see `catalogue_key`, as it was before the files were read.
        loaded: the catalogue.
    """
    for document in loaded.documents.values():
        # The places of its lines are found again when they are asked for.
        document.__dict__.pop("_node", None)
    keep(_NAME, key, pickle.dumps(loaded, protocol=5))


class _Reader(pickle.Unpickler):
    """Makes nothing but objects of the catalogue's own classes, so no file can have code run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("pathlib", "PosixPath"):
            return PosixPath
        found = super().find_class(module, name) if module.startswith(_MODEL) else None
        if not isinstance(found, type) or found.__module__ != module:
            raise pickle.UnpicklingError(f"{module}.{name} is no class of the catalogue")
        return found
