"""Pre-token-generation trigger (V2) of both user pools: writes the platform's claims.

It runs at every sign-in and refresh, puts tenant, jurisdiction, party, second factor and API scopes
into the id and the access token, and refuses whoever lies outside the licence of his tenant.
Whatever is unclear is refused: to raise is how Cognito is told. It needs the standard library and
the AWS SDK only, and logs no personal data.

Environment:
    LICENCE_APPLICATION, LICENCE_ENVIRONMENT, LICENCE_PROFILE: the AppConfig profile that holds
        each tenant's licence.
    LICENCE_POLL_SECONDS: age after which the licences are asked for again.
    LICENCE_KEEP_SECONDS: how long the last known ones serve when AppConfig does not answer, 900 at
        most.
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
import math
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
MOST_SECONDS = 900
"""Greatest age of licences by which anybody signs in, whatever the environment says."""
_LEAST_POLL_SECONDS = 15
"""The shortest interval that AppConfig takes."""
_RETRY_SECONDS = 15  # While AppConfig is down, every look holds up a sign-in for seconds.
_CLOCK_TOLERANCE = 1.0
"""Seconds by which the wall clock may fall behind the steady one without having been set back."""

Licences = Mapping[str, Mapping[str, object]]
Claims = Sequence[Mapping[str, Any]]


class Refused(Exception):
    """Sign-in is refused. Its text goes to the log and to the client; it must name no person."""


class Clocks(NamedTuple):
    """What every clock at hand shows, in seconds. None can be trusted by itself.

    Attributes:
        steady: never goes back, and stands still while Lambda has the function suspended.
        wall: may be set back or forward, and may be late after a suspension.
        invoked: start of this request, which Lambda passes with every invocation. It comes from
            outside, so a suspension can't touch it.
    """

    steady: float
    wall: float
    invoked: float | None = None


def read_clocks() -> Clocks:
    """The clocks as they are now."""
    # Unlike CLOCK_MONOTONIC it goes on while a whole machine sleeps; macOS does not have it.
    steady = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
    # The time in the trace id is that of the request. Lambda makes one where the caller sent none:
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-x-ray.html
    trace = re.search(r"\bRoot=1-([0-9a-f]{8})-", os.environ.get("_X_AMZN_TRACE_ID", ""))
    return Clocks(steady, time.time(), int(trace[1], 16) if trace else None)


class Age:
    """How long ago something was, by the clock that saw the most time pass. It never shrinks.

    When the wall clock is set back, a suspension may hide behind that, so the age is infinite.
    """

    def __init__(self, since: Clocks) -> None:
        self._since = self._last = since
        self._seconds = 0.0

    def at(self, now: Clocks) -> float:
        """The age in seconds; readings must come in the order in which they were taken."""
        steady = now.steady - self._last.steady
        if now.wall - self._last.wall < steady - _CLOCK_TOLERANCE:
            self._seconds = math.inf
        passed = [now.steady - self._since.steady, now.wall - self._since.wall]
        if now.invoked is not None and self._since.invoked is not None:
            passed.append(now.invoked - self._since.invoked)
        self._seconds = max(self._seconds + steady, *passed)
        self._last = now
        return self._seconds


class LicenceSource:
    """Licences by client id, from the AppConfig profile that the stack deployed.

    An answer serves for `poll_seconds`, counted from before it was asked for; when AppConfig fails,
    until it is `keep_seconds` old. Then nobody signs in.

    Args:
        fetch: asks AppConfig; the licences, or None where those of the last call are the latest.
        poll_seconds: age after which it is asked again.
        keep_seconds: greatest age of an answer that still serves.
        clocks: reads the clocks.
    """

    def __init__(
        self,
        fetch: Callable[[], Licences | None],
        poll_seconds: float,
        keep_seconds: float,
        clocks: Callable[[], Clocks] = read_clocks,
    ) -> None:
        self._fetch = fetch
        self._poll_seconds = poll_seconds
        self._keep_seconds = keep_seconds
        self._clocks = clocks
        self._licences: Licences | None = None
        self._known: Age | None = None
        self._asked: Age | None = None
        self._wait = 0.0

    def licences(self) -> Licences:
        """The current licences.

        Raises:
            Refused: none are known, or the last known ones are too old.
        """
        now = self._clocks()
        if self._asked is None or not self._asked.at(now) < self._wait:
            self._ask(now)
        if self._licences is None or self._known is None:
            raise Refused("licences are not known")
        # Asking takes time too. Written so that a limit that is no number refuses.
        if not self._known.at(self._clocks()) <= self._keep_seconds:
            raise Refused("licences are not known")
        return self._licences

    def _ask(self, now: Clocks) -> None:
        self._asked = Age(now)
        self._wait = min(self._poll_seconds, self._keep_seconds)
        try:
            found = self._fetch()
            if found is None and self._licences is None:
                raise ValueError("nothing is known that could be the latest")
            if found is not None:
                self._licences = found
            self._known = Age(now)
        except Exception as error:
            self._wait = min(self._wait, _RETRY_SECONDS)
            logger.warning(
                json.dumps({"event": "licences_unavailable", "error": type(error).__name__})
            )


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
        Name of the claim -> value; tenant and jurisdiction are always there.

    Raises:
        Refused: a tenant that is not live; a jurisdiction outside its licence; a malformed or
            missing attribute; no group.
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


class Session:
    """A session with AppConfig, which tells what is new since its last answer.

    AppConfig takes what it has sent for received. So a token is kept only when the body with it was
    read and understood; after anything else a new session begins, with the whole profile.

    Args:
        client: of `appconfigdata`.
        profile: what StartConfigurationSession takes to name the profile.
    """

    def __init__(self, client: Any, profile: Mapping[str, str]) -> None:
        self._client = client
        self._profile = profile
        self._token: str | None = None

    def fetch(self) -> Licences | None:
        """The licences, or None where nothing is new since the last call that returned.

        Raises:
            Exception: whatever went wrong; the next call begins a new session.
        """
        from botocore.exceptions import ClientError

        # A token serves once, so it is gone whatever happens next.
        token, self._token = self._token, None
        if token is not None:
            try:
                return self._look(token, begins=False)
            except ClientError as error:
                # Expired, as after a day's sleep, or asked before the time that AppConfig set.
                if error.response["Error"]["Code"] != "BadRequestException":
                    raise
        session = self._client.start_configuration_session(
            **self._profile, RequiredMinimumPollIntervalInSeconds=_LEAST_POLL_SECONDS
        )
        return self._look(session["InitialConfigurationToken"], begins=True)

    def _look(self, token: str, *, begins: bool) -> Licences | None:
        answer = self._client.get_latest_configuration(ConfigurationToken=token)
        content: str = answer["Configuration"].read().decode()
        if begins and not content:
            raise ValueError("a session begins with the whole profile")
        licences = read_licences(content) if content else None
        self._token = answer["NextPollConfigurationToken"]
        return licences


def source_from_environment() -> LicenceSource:
    """The licence source that the function's environment describes."""
    # The SDK's core: boto3 on top of it would only make the first sign-in slower.
    import botocore.session
    from botocore.config import Config

    client = botocore.session.get_session().create_client(
        "appconfigdata",
        region_name=os.environ["AWS_REGION"],
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )
    profile = {
        "ApplicationIdentifier": os.environ["LICENCE_APPLICATION"],
        "EnvironmentIdentifier": os.environ["LICENCE_ENVIRONMENT"],
        "ConfigurationProfileIdentifier": os.environ["LICENCE_PROFILE"],
    }
    return LicenceSource(
        Session(client, profile).fetch,
        float(os.environ["LICENCE_POLL_SECONDS"]),
        min(float(os.environ["LICENCE_KEEP_SECONDS"]), MOST_SECONDS),
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
