"""Pre-token-generation trigger (V2) of both user pools: writes the platform's claims.

It runs at every sign-in and refresh, adds tenant, jurisdiction, party and API scopes to the id
and the access token, and refuses whoever lies outside the licence of his tenant. Whatever is
unclear is refused. It needs the standard library and the AWS SDK only, and logs no personal data.

Environment:
    LICENCE_APPLICATION, LICENCE_ENVIRONMENT, LICENCE_PROFILE: the AppConfig profile that holds
        each tenant's licence.
    LICENCE_POLL_SECONDS: age after which the licences are asked for again.
    LICENCE_KEEP_SECONDS: how long the last known ones serve when AppConfig does not answer.
    POOL: `customers` or `staff`; each pool has a function of its own.
    MFA_ENFORCED: `true` where the pool lets nobody in without a second factor. The trigger can't
        see what was shown at this sign-in, and metadata that a client sends proves nothing.
    API_SCOPES: scopes for the access token, separated by spaces.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

logger = logging.getLogger()
logger.setLevel(logging.INFO)

JURISDICTIONS = ("NZ", "AU")
CLIENT_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
SERVING_STATUS = "live"

Licences = Mapping[str, Mapping[str, str]]


class Refused(Exception):
    """Sign-in is refused. Its text goes to the log and must name no person."""


class LicenceSource:
    """Licences by client id, from the AppConfig profile that the stack deployed.

    The last answer serves for `poll_seconds`; when AppConfig fails, it goes on serving until it is
    `keep_seconds` old, and then nobody signs in.
    """

    def __init__(
        self,
        fetch: Callable[[], str | None],
        poll_seconds: float,
        keep_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._poll_seconds = poll_seconds
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._licences: Licences | None = None
        self._asked = -1e9
        self._known = -1e9

    def licences(self) -> Licences:
        """The current licences.

        Raises:
            Refused: none are known, or the last known ones are too old.
        """
        now = self._clock()
        if self._licences is None or now - self._asked >= self._poll_seconds:
            self._asked = now
            try:
                answer = self._fetch()
                if answer:
                    self._licences = read_licences(answer)
                if self._licences is not None:
                    # An empty answer means: nothing has changed since the last one.
                    self._known = now
            except Exception as error:
                logger.warning(
                    json.dumps({"event": "licences_unavailable", "error": type(error).__name__})
                )
        if self._licences is None or now - self._known > self._keep_seconds:
            raise Refused("licences are not known")
        return self._licences


def read_licences(content: str) -> Licences:
    """The tenants' part of the profile `deployment`."""
    tenants: Licences = json.loads(content)["tenants"]
    return tenants


def decide(
    attributes: Mapping[str, str],
    groups: list[str],
    licences: Licences,
    staff: bool,
    mfa_completed: bool,
) -> dict[str, str]:
    """The claims of a user, or a refusal.

    Args:
        attributes: the user's attributes as Cognito hands them over.
        groups: the user's groups.
        licences: client id -> values of the profile `deployment`.
        staff: whether the user is in the staff pool.
        mfa_completed: whether nobody gets here without a second factor.

    Raises:
        Refused: unknown, planned, suspended or closed tenant; a jurisdiction outside its licence;
            a malformed or missing attribute; no group.
    """
    tenant = attributes.get("custom:tenant_id", "")
    if not CLIENT_ID.match(tenant):
        raise Refused("tenant is malformed")
    licence = licences.get(tenant)
    if licence is None:
        raise Refused("tenant is unknown")
    if licence.get("deployment.status") != SERVING_STATUS:
        raise Refused("tenant is not live")
    wanted = attributes.get("custom:jurisdiction", "").split("+")
    licensed = licence.get("deployment.jurisdiction", "").split("+")
    if not all(j in JURISDICTIONS for j in wanted) or len(set(wanted)) != len(wanted):
        raise Refused("jurisdiction is malformed")
    if len(wanted) > 1 and not staff:
        raise Refused("a customer has one jurisdiction")
    if any(j not in licensed for j in wanted):
        raise Refused("jurisdiction lies outside the licence")
    if not groups:
        raise Refused("no group")
    claims = {
        "custom:tenant_id": tenant,
        "custom:jurisdiction": "+".join(j for j in JURISDICTIONS if j in wanted),
        "mfa_completed": "true" if mfa_completed else "false",
    }
    for name in () if staff else ("custom:user_id", "custom:party_id"):
        claims[name] = _uuid(attributes.get(name, ""))
    return claims


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Refused("an identifier is malformed") from None


def _appconfig_fetch() -> Callable[[], str | None]:
    """A function that asks AppConfig for what changed since it was last called."""
    import boto3
    from botocore.config import Config

    # Cognito gives the trigger five seconds, all told.
    config = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2})
    client = boto3.client("appconfigdata", config=config)
    token: list[str] = []

    def fetch() -> str | None:
        if not token:
            session = client.start_configuration_session(
                ApplicationIdentifier=os.environ["LICENCE_APPLICATION"],
                EnvironmentIdentifier=os.environ["LICENCE_ENVIRONMENT"],
                ConfigurationProfileIdentifier=os.environ["LICENCE_PROFILE"],
                RequiredMinimumPollIntervalInSeconds=15,
            )
            token.append(session["InitialConfigurationToken"])
        try:
            answer = client.get_latest_configuration(ConfigurationToken=token.pop())
        except Exception:
            token.clear()
            raise
        token.append(answer["NextPollConfigurationToken"])
        return answer["Configuration"].read().decode() or None

    return fetch


_source: LicenceSource | None = None


def _licence_source() -> LicenceSource:
    global _source
    if _source is None:
        _source = LicenceSource(
            _appconfig_fetch(),
            float(os.environ["LICENCE_POLL_SECONDS"]),
            float(os.environ["LICENCE_KEEP_SECONDS"]),
        )
    return _source


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point. Raises to refuse, which is how Cognito is told."""
    del context
    request = event["request"]
    try:
        claims = decide(
            request.get("userAttributes") or {},
            (request.get("groupConfiguration") or {}).get("groupsToOverride") or [],
            _licence_source().licences(),
            staff=os.environ["POOL"] == "staff",
            mfa_completed=os.environ["MFA_ENFORCED"] == "true",
        )
    except Refused as refusal:
        logger.info(json.dumps({"event": "sign_in_refused", "reason": str(refusal)}))
        raise
    event["response"]["claimsAndScopeOverrideDetails"] = {
        "idTokenGeneration": {"claimsToAddOrOverride": claims},
        "accessTokenGeneration": {
            "claimsToAddOrOverride": claims,
            "scopesToAdd": os.environ["API_SCOPES"].split(),
        },
    }
    return event
