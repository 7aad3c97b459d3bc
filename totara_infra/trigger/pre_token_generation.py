"""Pre-token-generation trigger (V2) of both user pools: writes the platform's claims.

It runs at every sign-in and refresh, puts tenant, jurisdiction, party, second factor and API scopes
into the id and the access token, and refuses whoever lies outside the licence of his tenant.
Whatever is unclear is refused: to raise is how Cognito is told. It needs the standard library and
the AWS SDK only, and logs no personal data.

Environment:
    LICENCE_APPLICATION, LICENCE_ENVIRONMENT, LICENCE_PROFILE: the AppConfig profile that holds
        each tenant's licence.
    LICENCE_POLL_SECONDS: age after which the licences are asked for again.
    LICENCE_KEEP_SECONDS: how long the last known ones serve when AppConfig does not answer.
    POOL: `customers` or `staff`; each pool has a function of its own.
    MFA_ENFORCED: `true` where the pool lets nobody in without a second factor. The trigger can't
        see what was shown at this sign-in, and metadata that a client sends proves nothing.
    CLAIMS: the pool's claims as the catalogue declares them, a JSON list of objects with `name`,
        `origin` (`attribute` or `trigger`), `tokens`, `format`, `values`, `maximum_length` and
        `required`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

logger = logging.getLogger()
logger.setLevel(logging.INFO)

TENANT = "custom:tenant_id"
JURISDICTION = "custom:jurisdiction"
LICENSABLE = {"NZ": {"NZ"}, "AU": {"AU"}, "NZ+AU": {"NZ", "AU"}}
SERVING_STATUS = "live"
FEDERATED = "EXTERNAL_PROVIDER"
SELF_SERVICE_SCOPE = "aws.cognito.signin.user.admin"
"""With this scope a token changes its own user in Cognito, past every check of the platform."""
_FORMATS = {
    "client_id": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"),
    "uuid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "text": re.compile(r"[^\x00-\x1f\x7f]+"),
}
# Cognito waits five seconds in all; a session and a look at the configuration fit in four.
_CONNECT_SECONDS = _READ_SECONDS = 1

Licences = Mapping[str, Mapping[str, object]]
Claims = Sequence[Mapping[str, Any]]


class Refused(Exception):
    """Sign-in is refused. Its text goes to the log and to the client: it must name no person."""


class LicenceSource:
    """Licences by client id, from the AppConfig profile that the stack deployed.

    The last answer serves for `poll_seconds`; when AppConfig fails, it goes on serving until it is
    `keep_seconds` old, and then nobody signs in.

    Args:
        fetch: asks AppConfig; the content, or None where nothing has changed since the last call.
        poll_seconds: age after which it is asked again.
        keep_seconds: greatest age of an answer that still serves.
        clock: seconds that never go back.
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
        self._asked = 0.0
        self._known = 0.0

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
                if answer is not None:
                    self._licences = read_licences(answer)
                # No content means: nothing has changed, so what is known holds from now on.
                self._known = now
            except Exception as error:
                logger.warning(
                    json.dumps({"event": "licences_unavailable", "error": type(error).__name__})
                )
        if self._licences is None or now - self._known > self._keep_seconds:
            raise Refused("licences are not known")
        return self._licences


def read_licences(content: str) -> Licences:
    """The tenants' part of the profile `deployment`.

    Raises:
        ValueError: the content is not of that shape.
    """
    profile = json.loads(content)
    tenants = profile.get("tenants") if isinstance(profile, dict) else None
    if not isinstance(tenants, dict) or not all(isinstance(t, dict) for t in tenants.values()):
        raise ValueError("the profile holds no tenants")
    return tenants


def decide(
    attributes: Mapping[str, object],
    groups: Sequence[object],
    licences: Licences,
    claims: Claims,
) -> dict[str, str]:
    """The claims that come from attributes of a user, or a refusal.

    Args:
        attributes: the user's attributes as Cognito hands them over.
        groups: the user's groups.
        licences: client id -> values of the profile `deployment`.
        claims: the pool's claims of origin `attribute`.

    Returns:
        Name of the claim -> value, tenant and jurisdiction among them.

    Raises:
        Refused: unknown, planned, suspended or closed tenant; a jurisdiction outside its licence;
            a malformed or missing attribute; no group.
    """
    found: dict[str, str] = {}
    for claim in claims:
        value = attributes.get(claim["name"])
        if value is None and not claim["required"]:
            continue
        found[claim["name"]] = _checked(claim, value)
    if TENANT not in found or JURISDICTION not in found:
        raise Refused("tenant and jurisdiction are not among the claims")
    licence = licences.get(found[TENANT])
    if licence is None:
        raise Refused("tenant is unknown")
    if licence.get("deployment.status") != SERVING_STATUS:
        raise Refused("tenant is not live")
    wanted = LICENSABLE.get(found[JURISDICTION])
    licensed = LICENSABLE.get(str(licence.get("deployment.jurisdiction")))
    if wanted is None or licensed is None or not wanted <= licensed:
        raise Refused("jurisdiction lies outside the licence")
    if not groups or not all(isinstance(group, str) and group for group in groups):
        raise Refused("user is in no group")
    return found


