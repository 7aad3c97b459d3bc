"""Sign-in tokens held against the claim map of the catalogue, and against the keys of a pool."""

from __future__ import annotations

import base64
import binascii
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from totara_infra.model.catalogue import Catalogue
from totara_infra.model.declarations import Claim
from totara_infra.model.json_text import read_json
from totara_infra.model.problems import UsageError
from totara_infra.model.sign_in import POOLS, Lifetimes, Pool, claims_of
from totara_infra.model.stack import StackSettings

_FETCH_SECONDS = 5
_TOKENS = ("id", "access")


class Kind(StrEnum):
    """What is wrong with one claim."""

    MISSING = "missing"
    TOO_MUCH = "too much"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One way in which a token differs from the claim map.

    Attributes:
        claim: its name, or `signature`.
        expected, found: what the map says, and what the token has. No personal data: values are
            shown only where the catalogue lists those that a claim can take.
    """

    claim: str
    kind: Kind
    expected: str
    found: str


def decode(token: str) -> dict[str, Any]:
    """The claims of a token, without looking at its signature.

    Raises:
        UsageError: it is no JWT.
    """
    parts = token.strip().split(".")
    try:
        if len(parts) != 3:
            raise ValueError
        text = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = read_json(base64.b64decode(text, altchars=b"-_", validate=True))
        if not isinstance(claims, dict):
            raise TypeError
    except (ValueError, TypeError, binascii.Error):
        raise UsageError(
            "That is no JSON Web Token: it needs three parts joined by dots, of which the second "
            "is JSON in base64url. Give the id or access token as Cognito returned it (a refresh "
            "token is encrypted and can't be read)."
        ) from None
    return claims


def kind_of(claims: Mapping[str, Any]) -> Literal["id", "access"]:
    """Whether it is an id or an access token.

    Raises:
        UsageError: it is neither.
    """
    use = claims.get("token_use")
    if use not in _TOKENS:
        raise UsageError(
            f"The claim `token_use` is {use!r}; Cognito's id tokens have `id`, its access tokens "
            "`access`. This token comes from somewhere else."
        )
    return "id" if use == "id" else "access"


def pool_of(catalogue: Catalogue, claims: Mapping[str, Any]) -> Pool:
    """The pool that a token comes from, by its groups.

    Raises:
        UsageError: its groups belong to no pool, or to both.
    """
    groups = _words(claims.get("cognito:groups"))
    fitting = [
        pool
        for pool in POOLS
        for _, claim in claims_of(catalogue, pool)
        if claim.origin == "group" and groups & set(claim.values or [])
    ]
    if len(fitting) != 1:
        raise UsageError(
            "The token's groups don't tell whether it belongs to a customer or to staff. Say it: "
            "--pool customers or --pool staff."
        )
    return fitting[0]


def findings(
    catalogue: Catalogue,
    pool: Pool,
    claims: Mapping[str, Any],
    lifetimes: Lifetimes,
    now: float | None = None,
) -> list[Finding]:
    """Every difference between a token and the claim map.

    Args:
        catalogue: validated.
        pool: where the token comes from.
        claims: of the token.
        lifetimes: of the pool's tokens.
        now: seconds since 1970; the clock's where it is left out.
    """
    use = kind_of(claims)
    declared = {c.name: c for _, c in claims_of(catalogue, pool) if use in c.tokens}
    found: list[Finding] = []
    for name, claim in declared.items():
        if name in claims:
            found += _value_faults(claim, claims[name])
        elif claim.required:
            found.append(Finding(name, Kind.MISSING, _expected(claim), "nothing"))
    found += [
        Finding(name, Kind.TOO_MUCH, "no such claim", "present")
        for name in claims
        if name not in declared
    ]
    return [*found, *_time_faults(claims, lifetimes, time.time() if now is None else now)]


def _words(value: object) -> set[str]:
    if isinstance(value, str):
        return set(value.split())
    return {v for v in value if isinstance(v, str)} if isinstance(value, list) else set()


def _expected(claim: Claim) -> str:
    return ", ".join(claim.values) if claim.values else claim.why


def _value_faults(claim: Claim, value: object) -> Iterator[Finding]:
    known = set(claim.values or [])
    if claim.name == "scope":
        words = _words(value)
        if missing := known - words:
            yield Finding(claim.name, Kind.MISSING, " ".join(sorted(missing)), "not in it")
        if strange := words - known:
            yield Finding(claim.name, Kind.TOO_MUCH, _expected(claim), " ".join(sorted(strange)))
    elif claim.origin == "group":
        words = _words(value)
        if not words:
            yield Finding(claim.name, Kind.MISSING, f"one of {_expected(claim)}", "no group")
        if strange := words - known:
            yield Finding(claim.name, Kind.TOO_MUCH, _expected(claim), " ".join(sorted(strange)))
    elif known and value not in known:
        yield Finding(claim.name, Kind.WRONG, _expected(claim), str(value)[:40])
    elif isinstance(value, str) and len(value) > claim.maximum_length:
        yield Finding(
            claim.name,
            Kind.WRONG,
            f"at most {claim.maximum_length} characters",
            f"{len(value)} characters",
        )


def _time_faults(claims: Mapping[str, Any], lifetimes: Lifetimes, now: float) -> Iterator[Finding]:
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        return
    if expires - issued != lifetimes.access_seconds:
        yield Finding(
            "exp", Kind.WRONG, f"iat + {lifetimes.access_seconds}", f"iat + {expires - issued}"
        )
    if expires <= now:
        yield Finding("exp", Kind.WRONG, "a time to come", f"{now - expires:.0f} s ago")


def issuer(settings: StackSettings, pool_id: str) -> str:
    """The `iss` of a pool's tokens."""
    return f"https://cognito-idp.{settings.region}.amazonaws.com/{pool_id}"


def signature_findings(
    settings: StackSettings, pool_id: str, token: str, claims: Mapping[str, Any]
) -> list[Finding]:
    """Check issuer and signature against the pool's published keys.

    What can't be checked is a finding as well: it must not pass for a valid signature.
    """
    found = []
    expected = issuer(settings, pool_id)
    if claims.get("iss") != expected:
        found.append(Finding("iss", Kind.WRONG, expected, str(claims.get("iss"))[:100]))
    base = f"{settings.endpoint}/{pool_id}" if settings.endpoint else expected
    # No proxy for an emulator: the address is this machine's.
    proxies = urllib.request.ProxyHandler({} if settings.endpoint else None)
    opener = urllib.request.build_opener(proxies)
    try:
        with opener.open(f"{base}/.well-known/jwks.json", timeout=_FETCH_SECONDS) as answer:
            keys = KeySet.import_key_set(json.load(answer))
    except (urllib.error.URLError, TimeoutError, ValueError, JoseError) as error:
        reason = f"not checked, the keys can't be had: {error}"
        return [*found, Finding("signature", Kind.WRONG, "one of the pool's keys", reason)]
    try:
        jwt.decode(token.strip(), keys, algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        found.append(
            Finding("signature", Kind.WRONG, "RS256 by one of the pool's keys", str(error))
        )
    return found
