"""AWS's published models, as botocore carries them, read without the rest of botocore.

botocore itself takes half a second to import, most of it for networking that nothing here needs.
What the limits need of a model is a hundredth of it, and is kept between two commands.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from totara_infra.local.kept import code_version, keep, library_version, recall
from totara_infra.operations.limits.members import CALLS

_KEPT = "aws-models.json"
_SAID = ("type", "min", "max", "pattern", "enum", "member", "key", "value")
"""What is kept of a shape beside its members."""


@cache
def _data() -> Path:
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("botocore")
    return Path(spec.origin).parent / "data"


def model(service: str) -> dict[str, Any]:
    """What the newest model of a service says of the calls that make resources.

    Args:
        service: botocore's name of it, such as `cognito-idp`.

    Returns:
        `operations`, each with the shape of its input, and `shapes` by name.
    """
    found: dict[str, Any] = _models()[service]
    return found


@cache
def _models() -> dict[str, Any]:
    """Service -> what is needed of its model."""
    key = f"{library_version('botocore')} {code_version('operations/limits')}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    kept = recall(_KEPT, digest)
    if kept is not None:
        known: dict[str, Any] = json.loads(kept)
        return known
    found = {
        service: excerpt(whole_model(service), named_operations(service))
        for service in sorted({calls.service for calls in CALLS.values()})
    }
    keep(_KEPT, digest, json.dumps(found).encode())
    return found


def named_operations(service: str) -> set[str]:
    """Every word that may name an operation of a service in the table of calls."""
    here = [calls for calls in CALLS.values() if calls.service == service]
    places = [place for calls in here for place in (calls.operation, *calls.members.values())]
    return {place.split(".")[0] for place in places if place is not None}


def excerpt(whole: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The part of a model that some operations' inputs reach, without prose.

    Args:
        whole: the model.
        names: of the operations; others may be among them.
    """
    operations = {
        name: {"input": {"shape": operation["input"]["shape"]}}
        for name, operation in whole["operations"].items()
        if name in names and "input" in operation
    }
    shapes: dict[str, Any] = {}
    waiting = [operation["input"]["shape"] for operation in operations.values()]
    while waiting:
        name = waiting.pop()
        if name in shapes:
            continue
        shape = whole["shapes"][name]
        members = {key: {"shape": m["shape"]} for key, m in shape.get("members", {}).items()}
        shapes[name] = {key: shape[key] for key in _SAID if key in shape}
        if members:
            shapes[name]["members"] = members
        inside = [shape[part] for part in ("member", "key", "value") if part in shape]
        waiting += [place["shape"] for place in (*members.values(), *inside)]
    return {"operations": operations, "shapes": shapes}


def whole_model(service: str) -> dict[str, Any]:
    """The newest model of a service, as botocore has it.

    Args:
        service: botocore's name of it.
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
