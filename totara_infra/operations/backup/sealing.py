"""Encryption of a backup: AES-256-GCM under keys that are derived from one master key.

An object is named by a keyed digest of its content, so that equal content is stored once and
nobody without the key can tell what it is. The name is part of what is authenticated: an object
that was altered, cut off or put in another's place does not open.
"""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from totara_infra.model.problems import TotaraError, UsageError

KEY_BYTES = 32
_NONCE_BYTES = 12
_HOW = "Make one with: totara backup new-key FILE"


class DamagedBackupError(TotaraError):
    """A backup that must not be used: truncated, altered, or not of this environment."""

    exit_code = 1


class BackupKey:
    """The key of a backup. Never shown: it has no useful representation."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise UsageError(
                f"The key has {len(master)} bytes and must have {KEY_BYTES}, as 64 hexadecimal "
                f"digits. {_HOW}"
            )
        self._master = master

    @classmethod
    def from_text(cls, text: str) -> BackupKey:
        """Read a key as it stands in its file.

        Raises:
            UsageError: it is no key; what stood there is not repeated.
        """
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError:
            raise UsageError(f"The key must be 64 hexadecimal digits. {_HOW}") from None

    def _derived(self, purpose: str) -> bytes:
        derivation = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"totara backup {purpose}".encode())
        return derivation.derive(self._master)

    @property
    def id(self) -> str:
        """What a manifest says of its key: enough to recognise it, of no use to find it."""
        return self._derived("id").hex()[:16]

    def name(self, content: bytes) -> str:
        """Name of an object with this content: 64 hexadecimal digits."""
        return hmac.new(self._derived("names"), content, sha256).hexdigest()

    def seal(self, name: str, content: bytes) -> bytes:
        """Encrypt an object."""
        nonce = os.urandom(_NONCE_BYTES)
        key = self._derived(f"object {name}")
        return nonce + AESGCM(key).encrypt(nonce, content, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes:
        """Decrypt an object.

        Raises:
            DamagedBackupError: it is not what was stored under that name.
        """
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self._derived(f"object {name}")).decrypt(nonce, text, name.encode())
        except (InvalidTag, ValueError):
            raise DamagedBackupError(
                f"Object {name[:16]} has been altered or cut off: it does not open.\n"
                "    fix: take the other copy of the backup, or an earlier backup"
            ) from None

    def mark(self, content: bytes) -> str:
        """Proof that somebody with the key wrote a manifest."""
        return hmac.new(self._derived("manifest"), content, sha256).hexdigest()


def write_new_key(path: Path) -> BackupKey:
    """Make a key and write it to a file that only its owner can read.

    Raises:
        UsageError: the file is there already, or can't be written.
    """
    master = os.urandom(KEY_BYTES)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(
            f"`{path}` exists. A key is never overwritten: what it sealed could not be opened."
        ) from None
    except OSError as error:
        raise UsageError(f"`{path}` can't be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(master.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return BackupKey(master)
