"""The trigger by itself: whatever is unclear is refused, and only what is licensed passes."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import uuid
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments import blueprint_of
from totara_infra.blueprint.sign_in_trigger import trigger_archive, trigger_variables
from totara_infra.local.provider.archives import zipped
from totara_infra.model.vocabulary import Environment
from totara_infra.trigger import pre_token_generation as trigger
from totara_infra.trigger.pre_token_generation import LicenceSource, Refused, decide, read_licences

LICENCES = {
    "totara-bank": {"deployment.status": "live", "deployment.jurisdiction": "NZ+AU"},
    "acorn": {"deployment.status": "live", "deployment.jurisdiction": "NZ"},
    "wattle": {"deployment.status": "live", "deployment.jurisdiction": "AU"},
    "gone": {"deployment.status": "closed", "deployment.jurisdiction": "NZ"},
    "odd": {"deployment.status": "live", "deployment.jurisdiction": "UK"},
    "empty": {},
}


@cache
def variables(pool: str) -> dict[str, str]:
    return trigger_variables(blueprint_of(Environment.PROD).scope, pool)


def claims(pool: str) -> list[dict[str, Any]]:
    return [c for c in json.loads(variables(pool)["CLAIMS"]) if c["origin"] == "attribute"]


def attributes(**changes: str | None) -> dict[str, str]:
    given_ = {
        "tenant_id": "acorn",
        "jurisdiction": "NZ",
        "party_id": str(uuid.uuid4()),
        "user_id": str(uuid.uuid4()),
        **changes,
    }
    return {f"custom:{k}": v for k, v in given_.items() if v is not None}


def event(**changes: Any) -> dict[str, Any]:
    return {
        "version": "2",
        "triggerSource": "TokenGeneration_Authentication",
        "userName": "the-user",
        "callerContext": {"clientId": "the-client"},
        "request": {
            "userAttributes": attributes(),
            "groupConfiguration": {"groupsToOverride": ["customers"]},
            "scopes": ["aws.cognito.signin.user.admin"],
            **changes,
        },
        "response": {"claimsAndScopeOverrideDetails": None},
    }


@pytest.fixture
def function(monkeypatch):
    """The handler as the customers' function, with licences that are known."""
    for name, value in variables("customers").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(trigger, "_source", LicenceSource(lambda: LICENCES, 60, 900))
    return trigger.handler


def test_both_tokens_get_the_claims_and_the_access_token_its_audience(function) -> None:
    answer = function(event(), None)["response"]["claimsAndScopeOverrideDetails"]
    identity = answer["idTokenGeneration"]["claimsToAddOrOverride"]
    access = answer["accessTokenGeneration"]
    for token in (identity, access["claimsToAddOrOverride"]):
        assert token["custom:tenant_id"] == "acorn"
        assert token["custom:jurisdiction"] == "NZ"
        assert token["mfa_completed"] == "false"
    assert access["claimsToAddOrOverride"]["aud"] == "the-client"
    # Cognito keeps these for itself in an id token and in an access token.
    assert not {"aud", "sub", "cognito:groups"} & set(identity)
    assert "scope" not in access["claimsToAddOrOverride"]
    assert access["scopesToAdd"] == ["openid", "bank-api/read", "bank-api/transact"]
    assert access["scopesToSuppress"] == ["aws.cognito.signin.user.admin"]


def test_staff_have_completed_a_second_factor_unless_somebody_else_vouches(monkeypatch) -> None:
    for name, value in variables("staff").items():
        monkeypatch.setenv(name, value)

    def completed(**further: str) -> str:
        request = event(userAttributes={**attributes(), **further})
        answer = trigger.respond(request, LICENCES)
        return answer["idTokenGeneration"]["claimsToAddOrOverride"]["mfa_completed"]

    assert completed() == "true"
    assert completed(identities="[]") == "false"
    assert completed(**{"cognito:user_status": "EXTERNAL_PROVIDER"}) == "false"


@pytest.mark.parametrize(
    ("pool", "changes", "reason"),
    [
        ("customers", {"jurisdiction": "AU"}, "outside the licence"),
        ("customers", {"jurisdiction": "NZ+AU"}, "jurisdiction is malformed"),
        ("customers", {"jurisdiction": "NZ "}, "jurisdiction is malformed"),
        ("customers", {"jurisdiction": None}, "jurisdiction is missing"),
        ("customers", {"tenant_id": "nobody"}, "tenant is unknown"),
        ("customers", {"tenant_id": "gone"}, "not live"),
        ("customers", {"tenant_id": "empty"}, "not live"),
        ("customers", {"tenant_id": "odd"}, "outside the licence"),
        ("customers", {"tenant_id": "acorn\n"}, "tenant_id is malformed"),
        ("customers", {"tenant_id": ""}, "tenant_id is missing"),
        ("customers", {"party_id": "x"}, "party_id is malformed"),
        ("customers", {"user_id": str(uuid.uuid4()).upper() + "0"}, "user_id is malformed"),
        ("staff", {"jurisdiction": "NZ+AU"}, "outside the licence"),
        ("staff", {"jurisdiction": "AU+NZ", "tenant_id": "totara-bank"}, "is malformed"),
    ],
)
def test_each_refusal(pool, changes, reason) -> None:
    with pytest.raises(Refused, match=reason):
        decide(attributes(**changes), ["customers"], LICENCES, claims(pool))


