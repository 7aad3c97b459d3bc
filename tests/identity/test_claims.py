"""The committed list, the claim map, the clients and the command, without an environment."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tests.command import totara
from tests.environments import blueprint_of
from totara_infra.cli.main import app
from totara_infra.model.claim_lock import LOCK_FILE, lock_problems
from totara_infra.model.loading import read_catalogue
from totara_infra.model.vocabulary import Environment


def edit(path: Path, find: str, replace: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert find in text
    path.write_text(text.replace(find, replace, 1), encoding="utf-8")


CHANGES = {
    "claim-removed": ("  attribute: jurisdiction\n", "  attribute: legal_area\n"),
    "claim-changed": (
        "  attribute: jurisdiction\n",
        "  attribute: jurisdiction\n  mutable: false\n",
    ),
}


@pytest.mark.parametrize("rule", CHANGES)
def test_what_cognito_cannot_change_is_refused_with_the_way_around(
    rule: str, editable_catalogue: Path
) -> None:
    edit(editable_catalogue / "domains" / "sd07.yaml", *CHANGES[rule])
    result = totara("validate", "--catalogue", editable_catalogue)
    assert result.returncode == 2
    assert f"[{rule}]" in result.stderr
    assert "tokens: []" in result.stderr
    # Nor can the list be brought into line with it.
    before = (editable_catalogue / LOCK_FILE).read_text(encoding="utf-8")
    refused = totara("claims", "lock", "--catalogue", editable_catalogue)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert (editable_catalogue / LOCK_FILE).read_text(encoding="utf-8") == before


def test_a_longer_attribute_is_a_change(editable_catalogue: Path) -> None:
    edit(
        editable_catalogue / "domains" / "sd07.yaml",
        "  attribute: tenant_id\n",
        "  attribute: tenant_id\n  maximum_length: 300\n",
    )
    result = totara("validate", "--catalogue", editable_catalogue)
    assert "maximum_length 256 to 300" in result.stderr


def test_a_new_attribute_is_added_with_the_command(editable_catalogue: Path) -> None:
    path = editable_catalogue / "domains" / "sd07.yaml"
    edit(
        path,
        "claims:\n",
        "claims:\n- {name: 'custom:branch', pools: [staff], tokens: [id], origin: attribute,"
        " attribute: branch, decides_access: true, why: Where they work.}\n",
    )
    assert "[claim-not-locked]" in totara("validate", "--catalogue", editable_catalogue).stderr
    assert totara("claims", "lock", "--check", "--catalogue", editable_catalogue).returncode == 1
    added = totara("claims", "lock", "--catalogue", editable_catalogue)
    assert added.returncode == 0
    assert "staff/branch" in added.stdout
    assert totara("validate", "--catalogue", editable_catalogue).returncode == 0
    content = yaml.safe_load((editable_catalogue / LOCK_FILE).read_text(encoding="utf-8"))
    assert [a["name"] for a in content["pools"]["staff"]] == ["tenant_id", "jurisdiction", "branch"]
    assert [a["name"] for a in content["pools"]["customers"]] == ["tenant_id", "jurisdiction"]


def test_a_retired_attribute_stays_in_the_pool_and_leaves_the_tokens(
    editable_catalogue: Path,
) -> None:
    path = editable_catalogue / "domains" / "sd07.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["claims"].append(
        {
            "name": "custom:old", "pools": ["staff"], "tokens": [], "origin": "attribute",
            "attribute": "old", "why": "Nobody reads it any more.",
        }
    )  # fmt: skip
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert totara("claims", "lock", "--catalogue", editable_catalogue).returncode == 0
    assert totara("validate", "--catalogue", editable_catalogue).returncode == 0


def test_without_the_list_nothing_is_planned(editable_catalogue: Path) -> None:
    (editable_catalogue / LOCK_FILE).unlink()
    (problem,) = lock_problems(read_catalogue(editable_catalogue), even_if_absent=True)
    assert problem.rule == "claim-lock-missing"


def test_the_committed_list_is_up_to_date() -> None:
    assert totara("claims", "lock", "--check").stdout == "Nothing to add.\n"


@pytest.mark.parametrize("environment", list(Environment))
def test_clients_have_explicit_lists_and_the_catalogues_lifetimes(environment) -> None:
    resources = blueprint_of(environment).resources
    names = {n.removeprefix("client/") for n in resources if n.startswith("client/")}
    expected = {"mobile-app", "service", "staff-portal"}
    local = {"password", "staff-password"} if environment is Environment.LOCAL else set()
    assert names == expected | local
    deciding = {f"custom:{a}" for a in ("tenant_id", "jurisdiction", "party_id", "user_id")}
    for name in names:
        client = resources[f"client/{name}"].properties
        assert client["read_attributes"] and client["write_attributes"]
        assert not deciding & set(client["write_attributes"])
        assert client["generate_secret"] is False
        flows = set(client["explicit_auth_flows"])
        assert any("PASSWORD" in f for f in flows) == (name in local)
        staff = client["user_pool_id"].resource == "user_pool/staff"
        assert client["access_token_validity"] == 1
        # With the last access token, a session of staff ends after eight hours.
        assert client["refresh_token_validity"] == (7 if staff else 30 * 24)


def test_pools_are_protected_and_staff_show_a_second_factor() -> None:
    for environment in (Environment.UAT, Environment.PROD):
        resources = blueprint_of(environment).resources
        for pool in ("customers", "staff"):
            found = resources[f"user_pool/{pool}"]
            assert found.protect
            assert found.properties["deletion_protection"] == "ACTIVE"
            assert found.properties["name"] == f"bank-{pool}-{environment}"
        assert resources["user_pool/staff"].properties["mfa_configuration"] == "ON"
        assert resources["user_pool/customers"].properties["mfa_configuration"] == "OFF"


def test_the_triggers_role_reads_one_profile_and_writes_two_log_groups() -> None:
    policy = (
        blueprint_of(Environment.LOCAL)
        .resources["role/BankPreTokenGenerationRole/policy"]
        .properties["policy"]
    )
    text = "".join(p if isinstance(p, str) else "ID" for p in policy.parts)
    statements = {s["Sid"]: s for s in json.loads(text)["Statement"]}
    assert set(statements) == {"ReadLicences", "WriteLogs"}
    (profile,) = statements["ReadLicences"]["Resource"]
    assert profile.endswith("application/ID/environment/ID/configuration/ID")
    assert len(statements["WriteLogs"]["Resource"]) == 2
    assert not any(r == "*" for s in statements.values() for r in s["Resource"])


def token(**changes: Any) -> str:
    now = int(time.time())
    claims = {
        "sub": "s", "iss": "https://issuer", "token_use": "access", "client_id": "c", "aud": "c",
        "auth_time": now, "iat": now, "exp": now + 3600, "jti": "j", "username": "u",
        "origin_jti": "o", "cognito:groups": ["customers"], "mfa_completed": "false",
        "scope": "openid bank-api/read bank-api/transact", "custom:tenant_id": "acorn",
        "custom:jurisdiction": "NZ", "custom:party_id": "p", "custom:user_id": "u", **changes,
    }  # fmt: skip
    body = json.dumps({k: v for k, v in claims.items() if v is not None}).encode()
    return f"e30.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.c2ln"


def findings(text: str) -> tuple[int, set[tuple[str, str]]]:
    # In this process: a command for each case would take a second and a half.
    result = CliRunner().invoke(app, ["claims", "check", "--format", "json"], input=text)
    data = json.loads(result.stdout)
    assert data["ok"] == (not data["findings"])
    return result.exit_code, {(f["claim"], f["kind"]) for f in data["findings"]}


def test_a_token_that_fits_the_map_passes() -> None:
    assert findings(token()) == (0, set())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"custom:tenant_id": None}, {("custom:tenant_id", "missing")}),
        ({"role": "admin"}, {("role", "too much")}),
        ({"custom:jurisdiction": "NZ+AU"}, {("custom:jurisdiction", "wrong")}),
        ({"scope": "openid bank-api/read"}, {("scope", "missing")}),
        (
            {"scope": "openid bank-api/read bank-api/transact aws.cognito.signin.user.admin"},
            {("scope", "too much")},
        ),
        ({"cognito:groups": ["customers", "root"]}, {("cognito:groups", "too much")}),
        ({"exp": int(time.time()) + 9000}, {("exp", "wrong")}),
        ({"iat": 0, "exp": 3600}, {("exp", "wrong")}),
        ({"mfa_completed": "yes", "aud": None}, {("mfa_completed", "wrong"), ("aud", "missing")}),
    ],
)
def test_each_difference_is_named(changes, expected) -> None:
    assert findings(token(**changes)) == (1, expected)


@pytest.mark.parametrize(
    ("given", "arguments", "says"),
    [
        ("not-a-token", [], "three parts"),
        ("", [], "There is no token"),
        ("a.!.c", [], "three parts"),
        (token(token_use="refresh"), [], "token_use"),
        (token(**{"cognito:groups": None}), [], "--pool"),
        (token(), ["--pool", "guests"], "customers, staff"),
        (token(), ["--rehearse"], "--env"),
        (token(), ["--env", "moon"], "There is no environment"),
    ],
)
def test_bad_input_is_two_and_no_traceback(given, arguments, says) -> None:
    result = totara("claims", "check", *arguments, given=given)
    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_token_is_read_from_a_file_and_never_from_an_argument(tmp_path) -> None:
    held = token()
    (tmp_path / "token").write_text(f"{held}\n", encoding="utf-8")
    assert totara("claims", "check", tmp_path / "token").returncode == 0
    refused = totara("claims", "check", held)
    assert refused.returncode == 2
    assert "pipe it in" in refused.stderr
    assert not [part for part in held.split(".") if part[:12] in refused.stdout + refused.stderr]
    assert totara("claims", "check", tmp_path).returncode == 2
    assert "bytes" in totara("claims", "check", given="a" * 20_000).stderr


def test_the_map_as_data() -> None:
    entries = json.loads(totara("claims", "--pool", "staff", "--format", "json").stdout)
    found = {e["name"]: e for e in entries}
    assert found["custom:jurisdiction"]["values"] == ["NZ", "AU", "NZ+AU"]
    assert found["custom:tenant_id"]["owner"] == "SD07"
    assert "MOD-068" in found["custom:tenant_id"]["relied_on_by"]
    assert "custom:party_id" not in found
    assert totara("claims", "--pool", "guests").returncode == 2
