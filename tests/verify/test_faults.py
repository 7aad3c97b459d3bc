"""Each fault is made through AWS's API; the checklist names it, and says how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from tests.drift.changes import CHANGES
from tests.drift.cloud import Cloud
from tests.verify.faults import FAULTS, URL, Fault, answering
from totara_infra.blueprint import plan
from totara_infra.model.stack import RoleHandling
from totara_infra.model.vocabulary import Outcome
from totara_infra.operations.checks import Result, titles
from totara_infra.operations.checks.registry import run_checks

pytestmark = pytest.mark.engine

TITLES = {
    token.rsplit(":", 1)[1]: title
    for group in vars(titles).values()
    if isinstance(group, dict)
    for token, title in group.items()
    if token.startswith("aws:")
}
LEFT_TO_DRIFT = {("Parameter", p) for p in ("tags", "tier", "description")}
"""What costs a call for each parameter."""
DECLARED = [
    case
    for case in CHANGES
    if case.shape not in ("Deployment", "HostedConfigurationVersion")
    and (case.shape, case.property) not in LEFT_TO_DRIFT
]


def failures(environment) -> list[Result]:
    return [
        result
        for entry in run_checks(environment.live, environment.blueprint)
        for result in entry.results
        if result.outcome is Outcome.FAILED
    ]


@pytest.fixture(scope="module")
def changed(environment) -> list[Result]:
    """What the checklist says while one property of one resource of each kind is changed."""
    cloud = Cloud(environment.blueprint)
    tokens = {r.shape: r.type for r in environment.blueprint.resources.values()}
    with ExitStack() as stack:
        for case in DECLARED:
            resource = cloud.of(tokens[case.shape], case.index)
            stack.enter_context(case.act(cloud, resource))
        return failures(environment)


@pytest.mark.parametrize("case", DECLARED, ids=lambda c: f"{c.shape}-{c.path}")
def test_what_is_not_as_declared_is_named(changed, case) -> None:
    named = [
        r
        for r in changed
        if r.check == TITLES[case.shape] and (case.path in r.expected or case.shape == "Parameter")
    ]

    assert named, [str(r) for r in changed if r.check == TITLES[case.shape]]
    assert all("totara up local" in r.fix and "pulumi refresh -s local" in r.fix for r in named)
    assert all(r.expected != r.found for r in named)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_is_named_with_the_way_to_mend_it(environment, fault: Fault) -> None:
    with fault.act(Cloud(environment.blueprint)):
        found = failures(environment)

    named = [r for r in found if r.check == fault.check and fault.subject in r.subject]
    assert len(named) == 1, [str(r) for r in found]
    assert fault.expected in named[0].expected
    assert fault.found in named[0].found
    assert fault.fix in named[0].fix


def test_what_was_mended_passes(environment) -> None:
    """Every fault was taken back, and none is named any more."""
    assert failures(environment) == []


def test_a_probe_event_that_is_refused_is_named(environment) -> None:
    """The emulator takes events even for a bus that is not there, so the answer is put in."""
    client = environment.live.client("events")
    entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "Try later."}

    def answer(request: Any, **_: Any) -> AWSResponse | None:
        if b"bank-kyc" not in request.body:
            return None
        content = json.dumps({"FailedEntryCount": 1, "Entries": [entry]}).encode()
        return AWSResponse(request.url, 200, {}, _Body(content))

    client.meta.events.register("before-send.events.PutEvents", answer)
    try:
        found = failures(environment)
    finally:
        client.meta.events.unregister("before-send.events.PutEvents", answer)

    assert [(r.check, r.subject) for r in found] == [("probe event", "bank-kyc")]
    assert found[0].found == "InternalFailure: Try later."
    assert "pulumi refresh -s local" in found[0].fix


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def test_an_answer_that_aws_refuses_fails_the_check_and_no_other(environment) -> None:
    """What could not be looked at never passes."""
    client = environment.live.client("kms")

    def refuse(request: Any, **_: Any) -> AWSResponse:
        content = {"__type": "AccessDeniedException", "message": "Not for you."}
        return AWSResponse(request.url, 400, {}, _Body(json.dumps(content).encode()))

    client.meta.events.register("before-send.kms.ListKeys", refuse)
    try:
        checked = run_checks(environment.live, environment.blueprint)
    finally:
        client.meta.events.unregister("before-send.kms.ListKeys", refuse)

    keys = next(c for c in checked if c.check.name == "keys")
    unread = [r for r in keys.results if r.outcome is Outcome.FAILED]
    assert [r.check for r in unread] == ["encryption key"]
    assert "AccessDenied" in unread[0].found
    assert "rights" in unread[0].fix
    assert "encryption key" not in {r.check for r in keys.results if r.outcome is Outcome.PASSED}


def test_a_url_that_refuses_strangers_answers(environment) -> None:
    cloud = Cloud(environment.blueprint)
    with answering(403) as url:
        cloud.ssm.put_parameter(Name=URL, Value=url, Type="String")
        try:
            checked = run_checks(environment.live, environment.blueprint)
        finally:
            cloud.ssm.delete_parameter(Name=URL)

    results = {r.subject: r.outcome for c in checked for r in c.results}
    assert results[f"MOD-073 {url}"] is Outcome.PASSED


def test_a_stack_that_finds_its_roles_ready_made_asks_whether_they_are_there(environment) -> None:
    scope = environment.blueprint.scope
    settings = scope.settings.model_copy(update={"roles": RoleHandling.EXISTING})
    blueprint = plan(scope.catalogue, settings, scope.tenants)
    iam = Cloud(blueprint).iam

    def of_roles() -> dict[str, Result]:
        checked = run_checks(environment.live, blueprint)
        found = next(c for c in checked if c.check.name == "roles").results
        return {r.subject: r for r in found if r.check == "role"}

    there = of_roles()
    assert set(scope.domain_roles.values()) <= set(there)
    assert {r.outcome for r in there.values()} == {Outcome.PASSED}

    sms = iam.get_role(RoleName="BankCognitoSmsRole")["Role"]
    policy = iam.get_role_policy(RoleName="BankCognitoSmsRole", PolicyName="send")
    iam.delete_role_policy(RoleName="BankCognitoSmsRole", PolicyName="send")
    iam.delete_role(RoleName="BankCognitoSmsRole")
    try:
        gone = of_roles()["BankCognitoSmsRole"]
    finally:
        iam.create_role(
            RoleName="BankCognitoSmsRole",
            Description=sms["Description"],
            AssumeRolePolicyDocument=json.dumps(sms["AssumeRolePolicyDocument"]),
            Tags=sms.get("Tags", []),
        )
        iam.put_role_policy(
            RoleName="BankCognitoSmsRole",
            PolicyName="send",
            PolicyDocument=json.dumps(policy["PolicyDocument"]),
        )

    assert (gone.outcome, gone.found) == (Outcome.FAILED, "nothing")
    assert "`roles: create` in Pulumi.local.yaml" in gone.fix
