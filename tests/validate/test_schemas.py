"""AWS's resource schemas are no stricter than what `validate` lets pass."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any

import pytest

from tests.validate.resource_schemas import SCHEMAS, Property, described, leaves
from tests.validate.test_limits import changed, produced
from totara_infra.blueprint.resource import PlannedResource
from totara_infra.operations.limits import documented as documentation
from totara_infra.operations.limits.documented import DOCUMENTED, documented
from totara_infra.operations.limits.refusals import refused
from totara_infra.operations.limits.shapes import Limit, Path, limited

CHARACTERS = (*string.printable, "\x00", "é", "\u2028", "\U0001f600")
CONSTANT = "a constant of the blueprint, which nobody writes"
CLOUDFORMATION = "CloudFormation's own rule: the call takes an empty value"
LOOSER: Mapping[tuple[str, str], str] = {
    ("aws:cloudwatch/compositeAlarm:CompositeAlarm", "tags.*"): CLOUDFORMATION,
    ("aws:cloudwatch/metricAlarm:MetricAlarm", "tags.*"): CLOUDFORMATION,
    ("aws:lambda/function:Function", "handler"): CONSTANT,
    ("aws:lambda/function:Function", "runtime"): CONSTANT,
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules.apply_server_side_encryption_by_default.sse_algorithm",
    ): CONSTANT,
    ("aws:ssm/parameter:Parameter", "type"): CONSTANT,
}
"""Type and property in which the schema is stricter -> why that doesn't matter."""


def probes(node: Property, value: Any, choices: Collection[str]) -> Iterator[Any]:
    """Values around each bound of a property, and every character in every kind of place."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield from (n + d for n in node.bounds("minimum") + node.bounds("maximum") for d in (-1, 1))
        yield from (int(choice) for choice in choices)
        if node.bounds("enum"):
            yield 987_654_321
    elif isinstance(value, str):
        for size in node.bounds("minLength") + node.bounds("maxLength"):
            yield from ((value + "a" * size)[: max(size + d, 0)] for d in (-1, 1))
        yield from (*choices, "", value.swapcase(), f"{value}s")
        for character in CHARACTERS if node.bounds("pattern") else "":
            middle = len(value) // 2
            yield from (character, character * len(value), character + value, value + character)
            yield value[:middle] + character + value[middle:]
    else:
        for size in node.bounds("minItems") + node.bounds("maxItems"):
            for wrong in (size - 1, size + 1):
                if isinstance(value, Mapping):
                    yield {f"key-{n}": "value" for n in range(wrong)}
                elif value:
                    yield [value[0]] * wrong


def place(path: Path) -> str:
    """The property, without the numbers of entries and the keys that people choose."""
    words = [str(part) for part in path if not isinstance(part, int)]
    if words[0] in ("tags", "dimensions"):
        words[1:2] = ["*" for _ in words[1:2]]
    return ".".join(words)


def stricter(kind: str) -> Iterator[tuple[str, Any]]:
    """Each property of which the schema refuses what `validate` takes, with such a value."""
    seen = set()
    for resource in produced()[kind]:
        known: dict[Path, set[str]] = {}
        for path, _, limit in chain(
            limited(kind, resource.properties), documented(kind, resource.properties)
        ):
            known.setdefault(path, set()).update(limit.choices)
        for path, value in leaves(resource.properties):
            where = place(path)
            node = described(kind, path)
            if node is None or where in seen or node.refuses(value):
                # A value that is sound and that the schema refuses: it describes another form.
                continue
            seen.add(where)
            only = {path[0]: resource.properties[str(path[0])]}
            alone = PlannedResource(kind, resource.name, resource.step, resource.kind, only)
            for wrong in probes(node, value, known.get(path, set())):
                if node.refuses(wrong) and not list(refused([changed(alone, path, wrong)])):
                    yield where, wrong
                    break


def test_a_limit_that_is_missing_is_found(monkeypatch) -> None:
    """The comparison itself: a limit taken away, and another that is too wide."""
    kind, bucket = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:s3/bucket:Bucket"
    monkeypatch.delitem(DOCUMENTED, (kind, "treat_missing_data"))
    monkeypatch.setitem(DOCUMENTED, (bucket, "bucket"), Limit("a table", "text", 0, 64))
    documentation.by_kind.cache_clear()
    try:
        assert dict(stricter(kind)).keys() == {"tags.*", "treat_missing_data"}
        assert dict(stricter(bucket)).keys() == {"bucket"}
    finally:
        documentation.by_kind.cache_clear()


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_no_schema_is_stricter_than_what_is_checked(kind: str) -> None:
    found = dict(stricter(kind))
    reasons = {name for owner, name in LOOSER if owner == kind}
    assert set(found) == reasons, {n: str(v)[:80] for n, v in found.items() if n not in reasons}


def test_every_type_has_a_schema() -> None:
    assert set(SCHEMAS) == set(produced())
