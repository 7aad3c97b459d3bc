"""Backups in their storage: sealed objects, and one manifest for each backup, written last."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from totara_infra.model.declarations import Model
from totara_infra.model.json_text import read_json
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import REHEARSAL_SUFFIX
from totara_infra.operations.backup.sealing import BackupKey, DamagedBackupError
from totara_infra.operations.backup.storage import Storage

FORMAT = 2
"""Raised when older programs could not read what is written. 1 had a key of one region only."""
_MOMENT = "%Y%m%dT%H%M%SZ"
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
Name = Annotated[str, StringConstraints(pattern=_HEXADECIMAL.pattern)]


class Part(Model):
    """One store in a backup."""

    object: Name
    entries: int
    """How many things it holds, for people."""
    bytes: int


class Manifest(Model):
    """What a backup says of itself. It names stores and counts, and nothing that is in them."""

    format: int = Field(ge=1)
    id: str
    stack: str
    """The environment, or its rehearsal; a backup goes back to where it is from, only."""
    account_id: str
    region: str
    taken: datetime
    key: str
    """Id of the key."""
    wrapped_keys: dict[str, str] = Field(default_factory=dict)
    """Region -> the key itself, encrypted by KMS there; empty where it is in somebody's keeping."""
    parts: dict[str, Part]

    def content(self) -> bytes:
        """What the mark is made over, always spelled the same way."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()


def _object(stack: str, name: str) -> str:
    return f"{stack}/objects/{name[:2]}/{name}"


def store(
    storage: Storage,
    key: BackupKey,
    contents: Mapping[str, list[Any]],
    *,
    stack: str,
    account_id: str,
    region: str,
    taken: datetime,
    wrapped_keys: Mapping[str, str] | None = None,
) -> Manifest:
    """Write a backup: objects that are not there yet, then the manifest.

    Interrupted before the manifest, it leaves objects that no backup names, and no backup.

    Args:
        storage: where to.
        key: to seal with.
        contents: name of the store -> its entries, as JSON has them.
        stack: the environment, or its rehearsal.
        account_id: where the content is from.
        region: where the content is from.
        taken: when the export began.
        wrapped_keys: region -> the key as KMS has encrypted it there.
    """
    parts: dict[str, Part] = {}
    for part, entries in contents.items():
        content = json.dumps(entries, sort_keys=True, ensure_ascii=False).encode()
        name = key.name(content)
        there = storage.read(_object(stack, name))
        if there is None or not _opens(key, name, there):
            storage.write(_object(stack, name), key.seal(name, content))
        parts[part] = Part(object=name, entries=len(entries), bytes=len(content))
    digest = key.name(json.dumps({p: e.object for p, e in parts.items()}).encode())[:8]
    manifest = Manifest(
        format=FORMAT,
        id=f"{taken.astimezone(UTC):{_MOMENT}}-{digest}",
        stack=stack,
        account_id=account_id,
        region=region,
        taken=taken,
        key=key.id,
        wrapped_keys=dict(wrapped_keys or {}),
        parts=parts,
    )
    file = {"manifest": manifest.model_dump(mode="json"), "mark": key.mark(manifest.content())}
    text = json.dumps(file, indent=2, sort_keys=True) + "\n"
    storage.write(f"{stack}/backups/{manifest.id}.json", text.encode())
    return manifest


def moment(backup: str) -> datetime:
    """When the export behind a backup's id was begun."""
    return datetime.strptime(backup.partition("-")[0], _MOMENT).replace(tzinfo=UTC)


def _opens(key: BackupKey, name: str, sealed: bytes) -> bool:
    try:
        key.open(name, sealed)
    except DamagedBackupError:
        return False
    return True


def _command(stack: str) -> str:
    """The stack as the command line names it."""
    name = stack.removesuffix(REHEARSAL_SUFFIX)
    return name if name == stack else f"{name} --rehearse"


def ids(storage: Storage, stack: str) -> list[str]:
    """Ids of a stack's backups, the oldest first."""
    files = storage.names(f"{stack}/backups")
    return [name.removesuffix(".json") for name in files if name.endswith(".json")]


