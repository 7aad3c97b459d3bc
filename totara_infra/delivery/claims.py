"""Sign-in tokens held against the claim map."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from totara_infra.blueprint import Blueprint
from totara_infra.delivery.claim_map import pool_named
from totara_infra.delivery.stacks import live_context
from totara_infra.model.problems import UsageError
from totara_infra.model.sign_in import Pool, lifetimes
from totara_infra.model.vocabulary import Environment
from totara_infra.operations.live import Live
from totara_infra.operations.sign_in_tokens import (
    Finding,
    decode,
    findings,
    kind_of,
    pool_of,
    signature_findings,
)
from totara_infra.resolver import load_catalogue


@dataclass(frozen=True)
class TokenReport:
    """A token held against the claim map.

    Attributes:
        pool: where it comes from.
        token: `id` or `access`.
        signature: `valid`, `invalid`, or `not checked` where no environment was given.
        findings: what is missing, too much or wrong.
    """

    pool: Pool
    token: str
    signature: str
    findings: list[Finding]

    def as_data(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        return {
            "pool": self.pool,
            "token": self.token,
            "signature": self.signature,
            "ok": not self.findings,
            "findings": [asdict(f) for f in self.findings],
        }


def check_token(
    token: str, pool: str | None, environment: str | None, rehearse: bool
) -> TokenReport:
    """Hold a token against the claim map, and its signature against a live pool.

    Args:
        token: id or access token as Cognito gave it out.
        pool: `customers` or `staff`; told by the token's groups where it is left out.
        environment: name of the environment or stack whose pool signed it; without one the
            signature is not checked.
        rehearse: it is the rehearsal of that one.

    Raises:
        UsageError: no token, no such pool or environment, or the emulator is not running.
    """
    catalogue = load_catalogue().catalogue
    claims = decode(token)
    use = kind_of(claims)
    chosen = pool_of(catalogue, claims) if pool is None else pool_named(pool)
    # Lifetimes are the same everywhere unless the catalogue gives an environment its own.
    named = Environment.PROD
    signature, wrong = "not checked", []
    if environment is not None:
        blueprint, live = live_context(environment, rehearse)
        named = blueprint.scope.settings.environment
        wrong = _signature(blueprint, live, chosen, token, claims)
        signature = "invalid" if wrong else "valid"
    lives = lifetimes(catalogue, named, chosen)
    return TokenReport(
        chosen, use, signature, [*wrong, *findings(catalogue, chosen, claims, lives)]
    )


def _signature(
    blueprint: Blueprint, live: Live, pool: Pool, token: str, claims: dict[str, Any]
) -> list[Finding]:
    path = f"/bank/{blueprint.scope.env}/cognito/{pool}/pool-id"
    try:
        pool_id = live.client("ssm").get_parameter(Name=path)["Parameter"]["Value"]
    except (BotoCoreError, ClientError) as error:
        raise UsageError(
            f"Can't find the pool of {pool} in {blueprint.scope.env}: reading {path} failed "
            f"({error}). Check that the environment is up and that your credentials are for its "
            "account, or "
            "leave out --env, and the signature is not checked."
        ) from None
    return signature_findings(blueprint.scope.settings, pool_id, token, claims)