def test_who_is_in_no_group_is_refused() -> None:
    with pytest.raises(Refused, match="no group"):
        decide(attributes(), [], LICENCES, claims("customers"))


words = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["NZ", "AU", "NZ+AU", "AU+NZ", "", *LICENCES, str(uuid.uuid4())]),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(
    st.sampled_from(["customers", "staff"]),
    st.dictionaries(
        st.sampled_from(["tenant_id", "jurisdiction", "party_id", "user_id"]),
        words | anything,
    ),
    st.lists(words, max_size=2),
    st.dictionaries(
        st.sampled_from(list(LICENCES)),
        st.fixed_dictionaries(
            {}, optional={"deployment.status": words, "deployment.jurisdiction": words}
        )
        | st.sampled_from(list(LICENCES.values())),
    ),
)
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_lies_within_the_licence(pool, changes, groups, licences) -> None:
    own = {**attributes(), **{f"custom:{k}": v for k, v in changes.items()}}
    try:
        found = decide(own, groups, licences, claims(pool))
    except Refused:
        return
    licence = licences[found["custom:tenant_id"]]
    assert licence["deployment.status"] == "live"
    licensed = set(licence["deployment.jurisdiction"].split("+"))
    wanted = found["custom:jurisdiction"].split("+")
    assert wanted and set(wanted) <= licensed <= {"NZ", "AU"}
    assert pool == "staff" or len(wanted) == 1
    assert groups and all(groups)
    for name in ("custom:party_id", "custom:user_id"):
        if pool == "customers":
            assert str(uuid.UUID(found[name])) == found[name]
        else:
            assert name not in found


@given(
    st.text().filter(lambda t: t not in {"NZ", "AU"}),
    st.sampled_from(["custom:jurisdiction"]),
)
def test_any_other_jurisdiction_is_refused(value, name) -> None:
    with pytest.raises(Refused):
        decide({**attributes(), name: value}, ["customers"], LICENCES, claims("customers"))


@given(st.dictionaries(st.sampled_from(["request", "callerContext", "triggerSource"]), anything))
@settings(max_examples=300, deadline=None)
def test_a_malformed_event_is_refused_and_nothing_of_it_is_logged(changes) -> None:
    source = LicenceSource(lambda: LICENCES, 60, 900)
    with (
        patch.dict(os.environ, variables("customers")),
        patch.object(trigger, "_source", source),
        pytest.raises(Refused),
    ):
        # The event as it comes is accepted; without its request there is nothing to go by.
        trigger.handler({**event(), "request": {}, **changes}, None)


def test_an_unexpected_fault_shows_no_attribute(function, caplog) -> None:
    broken = event(groupConfiguration="+64211234567")
    with pytest.raises(Refused, match="could not be decided") as caught:
        function(broken, None)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "+64211234567" not in caplog.text
    assert json.loads(caplog.messages[-1])["event"] == "sign_in_refused"


def test_a_refusal_is_logged_without_the_person(function, caplog) -> None:
    own = attributes(jurisdiction="AU") | {"phone_number": "+64211234567"}
    with pytest.raises(Refused):
        function(event(userAttributes=own), None)
    for private in ("+64211234567", own["custom:party_id"], own["custom:user_id"], "the-user"):
        assert private not in caplog.text
    assert "jurisdiction lies outside the licence" in caplog.text


@given(st.text() | anything.map(json.dumps))
def test_a_profile_of_another_shape_is_never_taken(content) -> None:
    try:
        found = read_licences(content)
    except ValueError:
        return
    assert all(isinstance(tenant, dict) for tenant in found.values())


def test_before_licences_are_deployed_everybody_is_refused(function, monkeypatch) -> None:
    monkeypatch.setattr(trigger, "_source", None)
    with pytest.raises(Refused, match="not known"):
        function(event(), None)


def test_the_waits_for_appconfig_fit_into_what_cognito_grants() -> None:
    # A session and a look, each with one attempt; a refused token answers at once.
    assert 2 * (trigger._CONNECT_SECONDS + trigger._READ_SECONDS) < 5


def test_it_needs_the_standard_library_and_the_sdk_only() -> None:
    import ast

    source = Path(trigger.__file__).read_text(encoding="utf-8")
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        for name in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= set(sys.stdlib_module_names) | {"botocore"}


def test_the_archive_is_the_same_every_time_and_runs_alone(tmp_path) -> None:
    archive = {"assets": {name: {"text": text} for name, text in trigger_archive().files.items()}}
    assert zipped(archive) == zipped(archive)
    (path,) = (tmp_path / name for name in trigger_archive().files)
    path.write_text(next(iter(trigger_archive().files.values())), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("alone", path)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.handler


def test_no_licence_is_a_copy_in_code() -> None:
    scope = blueprint_of(Environment.PROD).scope
    text = Path(trigger.__file__).read_text(encoding="utf-8") + json.dumps(variables("customers"))
    for tenant in scope.tenants:
        assert tenant.client_id not in text
