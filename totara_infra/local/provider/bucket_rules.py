"""Lifecycle rules of buckets, between the SDK's form and that of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from totara_infra.local.provider.resource import from_pairs, pairs
from totara_infra.local.provider.schema import schemas
from totara_infra.local.provider.shapes import from_api, to_api
from totara_infra.local.provider.values import Properties

_RENAMES = {"id": "ID"}


def lifecycle_request(rule: Properties) -> dict[str, Any]:
    """Return a rule as the API takes it: one without a filter holds for the whole bucket."""
    request = to_api(rule, None, _RENAMES)
    if "Prefix" not in request:
        given = rule.get("filter") or {}
        request["Filter"] = to_api(given)
        if every := given.get("and"):
            request["Filter"]["And"] = to_api(every)
            if every.get("tags"):
                request["Filter"]["And"]["Tags"] = pairs(every["tags"])
        request["Filter"] = request["Filter"] or {"Prefix": ""}
    return request


def lifecycle_from(rule: Mapping[str, Any]) -> Properties:
    """Return a rule of the API in the SDK's form."""
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    shape = schemas()[token].inputs["rules"][0]
    found = from_api(rule, shape, _RENAMES)
    every = (rule.get("Filter") or {}).get("And")
    if every and every.get("Tags"):
        found["filter"]["and"]["tags"] = from_pairs(every["Tags"])
    for name in ("expiration",):
        part = found.get(name, {})
        if part.get("expiredObjectDeleteMarker") is False:
            part.pop("expiredObjectDeleteMarker")
    return found
