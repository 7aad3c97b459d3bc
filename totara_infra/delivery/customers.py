"""A client's first customer where a password signs in: enrolled, kept, signed in again.

Only the environment `local` has an app client that takes a password. Who the customer is and what
the password is stays in the working folder, for the emulator in which both are throwaway.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError
from pydantic import SecretStr, ValidationError

from totara_infra.blueprint import Blueprint
from totara_infra.blueprint.identity import pool_name
from totara_infra.delivery.stacks import live_context
from totara_infra.delivery.update import run_folder
from totara_infra.model.declarations import Model
from totara_infra.model.problems import TotaraError, UsageError
from totara_infra.model.sign_in import Pool
from totara_infra.model.tenancy import Tenant
from totara_infra.model.vocabulary import TenantStatus
from totara_infra.operations.checks.probe_user import (
    live_pool_id,
    make_user,
    new_password,
    sign_in_name,
    token_findings,
)
from totara_infra.operations.live import Live
from totara_infra.operations.secrets.answers import explained
from totara_infra.operations.sign_in_tokens import Finding, decode
from totara_infra.operations.tenant_users import sign_out

POOL: Pool = "customers"
_CLIENT = "password"
_TENANT_CLAIM = "custom:tenant_id"


class SignInError(TotaraError):
    """There is no such customer, or no token that is as it must be."""

    exit_code = 1


class _Kept(Model):
    """What the working folder keeps of a customer."""

    name: str
    password: str


@dataclass(frozen=True)
class Session:
    """A customer who has just signed in.

    Attributes:
        tokens: `AuthenticationResult`, as Cognito answered.
        findings: where they differ from the claim map or are not signed by the pool.
    """

    tokens: Mapping[str, str]
    findings: list[Finding]

    @property
    def access_token(self) -> SecretStr:
        """Opens what the customer may open."""
        return SecretStr(self.tokens["AccessToken"])


def enrol(client_id: str, name: str) -> Session:
    """Make a customer of a tenant, sign the customer in, and keep both for later.

    Args:
        client_id: of a live tenant.
        name: of the stack.

    Raises:
        UsageError: no such tenant or stack, or nobody signs in with a password there.
        SignInError: Cognito lets the customer not in, or the tokens are wrong; nobody is kept then.
    """
    blueprint, live, tenant = _context(client_id, name)
    pool_id = _pool(live, blueprint)
    kept = _Kept(name=sign_in_name(POOL), password=new_password())
    cognito = live.client("cognito-idp")
    try:
        with explained("making a customer"):
            make_user(live, blueprint, POOL, pool_id, tenant, kept.name, kept.password)
        session = _signed_in(live, blueprint, tenant, pool_id, kept)
        if session.findings:
            raise SignInError(_said(session.findings))
        _write(_file(blueprint, client_id), kept)
    except TotaraError:
        with suppress(cognito.exceptions.UserNotFoundException):
            cognito.admin_delete_user(UserPoolId=pool_id, Username=kept.name)
        raise
    return session


def sign_in(client_id: str, name: str) -> Session:
    """Sign the kept customer of a tenant in, by the call that the app would make.

    Raises:
        UsageError: as for `enrol`.
        SignInError: nobody has been enrolled, or Cognito refuses.
    """
    blueprint, live, tenant = _context(client_id, name)
    path = _file(blueprint, client_id)
    try:
        kept = _Kept.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        raise SignInError(
            f"Nobody of {client_id} has been enrolled from here. Do it: totara customer enrol "
            f"{client_id} {name}"
        ) from None
    return _signed_in(live, blueprint, tenant, _pool(live, blueprint), kept)


def sign_everybody_out(client_id: str, name: str, rehearse: bool) -> int:
    """Sign all users of a tenant out and disable them, in both pools.

    Args:
        client_id: of a tenant that is not live.
        name: of the stack, as people write it.
        rehearse: its rehearsal.

    Returns:
        How many could still sign in before.

    Raises:
        UsageError: no such tenant or stack, or the tenant is live.
        AwsRefusedError: AWS does not take it.
    """
    blueprint, live = live_context(name, rehearse)
    tenant = _tenant(blueprint, client_id)
    if tenant.status is TenantStatus.LIVE:
        raise UsageError(
            f"`{client_id}` is live: its customers would stand before a closed door. Suspend it "
            f"first: totara tenant status {client_id} suspended; then totara up "
            f"{blueprint.scope.settings.command_words}."
        )
    return len(sign_out(live, blueprint, client_id))


def _tenant(blueprint: Blueprint, client_id: str) -> Tenant:
    for tenant in blueprint.scope.tenants:
        if tenant.client_id == client_id:
            return tenant
    known = ", ".join(t.client_id for t in blueprint.scope.tenants)
    stack = blueprint.scope.settings.stack
    raise UsageError(f"Stack `{stack}` has no tenant `{client_id}`. Write one of {known}.")


def _context(client_id: str, name: str) -> tuple[Blueprint, Live, Tenant]:
    blueprint, live = live_context(name, rehearse=False)
    scope = blueprint.scope
    if not scope.settings.password_sign_in:
        raise UsageError(
            f"Nobody signs in with a password in {name}: the app does it, with a passkey. Only "
            "`local` has test customers."
        )
    tenant = _tenant(blueprint, client_id)
    if tenant.status is not TenantStatus.LIVE:
        raise UsageError(
            f"`{client_id}` is {tenant.status}, so the pool refuses its customers. Write `status: "
            f"live` with: totara tenant status {client_id} live; then totara up {name}."
        )
    return blueprint, live, tenant


def _pool(live: Live, blueprint: Blueprint) -> str:
    with explained("looking for the pool of customers"):
        found = live_pool_id(live, pool_name(blueprint.scope, POOL))
    if found is None:
        raise SignInError(
            f"There is no pool of customers yet: totara up {blueprint.scope.settings.command_words}"
        )
    return found


def _signed_in(
    live: Live, blueprint: Blueprint, tenant: Tenant, pool_id: str, kept: _Kept
) -> Session:
    # A refusal is final, and the emulator answers it like a failure.
    cognito = live.client("cognito-idp", attempts=1)
    try:
        clients = cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)
        client_id = next(
            c["ClientId"] for c in clients["UserPoolClients"] if c["ClientName"] == _CLIENT
        )
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=client_id,
            AuthParameters={"USERNAME": kept.name, "PASSWORD": kept.password},
        )
    except StopIteration:
        raise SignInError(f"The pool has no app client `{_CLIENT}`; run `totara up`.") from None
    except ClientError as error:
        said = error.response["Error"]
        raise SignInError(
            f"Cognito does not sign the customer in: {said['Message']} [{said['Code']}]. "
            "docs/guides/sign-in.md lists the trigger's reasons."
        ) from None
    tokens = answer["AuthenticationResult"]
    found = token_findings(blueprint, POOL, pool_id, tokens)
    if decode(tokens["AccessToken"]).get(_TENANT_CLAIM) != tenant.client_id:
        raise SignInError(f"The token is not one of a customer of {tenant.client_id}.")
    return Session(tokens, found)


def _said(found: list[Finding]) -> str:
    return "The tokens are not as the claim map says: " + "; ".join(
        f"{f.claim} {f.kind}, expected {f.expected}, found {f.found}" for f in found
    )


def _file(blueprint: Blueprint, client_id: str) -> Path:
    return run_folder(blueprint.scope.settings.stack) / f"customer-{client_id}.json"


def _write(path: Path, kept: _Kept) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    # Nobody else on the machine reads it, from its first byte on.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(kept.model_dump(), stream)
    temporary.replace(path)
