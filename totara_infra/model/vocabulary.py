"""The words of the catalogue as types: enumerations, identifiers, patterns."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

DAY_ERROR = "calendar_day"
"""Kind of the error that `Day` reports."""


def _day(value: object) -> date:
    # Pydantic's own reading of a date also takes numbers, as seconds since 1970.
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError(DAY_ERROR, "it is not a day of the calendar")


class Environment(StrEnum):
    """Where a stack runs. The stack's file says it, and its name begins with it."""

    LOCAL = "local"
    """A developer's machine: emulated AWS, throwaway."""
    DEV = "dev"
    """Shared baseline of every merge to main, minimum scale, synthetic data only."""
    UAT = "uat"
    """Pre-release, the shape of production at reduced capacity, synthetic data only."""
    PROD = "prod"
    """Live."""

    @property
    def keeps_state(self) -> bool:
        """Whether stateful resources are protected here (uat and prod)."""
        return self in (Environment.UAT, Environment.PROD)


class Provenance(StrEnum):
    """Who says so."""

    PUBLISHED = "published"
    """The platform's reference gives it."""
    ASSUMED = "assumed"
    """We chose it, because the reference is silent or contradicts itself."""


class Source(StrEnum):
    """Where a declared thing comes from."""

    VALUE = "value"
    """A default in the catalogue, perhaps one for each environment. Written by this program."""
    RESOURCE = "resource"
    """This program makes the thing, or it is an attribute of a thing that this program makes."""
    DEPLOYMENT = "deployment"
    """The module's own pipeline makes it: listed, granted and verified here, never made here."""


class Reload(StrEnum):
    """What it takes until a reader sees a changed value."""

    HOT = "hot"
    """The reader polls; a new value is live within its poll interval."""
    REDEPLOY = "redeploy"
    """The reader sees it when it is deployed again."""


class ValueType(StrEnum):
    """The type of a configuration value. SSM stores all of them as text."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    """A decimal number."""
    BOOLEAN = "boolean"
    URL = "url"
    """`https://…`, or `http://` on a loopback address."""
    ARN = "arn"
    """An Amazon resource name."""
    SCHEDULE = "schedule"
    """`rate(…)` or `cron(…)` with six fields, as EventBridge takes them."""
    TIME_ZONE = "time_zone"
    """A name of the IANA time zone database, such as `Pacific/Auckland`."""
    STRING_LIST = "string_list"
    """Comma-separated in SSM, an array in AppConfig."""


class SettingKind(StrEnum):
    """What an AppConfig key is for."""

    FLAG = "flag"
    """Switches a feature: boolean."""
    SETTING = "setting"
    """An operational threshold, limit or interval."""


class KeyClass(StrEnum):
    """The three customer-managed KMS keys, by data classification."""

    FINANCIAL = "financial"
    OPERATIONAL = "operational"
    PII = "pii"


class InstitutionType(StrEnum):
    """The legal form of a client institution. Decides whether members' equity exists."""

    MUTUAL = "mutual"
    """Building society, credit union or mutual bank."""
    PROPRIETARY = "proprietary"
    """A bank in the form of a company."""


class Jurisdiction(StrEnum):
    """Whose law an account or customer falls under. A tenant's licence is a set of these."""

    NZ = "NZ"
    AU = "AU"


class TenantStatus(StrEnum):
    """The stage of a client's life on the platform."""

    PLANNED = "planned"
    """Composed and checked; no customer signs in yet."""
    LIVE = "live"
    SUSPENDED = "suspended"
    """Resources stay, sign-in is refused."""
    CLOSED = "closed"
    """Kept for retention duties only; sign-in is refused."""


class Rotation(StrEnum):
    """How a secret gets a new value."""

    AUTOMATIC = "automatic"
    """By the rotation function of MOD-045, on a schedule."""
    MANUAL = "manual"
    """By a person, on the event that the catalogue names."""
    GRACE = "grace"
    """Active and previous side by side, so that nothing signed a moment ago fails."""


class SecretFormat(StrEnum):
    """The form of a secret's content, checked before it is stored."""

    TEXT = "text"
    """An opaque key or token."""
    POSTGRESQL_URL = "postgresql_url"
    PRIVATE_KEY_PEM = "private_key_pem"
    HMAC_KEY = "hmac_key"
    """At least 32 random bytes."""
    JSON = "json"


class Outcome(StrEnum):
    """How a check of one thing ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


KEPT_TYPES = {
    "aws:secretsmanager/secret:Secret": "secret",
    "aws:cognito/userPool:UserPool": "user pool",
    "aws:s3/bucket:Bucket": "bucket",
    "aws:kms/key:Key": "key",
    "aws:backup/vault:Vault": "backup vault",
}
"""What must not be deleted in uat and prod unless it is named."""

MODULE_ID = re.compile(r"^MOD-\d{3}$")
DOMAIN_ID = re.compile(r"^SD0[1-8]$")
SLUG = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
SETTING_KEY = re.compile(r"^[a-z][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*){1,5}$")

ModuleId = Annotated[str, StringConstraints(pattern=MODULE_ID.pattern)]
"""`MOD-` and three digits."""
DomainId = Annotated[str, StringConstraints(pattern=DOMAIN_ID.pattern)]
"""`SD01` to `SD08`."""
Slug = Annotated[str, StringConstraints(pattern=SLUG.pattern, max_length=64)]
"""Lower-case words joined by single hyphens."""
SettingKey = Annotated[str, StringConstraints(pattern=SETTING_KEY.pattern, max_length=120)]
"""Dotted AppConfig key, `{domain}.{feature}.{variant}`."""

RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$")]
"""The name of an IAM role, without path or wildcard (CreateRole, botocore service model)."""
TagValue = Annotated[
    str, StringConstraints(pattern=r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$", max_length=256)
]
"""The value of a tag: what every service takes, see "Tagging AWS resources"."""


def _sentence(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; say why in one sentence")
    if not text.rstrip().endswith((".", "?", "!")):
        raise ValueError("is not a sentence; end it with a full stop")
    return text.strip()


Sentence = Annotated[str, AfterValidator(_sentence)]
"""Prose for the manifests, ending in a full stop."""


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise ValueError("has more than one line; write it in one")
    return text


Phrase = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=3), AfterValidator(_one_line)
]
"""A few words on one line, no full stop needed."""

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
"""Nothing that people write here is older or lies further ahead."""


def _plausible(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} can't be meant; write a day from {FIRST_DAY} to {LAST_DAY}")
    return day


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_plausible)]
"""A calendar day, written as YYYY-MM-DD, such as 2026-11-27."""