def manifest_text(storage: Storage, stack: str, backup: str) -> bytes:
    """The manifest file of a backup; `latest` means the newest.

    Raises:
        UsageError: there is no such backup.
    """
    known = ids(storage, stack)
    if not known:
        raise UsageError(
            f"There is no backup of `{stack}` in this place. Check --at, or make one: "
            f"totara backup run {_command(stack)}"
        )
    wanted = known[-1] if backup == "latest" else backup
    if wanted not in known:
        raise UsageError(f"There is no backup `{backup}` of `{stack}`. The newest: {known[-1]}")
    return storage.read(f"{stack}/backups/{wanted}.json") or b""


def parsed(text: bytes) -> tuple[Manifest, str]:
    """A manifest file's content: the manifest, not yet proved, and its mark.

    Raises:
        DamagedBackupError: it is not a manifest, or of a later format.
    """
    try:
        file = read_json(text)
        _refuse_other_format(file["manifest"]["format"])
        manifest, mark = Manifest.model_validate(file["manifest"]), str(file["mark"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise DamagedBackupError(
            "The manifest is cut off or is none.\n"
            "    fix: take the other copy of the backup, or an earlier backup"
        ) from None
    return manifest, mark


def _refuse_other_format(number: object) -> None:
    if isinstance(number, int) and number != FORMAT:
        which = "a later" if number > FORMAT else "the earlier"
        raise DamagedBackupError(
            f"The backup has format {number}; this version reads format {FORMAT}.\n"
            f"    fix: use {which} version of totara"
        )


def proved(text: bytes, key: BackupKey, *, stack: str, account_id: str) -> Manifest:
    """A manifest that this key's owner wrote, for this stack.

    Raises:
        DamagedBackupError: it is another's, was altered, or the key is another.
    """
    manifest, mark = parsed(text)
    if manifest.key != key.id:
        raise DamagedBackupError(
            f"The backup {manifest.id} was made with key {manifest.key}, and this is {key.id}.\n"
            "    fix: give the key of that id"
        )
    if key.mark(manifest.content()) != mark:
        raise DamagedBackupError(
            f"The manifest of {manifest.id} has been altered after it was written.\n"
            "    fix: take the other copy of the backup, or an earlier backup"
        )
    if (manifest.stack, manifest.account_id) != (stack, account_id):
        raise DamagedBackupError(
            f"The backup {manifest.id} is of `{manifest.stack}` in account "
            f"{manifest.account_id}, not of `{stack}` in {account_id}.\n"
            "    fix: a backup goes back only to where it is from; choose one of this environment"
        )
    return manifest


def contents(storage: Storage, key: BackupKey, manifest: Manifest) -> dict[str, list[Any]]:
    """Everything in a backup, every byte of it proved.

    Raises:
        DamagedBackupError: with all damaged parts, not only the first.
    """
    found: dict[str, list[Any]] = {}
    faults = []
    for part, said in manifest.parts.items():
        sealed = storage.read(_object(manifest.stack, said.object))
        if sealed is None:
            faults.append(f"{part}: object {said.object[:16]} is missing")
            continue
        try:
            found[part] = json.loads(key.open(said.object, sealed))
        except DamagedBackupError:
            faults.append(f"{part}: object {said.object[:16]} was altered or cut off")
    if faults:
        lines = "\n".join(f"    {fault}" for fault in faults)
        raise DamagedBackupError(
            f"The backup {manifest.id} is damaged; nothing of it is used:\n{lines}\n"
            "    fix: take the other copy of the backup, or an earlier backup"
        )
    return found


def manifests(storage: Storage, stack: str) -> Iterator[tuple[str, Manifest | None]]:
    """Every backup of a stack, the newest first; None for one whose manifest can't be read."""
    for backup in reversed(ids(storage, stack)):
        try:
            yield backup, parsed(manifest_text(storage, stack, backup))[0]
        except DamagedBackupError:
            yield backup, None
