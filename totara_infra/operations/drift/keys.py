"""Keys of KMS and their aliases.

A key has no name. A planned one is known by its description; if that was changed, by its alias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from totara_infra.blueprint import PlannedResource, Reference
from totara_infra.operations.drift.reading import (
    Reading,
    Thing,
    TypeReader,
    tags_from,
    unless_gone,
    words,
)

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
_PENDING = ("PendingDeletion", "PendingReplicaDeletion")


@dataclass(frozen=True)
class _Key:
    metadata: Mapping[str, Any]
    tags: Mapping[str, str]
    rotated: bool
    policy: str | None

    @property
    def pending(self) -> bool:
        return self.metadata["KeyState"] in _PENDING


def _aliases(reading: Reading) -> dict[str, str]:
    """Alias -> id of its key."""

    def read() -> dict[str, str]:
        paging = reading.client("kms").get_paginator("list_aliases")
        return {
            a["AliasName"]: a.get("TargetKeyId", "")
            for page in paging.paginate()
            for a in page["Aliases"]
        }

    return reading.once("kms-aliases", read)


def _keys(reading: Reading) -> dict[str, _Key]:
    """Id -> each key that customers manage."""
    client = reading.client("kms")

    def read(key_id: str) -> _Key | None:
        metadata = client.describe_key(KeyId=key_id)["KeyMetadata"]
        if metadata["KeyManager"] != "CUSTOMER":
            return None
        gone = ("NotFoundException", "KMSInvalidStateException", "AccessDeniedException")
        tags = unless_gone(client.list_resource_tags, *gone, KeyId=key_id) or {}
        rotated = unless_gone(
            client.get_key_rotation_status, *gone, "UnsupportedOperationException", KeyId=key_id
        )
        policy = unless_gone(client.get_key_policy, *gone, KeyId=key_id, PolicyName="default")
        return _Key(
            metadata,
            tags_from(tags.get("Tags"), "TagKey"),
            bool((rotated or {}).get("KeyRotationEnabled")),
            (policy or {}).get("Policy"),
        )

    listed = [k["KeyId"] for p in client.get_paginator("list_keys").paginate() for k in p["Keys"]]
    ids = [key_id for key_id in listed if key_id not in reading.passed_over]
    return {i: k for i, k in zip(ids, reading.each(read, ids), strict=True) if k is not None}


def _read_keys(reading: Reading) -> Iterator[Thing]:
    keys = _keys(reading)
    taken: set[str] = set()
    for planned in reading.planned(KEY).values():
        key_id = _choose(reading, planned, keys)
        if key_id is not None:
            taken.add(key_id)
            yield _thing(str(planned.properties["description"]), keys[key_id], "")
    for key_id, key in keys.items():
        # One that is going to be deleted is on its way out already.
        if key_id not in taken and not key.pending:
            yield _thing(key_id, key, reading.tagged(key.tags))


def _choose(reading: Reading, planned: PlannedResource, keys: Mapping[str, _Key]) -> str | None:
    description = planned.properties["description"]
    targets = {
        _aliases(reading).get(alias)
        for alias, resource in reading.planned(ALIAS).items()
        if resource.properties["target_key_id"] == Reference(planned.name, "id")
    }
    same = [i for i, k in keys.items() if k.metadata.get("Description") == description]
    live = [i for i in same if not keys[i].pending]
    for candidates in (live, same):
        preferred = [i for i in candidates if i in targets] or candidates
        if candidates is live and preferred:
            return preferred[0]
    # Its description was changed: then no other planned key has the alias.
    others = {str(r.properties["description"]) for r in reading.planned(KEY).values()}
    by_alias = [
        i for i in keys if i in targets and keys[i].metadata.get("Description") not in others
    ]
    return next(iter([*by_alias, *same]), None)


def _thing(name: str, key: _Key, ours: str) -> Thing:
    metadata = key.metadata
    return Thing(
        name,
        {
            "description": metadata.get("Description"),
            "state": metadata["KeyState"],
            "enable_key_rotation": key.rotated,
            "multi_region": bool(metadata.get("MultiRegion")),
            "policy": key.policy,
            "tags": dict(key.tags),
        },
        {"id": metadata["KeyId"], "key_id": metadata["KeyId"], "arn": metadata["Arn"]},
        ours,
    )


def _read_aliases(reading: Reading) -> Iterator[Thing]:
    prefix = f"alias/bank-{reading.env}-"
    for name, key_id in _aliases(reading).items():
        if name in reading.planned(ALIAS) or name.startswith(prefix):
            yield Thing(
                name,
                {"name": name, "target_key_id": key_id},
                {"name": name, "arn": reading.blueprint.scope.arn("kms", name)},
                f"its name begins with {prefix}",
            )


READERS = (
    TypeReader(
        KEY,
        _read_keys,
        words("description state enable_key_rotation multi_region policy tags"),
        key=("description",),
        documents=words("policy"),
        assumed={"state": "Enabled"},
        unreadable={"deletion_window_in_days": "is an argument of the deletion"},
        advice="A key that is disabled or to be deleted can't decrypt what it encrypted. First: "
        "aws kms cancel-key-deletion --key-id ID, then aws kms enable-key --key-id ID",
    ),
    TypeReader(ALIAS, _read_aliases, words("name target_key_id")),
)