def _checked(claim: Mapping[str, Any], value: object) -> str:
    name = claim["name"]
    if not isinstance(value, str) or not value:
        raise Refused(f"{name} is missing")
    fits = len(value) <= claim["maximum_length"] and _FORMATS[claim["format"]].fullmatch(value)
    if not fits or (claim["values"] is not None and value not in claim["values"]):
        raise Refused(f"{name} is malformed")
    return value


def respond(event: Mapping[str, Any], licences: Licences) -> dict[str, Any]:
    """What Cognito is to write into both tokens.

    Args:
        event: as Cognito sends it.
        licences: client id -> values of the profile `deployment`.

    Raises:
        Refused: see `decide`.
    """
    request = event["request"]
    attributes = request["userAttributes"]
    groups = request["groupConfiguration"]["groupsToOverride"] or []
    declared: Claims = json.loads(os.environ["CLAIMS"])
    own = [claim for claim in declared if claim["origin"] == "attribute"]
    values = decide(attributes, groups, licences, own)
    # The pool asks for no second factor of those whom another identity provider vouches for.
    federated = "identities" in attributes or attributes.get("cognito:user_status") == FEDERATED
    enforced = os.environ["MFA_ENFORCED"] == "true" and not federated
    scopes = next((c["values"] or [] for c in declared if c["name"] == "scope"), [])
    client = event["callerContext"]["clientId"]
    if not isinstance(client, str) or not client:
        raise Refused("client is unknown")
    values |= {"mfa_completed": "true" if enforced else "false"}
    tokens = {c["name"]: c["tokens"] for c in declared}

    def of(token: str) -> dict[str, str]:
        return {name: value for name, value in values.items() if token in tokens.get(name, ())}

    identity, access = of("id"), of("access")
    if "id" in tokens.get("scope", ()):
        identity["scope"] = " ".join(scopes)
    if "access" in tokens.get("aud", ()):
        # Cognito takes no other value here, and sets it in the id token by itself.
        access["aud"] = client
    return {
        "idTokenGeneration": {"claimsToAddOrOverride": identity},
        "accessTokenGeneration": {
            "claimsToAddOrOverride": access,
            "scopesToAdd": list(scopes),
            "scopesToSuppress": [SELF_SERVICE_SCOPE],
        },
    }


def _appconfig_fetch() -> Callable[[], str | None]:
    """A function that asks AppConfig for what changed since it was last called."""
    # The SDK's core: boto3 on top of it would only make the first sign-in slower.
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import ClientError

    client: Any = botocore.session.get_session().create_client(
        "appconfigdata",
        region_name=os.environ["AWS_REGION"],
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )
    token: list[str] = []

    def latest() -> str | None:
        # Taken out first: a token serves once, and after a failure a new session is needed.
        answer = client.get_latest_configuration(ConfigurationToken=token.pop())
        token.append(answer["NextPollConfigurationToken"])
        content: str = answer["Configuration"].read().decode()
        return content or None

    def fetch() -> str | None:
        if token:
            try:
                return latest()
            except ClientError as error:
                # A token holds for 24 hours; a function that slept longer has to start again.
                if error.response["Error"]["Code"] != "BadRequestException":
                    raise
        session = client.start_configuration_session(
            ApplicationIdentifier=os.environ["LICENCE_APPLICATION"],
            EnvironmentIdentifier=os.environ["LICENCE_ENVIRONMENT"],
            ConfigurationProfileIdentifier=os.environ["LICENCE_PROFILE"],
            RequiredMinimumPollIntervalInSeconds=15,
        )
        token.append(session["InitialConfigurationToken"])
        return latest()

    return fetch


def source_from_environment() -> LicenceSource:
    """The licence source that the function's environment describes."""
    return LicenceSource(
        _appconfig_fetch(),
        float(os.environ["LICENCE_POLL_SECONDS"]),
        float(os.environ["LICENCE_KEEP_SECONDS"]),
    )


# Made while Lambda starts the function, when it gives it more processor time than at a call.
_source = source_from_environment() if "LICENCE_APPLICATION" in os.environ else None


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Entry point.

    Raises:
        Refused: this sign-in or refresh gets no token.
    """
    del context
    try:
        if _source is None:
            raise Refused("licences are not known")
        response = respond(event, _source.licences())
    except Refused as refusal:
        _log(event, str(refusal))
        raise
    except Exception as error:
        # Its text or traceback might hold an attribute.
        _log(event, f"unexpected {type(error).__name__}")
        raise Refused("sign-in could not be decided") from None
    event["response"] = {"claimsAndScopeOverrideDetails": response}
    return event


def _log(event: object, reason: str) -> None:
    source = event.get("triggerSource") if isinstance(event, dict) else None
    known = isinstance(source, str) and re.fullmatch(r"TokenGeneration_\w{1,40}", source)
    logger.warning(
        json.dumps(
            {
                "event": "sign_in_refused",
                "pool": os.environ.get("POOL"),
                "source": source if known else None,
                "reason": reason,
            }
        )
    )
