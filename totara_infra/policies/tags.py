"""The tag set, on everything that can carry tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TAGS_ARGUMENT = re.compile(r"^ +tags: .*= None", re.MULTILINE)


def _check(resource: Examined) -> Iterator[str]:
    if not takes_tags(resource.type):
        return
    tags = resource.properties.get("tags") or {}
    module_id, domain_id = tags.get("module_id", ""), tags.get("system_id", "")
    faults = []
    if module_id not in resource.catalogue.modules:
        faults.append(f"module_id is {module_id or 'missing'}, which is no module")
    if domain_id not in resource.catalogue.domain:
        faults.append(f"system_id is {domain_id or 'missing'}, which is no domain")
    faults += [
        f"{key} is {tags.get(key) or 'missing'}, not {value}"
        for key, value in resource.settings.tags(module_id, domain_id).items()
        if tags.get(key, "") != value
    ]
    if faults:
        yield f"Tags: {'; '.join(faults)}. Give it `scope.tags(module_id)` of its module."


@cache
def takes_tags(token: str) -> bool:
    """Whether a type of the AWS SDK has the argument `tags`.

    It is read from the SDK's source: to import the classes of all types took two seconds of every
    preview.

    Args:
        token: Pulumi's type token; of another provider, the answer is no.
    """
    package, _, path = token.partition(":")
    if package != "aws":
        return False
    service, _, name = path.partition("/")
    spec = find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pulumi_aws")
    # `lambda` is a keyword of Python.
    folder = Path(spec.origin).parent / ("lambda_" if service == "lambda" else service)
    file = folder / f"{_WORDS.sub('_', name.rpartition(':')[2]).lower()}.py"
    return _TAGS_ARGUMENT.search(file.read_text(encoding="utf-8")) is not None


TAGS = Convention(
    "tags",
    "Everything that can carry tags carries the tag set, so that cost, access and alarms find "
    "the module, the domain and the tenant that a resource belongs to.",
    _check,
)
