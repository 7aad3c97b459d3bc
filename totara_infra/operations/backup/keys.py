"""Where a backup's key comes from: a file, a file descriptor, or KMS. Never an argument."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from totara_infra.model.problems import UsageError
from totara_infra.operations.backup.archive import Manifest
from totara_infra.operations.backup.sealing import BackupKey
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained


def key_from_file(path: Path) -> BackupKey:
    """Read a key file, which nobody but its owner may be able to read.

    Raises:
        UsageError: it can't be read, others can read it, or it holds no key.
    """
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise UsageError(
                f"`{path}` can be read by others, and opens every backup. Run: chmod 600 {path}"
            )
        return BackupKey.from_text(path.read_text(encoding="ascii"))
    except OSError as error:
        raise UsageError(f"The key file `{path}` can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"`{path}` is no key: it must hold 64 hexadecimal digits.") from None


def key_from_descriptor(number: int) -> BackupKey:
    """Read a key from an open file descriptor.

    Raises:
        UsageError: it is not open, or what comes is no key.
    """
    try:
        with os.fdopen(number, "r", encoding="ascii") as source:
            return BackupKey.from_text(source.read())
    except OSError as error:
        raise UsageError(f"File descriptor {number} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"File descriptor {number} gave no key.") from None


def _context(stack: str) -> dict[str, str]:
    """What KMS holds against a key that is to be decrypted, and writes into CloudTrail."""
    return {"totara:backup-of": stack}


def new_key_from_kms(
    live: Live, kms_key: str, stack: str, elsewhere: Mapping[str, str]
) -> tuple[BackupKey, dict[str, str]]:
    """A key of this backup's own, and the forms of it that only KMS can open.

    Args:
        live: access to the stack.
        kms_key: alias or id of the KMS key in the stack's region.
        stack: the engine's name of it.
        elsewhere: region -> KMS key there that opens the backup too, when the first one is lost.

    Returns:
        The key, and region -> the key as KMS has encrypted it there.

    Raises:
        AwsRefusedError: no such KMS key, or no permission.
    """
    with explained(f"asking KMS key {kms_key} for a data key"):
        answer = live.client("kms").generate_data_key(
            KeyId=kms_key, KeySpec="AES_256", EncryptionContext=_context(stack)
        )
    wrapped = {live.settings.region: answer["CiphertextBlob"]}
    for region, other in elsewhere.items():
        with explained(f"asking KMS key {other} in {region} to wrap the data key"):
            wrapped[region] = live.client("kms", region=region).encrypt(
                KeyId=other, Plaintext=answer["Plaintext"], EncryptionContext=_context(stack)
            )["CiphertextBlob"]
    texts = {region: base64.b64encode(blob).decode() for region, blob in wrapped.items()}
    return BackupKey(answer["Plaintext"]), texts


def key_from_kms(live: Live, manifest: Manifest, stack: str) -> BackupKey:
    """The key of a backup that was made with KMS.

    Raises:
        UsageError: the backup was made with a key in somebody's keeping.
        AwsRefusedError: KMS does not open it, for instance as it is another environment's.
    """
    if not manifest.wrapped_keys:
        raise UsageError(
            f"The backup {manifest.id} was made with key {manifest.key}, which no service keeps. "
            "Give it with --key-file FILE or --key-fd N."
        )
    wrapped = manifest.wrapped_keys.get(live.settings.region)
    if wrapped is None:
        regions = ", ".join(manifest.wrapped_keys)
        raise UsageError(
            f"KMS opens the backup {manifest.id} in {regions} only, and this stack is in "
            f"{live.settings.region}. Take one with a key in somebody's keeping, or one that was "
            "made where the catalogue has a vault in the other region."
        )
    with explained("opening the key of the backup with KMS"):
        answer = live.client("kms").decrypt(
            CiphertextBlob=base64.b64decode(wrapped),
            EncryptionContext=_context(stack),
        )
    return BackupKey(answer["Plaintext"])
