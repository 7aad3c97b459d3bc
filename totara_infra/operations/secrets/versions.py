"""Versions of a secret: what is current, and what waits under the label `AWSPENDING`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError
from pydantic import SecretStr

from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.secrets.inventory import CURRENT

PENDING = "AWSPENDING"
"""Label of a value that is there to be read, but not in use yet; Secrets Manager's own word."""
EARLIER = "AWSPREVIOUS"
"""Label that Secrets Manager gives to the value that was current before."""


@dataclass(frozen=True)
class Version:
    """One value of a secret.

    Attributes:
        id: Secrets Manager's id of the version.
        value: what it holds.
        since: when the version was written, by AWS's clock.
        seen: AWS's clock when it was read.
    """

    id: str
    value: SecretStr
    since: datetime
    seen: datetime


def version_at(live: Live, path: str, label: str = CURRENT) -> Version | None:
    """The version under a label; None where no version with a value carries it."""
    with explained(f"reading {path}"):
        try:
            answer = live.client("secretsmanager").get_secret_value(
                SecretId=path, VersionStage=label
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
    if "SecretString" not in answer:
        return None
    return Version(
        answer["VersionId"],
        SecretStr(answer["SecretString"]),
        answer["CreatedDate"],
        _clock(answer),
    )


def _clock(answer: Any) -> datetime:
    """AWS's clock: ours may be wrong by minutes before AWS refuses a signature."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(date) if date else datetime.now(UTC)


def stage(live: Live, path: str, value: SecretStr) -> None:
    """Write a value that is not in use yet."""
    with explained(f"storing a next value in {path}"):
        live.client("secretsmanager").put_secret_value(
            SecretId=path, SecretString=value.get_secret_value(), VersionStages=[PENDING]
        )


def unstage(live: Live, path: str, version: Version) -> None:
    """Take the label off a pending version; AWS then forgets it, unless it has another."""
    with explained(f"discarding the next value of {path}"):
        live.client("secretsmanager").update_secret_version_stage(
            SecretId=path, VersionStage=PENDING, RemoveFromVersionId=version.id
        )


def write(live: Live, path: str, value: SecretStr) -> None:
    """Write a value and make it current in one step.

    A new version rather than a moved label: its date then says since when it is in use.
    """
    with explained(f"storing {path}"):
        live.client("secretsmanager").put_secret_value(
            SecretId=path, SecretString=value.get_secret_value()
        )
