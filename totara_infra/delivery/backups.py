"""Backups of a stack by its name: where they lie, what opens them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from totara_infra.delivery.stacks import engine_stack, live_context, offline_context
from totara_infra.local.project import state_directory
from totara_infra.model.problems import UsageError
from totara_infra.model.stack import is_recovery, primary_of
from totara_infra.operations.backup.archive import Manifest, contents, manifest_text, parsed, proved
from totara_infra.operations.backup.keys import key_from_descriptor, key_from_file, key_from_kms
from totara_infra.operations.backup.schedule import export_place
from totara_infra.operations.backup.sealing import BackupKey
from totara_infra.operations.backup.storage import storage_at
from totara_infra.operations.live import Live
from totara_infra.resolver import load_catalogue


def place_of(environment: str, rehearse: bool, at: str | None) -> str:
    """Where the backups are: as given, in the bucket of the exports, or on this machine.

    Raises:
        UsageError: no such stack.
        ProblemsError: what is wrong in the files.
    """
    declared = None
    if at is None and not rehearse:
        settings = offline_context(environment, rehearse).settings
        declared = export_place(load_catalogue().catalogue.stores, settings)
    return at or declared or str(state_directory() / "backups")


def access(environment: str, rehearse: bool, place: str, *, asks_kms: bool = False) -> Live:
    """Access to a stack, as far as it takes to reach a place.

    A folder can be read while the environment that it has the backups of is gone.

    Args:
        environment: the stack.
        rehearse: its rehearsal.
        place: as `place_of` gives it.
        asks_kms: KMS has the key, so its emulator must run where the stack is emulated.

    Raises:
        UsageError: no such stack, or its emulator is not running.
        ProblemsError: what is wrong in the files.
    """
    if not asks_kms and not place.startswith("s3://"):
        return offline_context(environment, rehearse)
    return live_context(environment, rehearse)[1]


def source_of(environment: str, rehearse: bool, primary: bool) -> str:
    """The stack whose backup is meant, by the engine's name.

    Args:
        environment: the stack that gets it.
        rehearse: its rehearsal.
        primary: a recovery stack gets that of the stack which it stands in for.

    Raises:
        UsageError: no such stack, or none that stands in for another.
    """
    stack = engine_stack(environment, rehearse)
    if primary and not is_recovery(stack):
        raise UsageError(
            f"--primary is for a recovery stack, and `{environment}` is none. Write "
            f"`{environment}-recovery`, or leave it out."
        )
    return primary_of(stack) if primary else stack


def given_key(key_file: Path | None, key_fd: int | None) -> BackupKey:
    """The key that somebody keeps.

    Raises:
        UsageError: none was given, or it is none.
    """
    if key_file is not None:
        return key_from_file(key_file)
    if key_fd is not None:
        return key_from_descriptor(key_fd)
    raise UsageError("Give the key with --key-file FILE or --key-fd N.")


def opened(
    live: Live,
    stack: str,
    place: str,
    backup: str,
    key_file: Path | None,
    key_fd: int | None,
) -> tuple[Manifest, dict[str, list[Any]]]:
    """A backup, every byte of it proved: its manifest, and name of the store -> entries.

    Args:
        live: access to the account that it must be of.
        stack: the engine's name of the stack that it must be of.
        place: where it is.
        backup: its id, or `latest`.
        key_file: the key; KMS has it where neither this nor `key_fd` is given.
        key_fd: the same, as an open file descriptor.

    Raises:
        UsageError: there is no such backup, or the key is none.
        DamagedBackupError: it must not be used.
        AwsRefusedError: the place or KMS does not answer.
    """
    if key_file is not None and key_fd is not None:
        raise UsageError("Give the key once: --key-file FILE or --key-fd N.")
    storage = storage_at(place, live)
    text = manifest_text(storage, stack, backup)
    if key_file is None and key_fd is None:
        key = key_from_kms(live, parsed(text)[0], stack)
    else:
        key = given_key(key_file, key_fd)
    manifest = proved(text, key, stack=stack, account_id=live.settings.account_id)
    return manifest, contents(storage, key, manifest)
