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
    region: str | None

    @property
    def pending(self) -> bool:
        return self.metadata["KeyState"] in _PENDING


def _aliases(reading: Reading) -> dict[str, tuple[str, str | None]]:
    """Alias -> id of its key, and its region if that is another than the stack's."""

    def read() -> dict[str, tuple[str, str | None]]:
        return {
            a["AliasName"]: (a.get("TargetKeyId", ""), region)
            # The stack's own region last, so that it counts where a name is in both.
            for region in reversed(reading.regions(ALIAS))
            for page in reading.client("kms", region).get_paginator("list_aliases").paginate()
            for a in page["Aliases"]
        }

    return reading.once("kms-aliases", read)


def _keys(reading: Reading) -> dict[str, _Key]:
    """Id -> each key that customers manage, in every region where one of ours is."""

    def read(place: tuple[str, str | None]) -> _Key | None:
        key_id, region = place
        client = reading.client("kms", region)
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
            region,
        )

    places = [
        (k["KeyId"], region)
        for region in reading.regions(KEY)
        for page in reading.client("kms", region).get_paginator("list_keys").paginate()
        for k in page["Keys"]
        if k["KeyId"] not in reading.passed_over
    ]
    found = zip(places, reading.each(read, places), strict=True)
    return {key_id: key for (key_id, _), key in found if key is not None}


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
        _aliases(reading).get(alias, ("", None))[0]
        for alias, resource in reading.planned(ALIAS).items()
        if resource.properties["target_key_id"] == Reference(planned.name, "id")
    }
    # What is in another region can't be changed into being here.
    keys = {i: k for i, k in keys.items() if k.region == planned.properties.get("region")}
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
            "region": key.region,
        },
        {"id": metadata["KeyId"], "key_id": metadata["KeyId"], "arn": metadata["Arn"]},
        ours,
    )


def _read_aliases(reading: Reading) -> Iterator[Thing]:
    prefix = f"alias/bank-{reading.env}-"
    for name, (key_id, region) in _aliases(reading).items():
        if name in reading.planned(ALIAS) or name.startswith(prefix):
            yield Thing(
                name,
                {"name": name, "target_key_id": key_id, "region": region},
                {"name": name},
                f"its name begins with {prefix}",
            )


READERS = (
    TypeReader(
        KEY,
        _read_keys,
        words("description state enable_key_rotation multi_region policy tags region"),
        key=("description",),
        documents=words("policy"),
        assumed={"state": "Enabled"},
        unreadable={"deletion_window_in_days": "is an argument of the deletion"},
        advice="A key that is disabled or to be deleted can't decrypt what it encrypted. First: "
        "aws kms cancel-key-deletion --key-id ID, then aws kms enable-key --key-id ID",
    ),
    TypeReader(ALIAS, _read_aliases, words("name target_key_id region")),
)
