"""What signing in takes from the catalogue: pools, clients, lifetimes and the claims of each pool.

One place for each fact. The lifetimes are parameters of MOD-068, which its sign-in functions read;
the pools' clients and the trigger take the same values, so the two can't differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from totara_infra.model.catalogue import Catalogue, Domain
from totara_infra.model.declarations import Claim, Parameter
from totara_infra.model.values import default_in
from totara_infra.model.vocabulary import Environment

Pool = Literal["customers", "staff"]
POOLS: tuple[Pool, ...] = ("customers", "staff")

CLIENTS: dict[str, Pool] = {
    "mobile-app": "customers",
    "service": "customers",
    "staff-portal": "staff",
}
"""App client -> its pool. The catalogue's read and write lists name these."""

TRIGGER_CLAIMS = frozenset({"aud", "mfa_completed", "scope"})
"""Claims that the trigger knows how to make; all others are attributes, groups or Cognito's."""
TENANT_CLAIM = "custom:tenant_id"
JURISDICTION_CLAIM = "custom:jurisdiction"

_SESSIONS = "/bank/{env}/authentication-session-management"
CUSTOMER_ACCESS = f"{_SESSIONS}/customer-access-lifetime"
CUSTOMER_REFRESH = f"{_SESSIONS}/customer-refresh-lifetime"
STAFF_ACCESS = f"{_SESSIONS}/staff-access-lifetime"
STAFF_SESSION = f"{_SESSIONS}/staff-session-lifetime"
LICENCE_GRACE = f"{_SESSIONS}/licence-grace-time"
POLL_INTERVAL = "/bank/{env}/appconfig/poll-interval"

LIMITS: dict[str, tuple[int, int, str]] = {
    # Cognito: an access token lives 5 minutes to 1 day, a refresh token 1 hour to 10 years.
    CUSTOMER_ACCESS: (1, 24, "Cognito takes 1 to 24 hours"),
    CUSTOMER_REFRESH: (1, 3650, "Cognito takes up to 3,650 days"),
    STAFF_ACCESS: (
        1,
        7,
        "it has to end within a session of staff, of which refreshing takes a part",
    ),
    STAFF_SESSION: (2, 8, "a session of staff lasts at most 8 hours"),
    LICENCE_GRACE: (60, 900, "a suspended tenant must be refused within a quarter of an hour"),
    POLL_INTERVAL: (15, 86_400, "AppConfig takes 15 seconds to a day"),
}
"""Path of a parameter that decides on sign-in -> least value, greatest value, and why."""


@dataclass(frozen=True)
class Lifetimes:
    """How long the tokens of a pool live.

    Attributes:
        access_hours: of an access or id token.
        refresh_hours: of a refresh token, counted from the sign-in.
    """

    access_hours: int
    refresh_hours: int

    @property
    def access_seconds(self) -> int:
        """`exp` minus `iat` of an access or id token."""
        return self.access_hours * 3600


def parameter(catalogue: Catalogue, path: str) -> Parameter | None:
    """The parameter of that path, or None where no module declares it."""
    return next(
        (p for m in catalogue.modules.values() for p in m.parameters if p.path == path), None
    )


def number(catalogue: Catalogue, environment: Environment, path: str) -> int:
    """Value of a parameter that decides on sign-in.

    Raises:
        KeyError: it is not declared as a whole number; the catalogue's rules refuse that before.
    """
    found = parameter(catalogue, path)
    value = default_in(found, environment) if found is not None else None
    if not isinstance(value, int):
        raise KeyError(path)
    return value


def lifetimes(catalogue: Catalogue, environment: Environment, pool: Pool) -> Lifetimes:
    """Lifetimes of a pool's tokens.

    A session of staff ends when its last access token does, so its refresh token ends earlier by
    the life of one access token.
    """
    if pool == "customers":
        return Lifetimes(
            number(catalogue, environment, CUSTOMER_ACCESS),
            24 * number(catalogue, environment, CUSTOMER_REFRESH),
        )
    access = number(catalogue, environment, STAFF_ACCESS)
    return Lifetimes(access, number(catalogue, environment, STAFF_SESSION) - access)


def claims_of(catalogue: Catalogue, pool: Pool) -> list[tuple[Domain, Claim]]:
    """Claims of a pool's tokens with the domain that owns each, in the catalogue's order."""
    return [(d, c) for d in catalogue.domains for c in d.claims if pool in c.pools]


def attribute_name(claim: Claim) -> str:
    """Name of the attribute behind a claim, as Cognito's read and write lists spell it."""
    return f"custom:{claim.attribute}" if claim.attribute is not None else claim.name


def attribute_lists(catalogue: Catalogue, client: str) -> tuple[list[str], list[str]]:
    """Read list and write list of a client, both sorted."""
    owned = [c for _, c in claims_of(catalogue, CLIENTS[client])]
    return (
        sorted(attribute_name(c) for c in owned if client in c.readable_by),
        sorted(attribute_name(c) for c in owned if client in c.writable_by),
    )
