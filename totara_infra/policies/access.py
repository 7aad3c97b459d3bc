"""Nothing is open to everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from totara_infra.policies.convention import Convention
from totara_infra.policies.examined import Examined

PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PERMISSION = "aws:lambda/permission:Permission"
_OPEN_ACLS = ("public-read", "public-read-write", "authenticated-read")


def _open_principal(principal: Any) -> bool:
    match principal:
        case "*":
            return True
        case dict():
            return any(_open_principal(value) for value in principal.values())
        case list():
            return any(_open_principal(value) for value in principal)
        case _:
            return False


def _statements(text: str) -> list[dict[str, Any]]:
    """The statements of a policy document; none where the text is something else."""
    if not text.lstrip().startswith("{") or "Statement" not in text:
        return []
    try:
        found = json.loads(text).get("Statement", [])
    except (ValueError, AttributeError):
        return []
    listed = found if isinstance(found, list) else [found]
    return [statement for statement in listed if isinstance(statement, dict)]


def _check(resource: Examined) -> Iterator[str]:
    for path, text in resource.texts():
        for statement in _statements(text):
            opened = _open_principal(statement.get("Principal")) or "NotPrincipal" in statement
            if statement.get("Effect") == "Allow" and opened:
                yield (
                    f"Statement `{statement.get('Sid', 'without Sid')}` of `{path}` allows "
                    "everybody. Name the roles, the account or the AWS service that need it."
                )
    if resource.type == _PERMISSION and resource.properties.get("principal") == "*":
        yield "It lets everybody call the function. Name the AWS service that calls it."
    if resource.properties.get("acl") in _OPEN_ACLS:
        yield "Its ACL lets the public read. Remove `acl`, and name the readers in a policy."
    if resource.type == PUBLIC_ACCESS_BLOCK:
        off = [name for name in _BLOCKS if resource.properties.get(name) is not True]
        if off:
            yield f"It leaves {', '.join(off)} off. Switch all four on."


PUBLIC_ACCESS = Convention(
    "public-access",
    "Nothing is open to everybody: no policy allows everybody, and the public access of buckets "
    "is blocked in all four ways.",
    _check,
)
