"""Sign-in from outside: real Cognito calls, real trigger, tokens verified with a JWT library."""

from __future__ import annotations

import time
import uuid

import pytest
from botocore.exceptions import ClientError
from joserfc.errors import JoseError

pytestmark = pytest.mark.engine

SCOPES = {"openid", "bank-api/read", "bank-api/transact"}


@pytest.mark.parametrize(
    ("tenant", "jurisdiction"), [("acorn", "NZ"), ("totara-bank", "NZ"), ("totara-bank", "AU")]
)
def test_a_customer_gets_tenant_and_jurisdiction_in_both_tokens(bank, tenant, jurisdiction) -> None:
    party = str(uuid.uuid4())
    tokens = bank.customer(tenant, jurisdiction, party_id=party).sign_in()
    for kind in ("AccessToken", "IdToken"):
        claims = bank.verified("customers", tokens[kind])
        assert claims["custom:tenant_id"] == tenant
        assert claims["custom:jurisdiction"] == jurisdiction
        assert claims["custom:party_id"] == party
        assert claims["mfa_completed"] == "false"
        assert claims["cognito:groups"] == ["customers"]
        assert claims["aud"] == bank.client("password", "customers")
        assert set(claims["scope"].split()) == SCOPES
        assert claims["exp"] - claims["iat"] == 3600
    access = bank.verified("customers", tokens["AccessToken"])
    assert access["token_use"] == "access"
    assert access["client_id"] == access["aud"]


def test_staff_may_carry_both_jurisdictions(bank) -> None:
    tokens = bank.staff("totara-bank", "NZ+AU").sign_in_as_administrator()
    for kind in ("AccessToken", "IdToken"):
        claims = bank.verified("staff", tokens[kind])
        assert claims["custom:jurisdiction"] == "NZ+AU"
        assert claims["custom:tenant_id"] == "totara-bank"
        assert claims["cognito:groups"] == ["operations"]
        assert set(claims["scope"].split()) == SCOPES
        assert "custom:party_id" not in claims


def test_a_changed_token_fails_the_signature(bank) -> None:
    token = bank.customer("acorn", "NZ").sign_in()["AccessToken"]
    head, body, signature = token.split(".")
    changed = ("A" if signature[10] != "A" else "B").join((signature[:10], signature[11:]))
    with pytest.raises(JoseError):
        bank.verified("customers", ".".join((head, body, changed)))


def test_a_refresh_shows_what_an_administrator_changed(bank) -> None:
    user = bank.customer("totara-bank", "NZ")
    tokens = user.sign_in()
    user.change(jurisdiction="AU")
    refreshed = user.refresh(tokens)
    assert bank.verified("customers", refreshed["AccessToken"])["custom:jurisdiction"] == "AU"
    assert bank.verified("customers", refreshed["IdToken"])["custom:jurisdiction"] == "AU"


def test_a_refresh_is_refused_once_the_licence_does_not_cover_the_user(bank) -> None:
    user = bank.customer("acorn", "NZ")
    tokens = user.sign_in()
    user.change(jurisdiction="AU")
    with pytest.raises(ClientError, match="jurisdiction lies outside the licence"):
        user.refresh(tokens)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"jurisdiction": "AU"}, "jurisdiction lies outside the licence"),
        ({"jurisdiction": "NZ+AU"}, "custom:jurisdiction is malformed"),
        ({"jurisdiction": "nz"}, "custom:jurisdiction is malformed"),
        ({"jurisdiction": ""}, "custom:jurisdiction is missing"),
        ({"tenant_id": "wattle"}, "tenant is unknown"),
        ({"tenant_id": "Acorn"}, "custom:tenant_id is malformed"),
        ({"tenant_id": ""}, "custom:tenant_id is missing"),
        ({"party_id": "42"}, "custom:party_id is malformed"),
        ({"party_id": ""}, "custom:party_id is missing"),
        ({"user_id": "{" + str(uuid.uuid4()) + "}"}, "custom:user_id is malformed"),
    ],
)
def test_a_customer_is_refused(bank, changes, reason) -> None:
    attributes = {
        "tenant_id": "acorn",
        "jurisdiction": "NZ",
        "party_id": str(uuid.uuid4()),
        "user_id": str(uuid.uuid4()),
        **changes,
    }
    user = bank.user("customers", ["customers"], **attributes)
    with pytest.raises(ClientError, match=reason):
        user.sign_in()


def test_staff_are_refused_beyond_their_tenants_licence(bank) -> None:
    with pytest.raises(ClientError, match="jurisdiction lies outside the licence"):
        bank.staff("acorn", "NZ+AU").sign_in()


