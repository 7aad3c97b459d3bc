"""Where a backup's key comes from: a file, a file descriptor, or KMS. Never an argument."""

from __future__ import annotations

import base64
import os
import stat
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


def new_key_from_kms(live: Live, kms_key: str, stack: str) -> tuple[BackupKey, str]:
    """A key of this backup's own, and the form of it that only KMS can open.

    Raises:
        AwsRefusedError: no such KMS key, or no permission.
    """
    with explained(f"asking KMS key {kms_key} for a data key"):
        answer = live.client("kms").generate_data_key(
            KeyId=kms_key, KeySpec="AES_256", EncryptionContext=_context(stack)
        )
    wrapped = base64.b64encode(answer["CiphertextBlob"]).decode()
    return BackupKey(answer["Plaintext"]), wrapped


def key_from_kms(live: Live, manifest: Manifest, stack: str) -> BackupKey:
    """The key of a backup that was made with KMS.

    Raises:
        UsageError: the backup was made with a key in somebody's keeping.
        AwsRefusedError: KMS does not open it, for instance as it is another environment's.
    """
    if manifest.wrapped_key is None:
        raise UsageError(
            f"The backup {manifest.id} was made with key {manifest.key}, which no service keeps. "
            "Give it with --key-file FILE or --key-fd N."
        )
    with explained("opening the key of the backup with KMS"):
        answer = live.client("kms").decrypt(
            CiphertextBlob=base64.b64decode(manifest.wrapped_key),
            EncryptionContext=_context(stack),
        )
    return BackupKey(answer["Plaintext"])
