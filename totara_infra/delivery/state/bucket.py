"""A bucket of S3 as the backend in which the engine keeps state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.delivery.state.errors import StateError
from totara_infra.delivery.state.store import StateStore


class BucketStore(StateStore):
    """A bucket of S3 or of what speaks like it, `s3://BUCKET/PREFIX?region=…&endpoint=…`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        parts = urlsplit(url)
        asked = {name.lower(): values[-1] for name, values in parse_qs(parts.query).items()}
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        endpoint = asked.get("endpoint")
        if endpoint and "://" not in endpoint:
            plain = asked.get("disablessl", asked.get("disable_https", "false")) == "true"
            endpoint = f"http{'' if plain else 's'}://{endpoint}"
        by_path = asked.get("s3forcepathstyle", asked.get("use_path_style", "false")) == "true"
        with self._answering():
            session = boto3.Session(
                region_name=asked.get("region"), profile_name=asked.get("profile")
            )
            self._client = session.client(
                "s3",
                endpoint_url=endpoint,
                config=Config(s3={"addressing_style": "path" if by_path else "auto"}),
            )

    def keys(self, prefix: str) -> list[str]:
        """List the objects of a prefix."""
        paging = self._client.get_paginator("list_objects_v2")
        with self._answering():
            pages = list(paging.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix))
        found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key.removeprefix(self._prefix) for key in found)

    def get(self, key: str) -> bytes | None:
        """Read an object."""
        with self._answering():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            except self._client.exceptions.NoSuchKey:
                return None
            content: bytes = answer["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        """Write an object, which S3 does whole or not at all."""
        with self._answering():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=content)

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self._answering():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def place(self, key: str) -> str:
        """The URL of the object."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise StateError(
                f"The state's bucket {self._bucket} does not answer as it should: {error}. See "
                "that PULUMI_BACKEND_URL names it with its region, and that the credentials may "
                "read and write it."
            ) from None