def test_who_is_in_no_group_is_refused(bank) -> None:
    user = bank.user("staff", [], tenant_id="acorn", jurisdiction="NZ")
    with pytest.raises(ClientError, match="user is in no group"):
        user.sign_in()


@pytest.mark.parametrize("status", ["suspended", "planned", "closed"])
def test_a_tenant_that_is_not_live_is_refused(bank, status) -> None:
    user = bank.customer("acorn", "NZ")
    before = bank.deploy_licence("acorn", status=status)
    try:
        bank.restart_trigger("customers")
        with pytest.raises(ClientError, match="tenant is not live"):
            user.sign_in()
        # The other tenant of the stack is served on.
        assert bank.customer("totara-bank", "AU").sign_in()["AccessToken"]
    finally:
        bank.restore_licences(before)
        bank.restart_trigger("customers")
    assert user.sign_in()["AccessToken"]


def test_nobody_signs_in_while_licences_were_never_known(bank) -> None:
    user = bank.customer("acorn", "NZ")
    bank.restart_trigger("customers", LICENCE_APPLICATION="not-there")
    try:
        started = time.monotonic()
        with pytest.raises(ClientError, match="licences are not known"):
            user.sign_in()
        assert time.monotonic() - started < 10
    finally:
        bank.restart_trigger("customers", LICENCE_APPLICATION="bank-platform")
    assert user.sign_in()["AccessToken"]


@pytest.mark.parametrize(
    ("client", "pool", "write", "refresh_hours"),
    [
        ("mobile-app", "customers", ["phone_number"], 720),
        ("service", "customers", ["phone_number"], 720),
        ("staff-portal", "staff", ["email"], 7),
        ("password", "customers", ["phone_number"], 720),
        ("staff-password", "staff", ["email"], 7),
    ],
)
def test_deployed_clients_write_nothing_that_decides_access(
    bank, client, pool, write, refresh_hours
) -> None:
    found = bank.aws("cognito-idp").describe_user_pool_client(
        UserPoolId=bank.pool(pool), ClientId=bank.client(client, pool)
    )["UserPoolClient"]
    # The emulator takes every write, so the list itself is what counts.
    assert found["WriteAttributes"] == write
    assert "custom:tenant_id" in found["ReadAttributes"]
    assert found["RefreshTokenValidity"] == refresh_hours
    assert found["AccessTokenValidity"] == 1
    assert found["TokenValidityUnits"]["RefreshToken"] == "hours"
    assert "ClientSecret" not in found


def test_the_deployed_pools_ask_for_a_code_before_the_sign_in_name_changes(bank) -> None:
    for pool, name in (("customers", "phone_number"), ("staff", "email")):
        found = bank.aws("cognito-idp").describe_user_pool(UserPoolId=bank.pool(pool))["UserPool"]
        asked = found["UserAttributeUpdateSettings"]["AttributesRequireVerificationBeforeUpdate"]
        assert asked == [name]
        assert found["UsernameAttributes"] == [name]
        assert found["LambdaConfig"]["PreTokenGenerationConfig"]["LambdaVersion"] == "V2_0"
        server = bank.aws("cognito-idp").describe_resource_server(
            UserPoolId=bank.pool(pool), Identifier="bank-api"
        )["ResourceServer"]
        assert {s["ScopeName"] for s in server["Scopes"]} == {"read", "transact"}


def test_the_command_finds_real_tokens_as_the_map_says_and_a_forged_one_not(bank) -> None:
    tokens = bank.customer("acorn", "NZ").sign_in()
    for kind in ("AccessToken", "IdToken"):
        result = bank.totara("claims", "check", "--env", "local", given=tokens[kind])
        assert result.returncode == 0, result.stdout + result.stderr
        assert "signature valid" in result.stdout
    head, body, signature = tokens["IdToken"].split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    result = bank.totara("claims", "check", "--env", "local", given=forged)
    assert result.returncode == 1
    assert "signature" in result.stdout
    staff = bank.staff("totara-bank", "AU").sign_in()["AccessToken"]
    assert bank.totara("claims", "check", "--env", "local", given=staff).returncode == 0


def test_a_refusal_is_logged_without_personal_data(bank) -> None:
    user = bank.customer("acorn", "AU")
    with pytest.raises(ClientError):
        user.sign_in()
    logs = bank.aws("logs")
    group = "/aws/lambda/bank-pre-token-generation-customers-local"
    deadline = time.monotonic() + 20
    lines: list[str] = []
    while time.monotonic() < deadline and not any("sign_in_refused" in line for line in lines):
        lines = [e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]]
    refused = [line for line in lines if "sign_in_refused" in line]
    assert refused
    assert not any(user.name in line for line in lines)
