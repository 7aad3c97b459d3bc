"""AWS's published models, as botocore carries them, read without the rest of botocore.

botocore itself takes half a second to import, most of it for networking that nothing here needs.
"""

from __future__ import annotations

import gzip
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def _data() -> Path:
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("botocore")
    return Path(spec.origin).parent / "data"


@cache
def model(service: str) -> dict[str, Any]:
    """The newest model of a service.

    Args:
        service: botocore's name of it, such as `cognito-idp`.

    Returns:
        `operations`, each with the shape of its input, and `shapes` by name.
    """
    newest = max(path for path in (_data() / service).iterdir() if path.is_dir())
    found: dict[str, Any] = _json(newest / "service-2.json")
    return found


@cache
def regions() -> frozenset[str]:
    """Every region of the partition `aws`, as far as this botocore knows."""
    partitions = _json(_data() / "partitions.json")["partitions"]
    ordinary = next(p for p in partitions if p["id"] == "aws")
    return frozenset(name for name in ordinary["regions"] if not name.endswith("-global"))


def _json(path: Path) -> Any:
    packed = path.with_name(f"{path.name}.gz")
    if packed.is_file():
        return json.loads(gzip.decompress(packed.read_bytes()))
    return json.loads(path.read_bytes())
