"""Where backups lie: a folder of this machine, or a prefix in an S3 bucket."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from botocore.exceptions import ClientError

from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained

_S3 = "s3://"
_MISSING = ("NoSuchKey", "404", "NotFound")


class Storage(Protocol):
    """Files by name; a file is there as a whole or not at all."""

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Store a file as a whole."""

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, sorted."""


class Folder:
    """Files under a folder of this machine, readable by their owner only."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TotaraError(f"`{self._root / name}` can't be read: {error.strerror}.") from None

    def write(self, name: str, content: bytes) -> None:
        """Store a file: under another name first, so that no half of it is ever seen."""
        path = self._root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise TotaraError(
                f"`{path}` can't be written: {error.strerror}.\n"
                "    fix: make room or choose another place with --at, then run it again"
            ) from None

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, sorted."""
        place = self._root / folder
        if not place.is_dir():
            return []
        return sorted(p.name for p in place.iterdir() if not p.name.startswith("."))


class Bucket:
    """Files under a prefix of a bucket; S3 shows an object only when it has all of it."""

    def __init__(self, live: Live, bucket: str, prefix: str) -> None:
        self._client = live.client("s3")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""
        with explained(f"reading {name} from bucket {self._bucket}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
            content: bytes = answer["Body"].read()
            return content

    def write(self, name: str, content: bytes) -> None:
        """Store a file."""
        with explained(f"writing {name} to bucket {self._bucket}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)

    def names(self, folder: str) -> list[str]:
        """Names of the files directly in a folder, sorted."""
        prefix = f"{self._prefix}{folder}/"
        with explained(f"listing bucket {self._bucket}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
            found = [o["Key"] for page in pages for o in page.get("Contents", [])]
        return sorted(key.removeprefix(prefix) for key in found)


def storage_at(place: str, live: Live) -> Storage:
    """The storage that an option names.

    Args:
        place: a folder, or `s3://BUCKET/PREFIX`.
        live: access to the account of the bucket.

    Raises:
        UsageError: the address has no bucket, or is of another kind.
    """
    if place.startswith(_S3):
        bucket, _, prefix = place.removeprefix(_S3).partition("/")
        if not bucket:
            raise UsageError(f"`{place}` names no bucket. Write s3://BUCKET/PREFIX.")
        return Bucket(live, bucket, prefix.strip("/"))
    if "://" in place:
        raise UsageError(f"`{place}` is neither a folder nor s3://BUCKET/PREFIX.")
    return Folder(Path(place))
